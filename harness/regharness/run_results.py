"""Turn a run into what a page shows of it. Draws nothing, writes nothing."""

from __future__ import annotations

from regharness import dims
from regharness.catalog import load_catalog
from regharness.joining import join
from regharness.pictured import pictured_curves
from regharness.results import Entrant, Results
from regharness.run_folder import Run
from regharness.score_tables import pick_metric


def results_of(run: Run) -> Results:
    """The scores of a run's models, and the curves that are drawn of their predictions.

    Raises
    ------
    InputError
        When the run has no scores, or none of one number.
    """
    scores, catalog = run.scores, load_catalog()
    curves = [pictured_curves(run.cube(task), catalog) for task in run.tasks]
    models = [str(model) for model in scores[dims.MODEL].values]
    return Results(
        name=run.name,
        version=run.spec.version,
        scores=scores,
        blocks=run.blocks(pick_metric(scores, None, by_shift=False)),
        curves=join(curves, {name: run.labels[name] for name in (dims.TASK, dims.MODEL, dims.SHIFT)}),
        entrants={model: Entrant(model, model) for model in models},
        task_infos=run.task_infos,
        failures=run.failures,
        provenance=run.provenance,
    )
