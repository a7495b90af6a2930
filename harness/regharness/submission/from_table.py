"""Make a submission of a table of predictions, for those who predict outside the harness. Predicts nothing."""

from __future__ import annotations

from pathlib import Path

from regharness import __version__
from regharness.catalog import Catalog
from regharness.errors import InputError
from regharness.run_scores import Step
from regharness.submission.manifest import Card, Provenance
from regharness.submission.packing import write_submission
from regharness.submission.prediction_table import ids_of, read_predictions
from regharness.submission.rescoring import score_controls, score_predictions
from regharness.submission.targets import Targets
from regharness.submission.template_reading import open_template


def from_predictions(
    table: Path,
    template: Path,
    card: Card,
    target: Path,
    catalog: Catalog,
    targets: Targets | None = None,
    step: Step = lambda what, done, total: None,
) -> list[str]:
    """Write a submission of a table.

    Parameters
    ----------
    table
        ``.csv``, ``.csv.gz`` or ``.parquet``, with a row an example, or an example and output.
    template
        What it answers to, as `regharness.submission.template.write_template` wrote it.
    card
        The model card.
    target
        Where to.
    catalog
        What is installed.
    targets
        To score it and to state its scores; none are stated without.
    step
        Told how far scoring is.

    Returns
    -------
    list
        Tasks of the benchmark that the table leaves out.

    Raises
    ------
    InputError
        With everything that is wrong with the table, or when targets are of another benchmark.
    """
    asked = open_template(template)
    if targets is not None and targets.benchmark.inputs_sha256 != asked.benchmark.inputs_sha256:
        raise InputError(
            f"the targets are of other test sets of '{targets.benchmark.name}' than {template}",
            help="give those that the template was made of, or leave --targets out: then no scores are stated",
        )
    predictions = read_predictions(table, asked, card.slug)
    scored = {} if targets is None else score_predictions(predictions, targets, catalog, step)
    told = {
        "provenance": Provenance(made_by="table", regharness=__version__),
        "claims": scored.get(card.slug),
        "controls": {} if targets is None else score_controls(targets, catalog),
    }
    write_submission(target, card, predictions, asked.benchmark, ids_of(asked, predictions), told)
    return [task.name for task in asked.benchmark.tasks if task.name not in predictions]
