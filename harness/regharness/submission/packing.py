"""Pack a model of a run into a submission. Scores it, and predicts nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from regharness import __version__, dims
from regharness.catalog import Catalog
from regharness.errors import InputError, unknown_name
from regharness.records import Record, cell_records
from regharness.run_folder import Run
from regharness.run_scores import Step
from regharness.spec import ModelEntry
from regharness.submission.archive import open_archive
from regharness.submission.benchmark import Benchmark, BenchmarkTask
from regharness.submission.cube_slice import PREDICTED
from regharness.submission.manifest import Card, Provenance, SliceInfo, TrainingData, UncertaintyKind, canonical
from regharness.submission.naming import slug_of
from regharness.submission.package import CONTROLS, write_package
from regharness.submission.refusal import Refused
from regharness.submission.rescoring import score_controls, score_predictions
from regharness.submission.sheets import Sheet, to_plain
from regharness.submission.targets import Targets, of_run, reference
from regharness.submission.values import check_values
from regharness.whole_folders import new_file


def pack(
    run: Run,
    model: str,
    target: Path,
    catalog: Catalog,
    card: Card | None = None,
    step: Step = lambda what, done, total: None,
) -> Card:
    """Write the predictions of a model, with its scores, as a submission file.

    Parameters
    ----------
    run
        Where all cells of the model are done.
    model
        Its name in the run.
    target
        Where to.
    catalog
        What is installed.
    card
        What its makers say of it; what the run knows if left out.
    step
        Told how far scoring is.

    Returns
    -------
    Card
        The model card that went in.

    Raises
    ------
    InputError
        When the run lacks the model or a cell of it, or its predictions would be refused.
    """
    models = [entry.name for entry in run.spec.models]
    if model not in models:
        message, choices = unknown_name("model", model, models, listed="models")
        raise InputError(message, help=choices)
    targets = of_run(run)
    card = card or default_card(run, model)
    tasks = [task for task in run.tasks if model in run.models(task)]
    predictions = {task: _predictions(run, task, model, card.slug) for task in tasks}
    sheet = score_predictions(predictions, targets, catalog, step)[card.slug]
    write_submission(
        target,
        card,
        predictions,
        targets.benchmark,
        ids_of(targets),
        {
            "provenance": _provenance(run, model),
            "claims": sheet,
            "controls": score_controls(targets, catalog),
        },
    )
    return card


def default_card(run: Run, model: str) -> Card:
    """What a run knows of a model."""
    entry = next(entry for entry in run.spec.models if entry.name == model)
    tasks = [task for task in run.tasks if model in run.models(task)]
    fitted = [task for task in tasks if any("fit" in record.timings for record in _records(run, model, task))]
    return Card(
        slug=slug_of(model),
        display=model,
        training_data=[TrainingData(dataset=_data(run, task)) for task in dict.fromkeys(fitted)],
        overlap="Fitted by regharness to the training split of each task and seed." if fitted else "",
        exposure={task: {"*": "unseen"} for task in fitted},
        external_data=False if fitted == tasks else None,
        uncertainty=None if entry.uncertainty is None else UncertaintyKind(kind=entry.uncertainty.use),
        replicates="seed of the data and of the model",
    )


def write_submission(
    target: Path,
    card: Card,
    predictions: Mapping[str, xr.Dataset],
    benchmark: Benchmark,
    ids: Mapping[str, xr.DataArray],
    told: Mapping[str, Any],
) -> None:
    """Write a submission file, if its predictions are ones that a verification takes.

    Parameters
    ----------
    target
        Where to.
    card
        The model card.
    predictions
        Task to ``mean`` and, where there are, variances and quantiles: dims model x shift x seed x example x output.
    benchmark
        What it answers to.
    ids
        Task to ids, dims shift x seed x example.
    told
        ``provenance``, `Provenance`; ``claims``, a `Sheet` or None; ``controls``, name to `Sheet`.

    Raises
    ------
    InputError
        When a prediction would be refused.
    """
    groups = []
    for task, cube in predictions.items():
        entry = benchmark.task(task)
        assert entry is not None
        info = _info(entry, benchmark.seeds, cube, card.slug)
        groups.append((info, cube.assign({dims.EXAMPLE_ID: ids[task]})))
    claims: Sheet | None = told["claims"]
    head = {
        "kind": "submission",
        "benchmark": reference(benchmark),
        "card": card,
        "provenance": told["provenance"],
        "claims": None if claims is None else to_plain(claims),
    }
    controls = {name: to_plain(sheet) for name, sheet in told["controls"].items()}
    extra = {CONTROLS: json.dumps(controls, separators=(",", ":")).encode()} if controls else {}
    with new_file(target) as file:
        write_package(file, head, groups, extra)
        try:
            with open_archive(file) as archive:
                for info, _ in groups:
                    check_values(archive, info)
        except Refused as error:
            raise InputError(
                f"'{card.display}' cannot be submitted: {error}", help="mend the model, or its run"
            ) from None


def ids_of(targets: Targets) -> dict[str, xr.DataArray]:
    """Task to the ids of all its test sets, dims shift x seed x example."""
    found = {}
    for task, cube in targets.cubes.items():
        shifts, seeds = cube[dims.SHIFT].values.tolist(), cube[dims.SEED].values.tolist()
        ids = np.full((len(shifts), len(seeds), cube.sizes[dims.EXAMPLE]), "", dtype=object)
        for s, shift in enumerate(shifts):
            for k, seed in enumerate(seeds):
                held = targets.ids(task, shift, seed)
                ids[s, k, : len(held)] = held
        found[task] = xr.DataArray(ids, dims=(dims.SHIFT, dims.SEED, dims.EXAMPLE))
    return found


def _predictions(run: Run, task: str, model: str, slug: str) -> xr.Dataset:
    """What a model predicted in a task, lazily, without what it does not give."""
    cube = run.cube(task).sel({dims.MODEL: [model]})
    missing = np.argwhere(cube[dims.STATUS].values != dims.DONE)
    if len(missing):
        _, s, k = missing[0]
        raise InputError(
            f"{len(missing)} of {cube[dims.STATUS].size} cells of '{model}' in task '{task}' are not done, "
            f"{cube[dims.SHIFT].values[s]}, seed {cube[dims.SEED].values[k]} among them",
            help="a submission is of all cells; run the spec again, without --only",
        )
    rows = {dims.EXAMPLE: slice(int(cube[dims.N_EXAMPLES].max()))}
    first = cube.isel({dims.SHIFT: 0, dims.SEED: 0, dims.EXAMPLE: slice(int(cube[dims.N_EXAMPLES][0, 0]))})
    kept = [name for name in PREDICTED if name in cube and bool(np.isfinite(first[name].values).any())]
    found = cube[kept].isel(rows).assign_coords({dims.MODEL: [slug]})
    if dims.QUANTILES in kept:
        others = [dim for dim in first[dims.QUANTILES].dims if dim != dims.QUANTILE]
        given = np.isfinite(first[dims.QUANTILES].transpose(*others, dims.QUANTILE).values)
        found = found.isel({dims.QUANTILE: given.reshape(-1, given.shape[-1]).any(axis=0)})
    elif dims.QUANTILE in found.coords:
        found = found.drop_vars(dims.QUANTILE)
    return found.assign({dims.N_EXAMPLES: cube[dims.N_EXAMPLES]}).drop_vars(dims.EXAMPLE_ID, errors="ignore")


def _info(task: BenchmarkTask, seeds: Sequence[int], cube: xr.Dataset, slug: str) -> SliceInfo:
    return SliceInfo(
        task=task.name,
        unit=task.unit,
        model=slug,
        outputs=task.outputs,
        shifts=task.shifts,
        seeds=list(seeds),
        examples=[[entry.examples for entry in row] for row in task.test_sets.values()],
        levels=cube[dims.QUANTILE].values.tolist() if dims.QUANTILES in cube else [],
        variables={name: "float32" for name in PREDICTED if name in cube},
    )


def _provenance(run: Run, model: str) -> Provenance:
    entry = next(entry for entry in run.spec.models if entry.name == model)
    records = sorted(_records(run, model), key=lambda record: tuple(map(str, record.name)))
    told = run.provenance
    return Provenance(
        made_by="run",
        regharness=str(told.get("regharness", __version__)),
        spec_sha256=_spec_digest(run, entry),
        cells_sha256=hashlib.sha256(canonical([[*record.name, record.key] for record in records])).hexdigest(),
        python=told.get("python"),
        platform=told.get("platform"),
        libraries=told.get("libraries", {}),
        execution={name: str(value) for name, value in told.get("models", {}).get(model, {}).items()},
        started=told.get("started"),
        cell_seconds=round(sum(record.seconds for record in records), 3),
    )


def _spec_digest(run: Run, entry: ModelEntry) -> str:
    """Digest of what the spec says of a model and its tasks."""
    spec = run.spec.dump()
    tasks = [task for task in spec["tasks"] if entry.tasks is None or task["name"] in entry.tasks]
    model = entry.model_dump(mode="json", by_alias=True, exclude_none=True)
    return hashlib.sha256(canonical({"model": model, "tasks": tasks, "seeds": spec["seeds"]})).hexdigest()


def _records(run: Run, model: str, task: str | None = None) -> list[Record]:
    return [record for record in cell_records(run.folder) if record.model == model and task in (None, record.task)]


def _data(run: Run, task: str) -> str:
    return next(entry.data.use for entry in run.spec.tasks if entry.name == task)
