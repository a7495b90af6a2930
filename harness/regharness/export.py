"""Write a fitted model of a run as a file that others read, once it predicts the same. Knows no format."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regharness import dims
from regharness.capabilities import Exportable, Exported
from regharness.catalog import Catalog
from regharness.errors import CellError, InputError, VerificationError, unknown_name
from regharness.examples import Examples
from regharness.fitting import MODELS, build_model, load_stored
from regharness.interfaces import ModelAdapter, Prediction, RunContext, SequenceBatch
from regharness.plan import Cell, Plan, make_plan
from regharness.prediction_checks import check
from regharness.quantiles import declared_levels, level_label
from regharness.records import cell_records
from regharness.run_folder import Run
from regharness.seeding import seed_for
from regharness.spec import ModelEntry

TOLERANCE = 1e-4
"""Largest difference of two predictions that count as the same, in standard deviations of the targets."""


@dataclass(frozen=True)
class Export:
    """An exported model.

    Attributes
    ----------
    file
        Where it lies.
    model, task, seed, format
        What was exported.
    left_out
        The uncertainty method around the model, which the file does not hold; empty if there is none.
    differences
        Part of a prediction to the largest difference between file and model over the identity test set, in
        standard deviations of the targets, of variances in their squares.
    entry
        What brings the file into a spec in its folder, ``{name: ..., use: ..., with: ...}``.
    """

    file: Path
    model: str
    task: str
    seed: int
    format: str
    left_out: str
    differences: dict[str, float]
    entry: dict[str, Any]


def export(
    run: Run,
    catalog: Catalog,
    model: str,
    format: str,
    *,
    task: str | None = None,
    seed: int | None = None,
    output: Path | None = None,
) -> Export:
    """Write a fitted model as a file, build a model from that and compare their predictions.

    Parameters
    ----------
    run
        Its spec is planned again.
    catalog
        What is installed.
    model, task, seed
        Of the spec; without `task` and `seed` the first ones of the model.
    format
        One that the model offers.
    output
        The file; ``<model>.<format>`` if left out. What belongs to it lies beside it. Nothing is overwritten.

    Raises
    ------
    InputError
        When a name is unknown, the model was not fitted or offers no such file, or the file exists.
    VerificationError
        When the file predicts otherwise than the model, or the model otherwise than the run has stored; there is
        no file then.
    """
    path = (output or Path(f"{model}.{format}")).absolute()
    plan = make_plan(run.spec, catalog)
    entry = _entry(plan, model)
    cell = _cell(plan, model, task, seed)
    fitted = _fitted(run, cell, entry, catalog)
    exportable = _exportable(fitted, entry, format)
    _free(path)
    batch = Examples(plan.tasks).test_set(cell.task, cell.seed, dims.IDENTITY)
    context = RunContext(seed=seed_for(cell.seed, "model"), device=plan.spec.run.device)
    own = _predicted(fitted, batch, context)
    _agree(_stored(run, cell, own), own, batch, _parts(own), "the model predicts", "what the run has stored")
    with tempfile.TemporaryDirectory(prefix=".export-", dir=path.parent) as name:
        # Nothing lies where the user wants it before it was found to predict the same.
        folder = Path(name)
        try:
            exported = exportable.export(folder / path.name, format, batch.outputs)
        except CellError as error:
            raise InputError(f"model '{model}' cannot be written as {format}: {error}") from None
        if not (folder / path.name).exists():
            raise VerificationError(f"the model wrote no file as {format}")
        exported = replace(exported, with_=_beside(exported.with_, folder))
        again = _again(exported, folder, catalog, batch, context)
        differences = _agree(again, own, batch, exported.parts, "the file predicts", "the model")
        written = sorted(folder.iterdir())
        for file in written:
            _free(path.parent / file.name)
        for file in written:
            file.rename(path.parent / file.name)
    left_out = "" if entry.uncertainty is None else entry.uncertainty.use
    described = {"name": model, "use": exported.use, "with": exported.with_}
    return Export(path, model, cell.task, cell.seed, format, left_out, differences, described)


def _entry(plan: Plan, model: str) -> ModelEntry:
    names = {entry.name: entry for entry in plan.spec.models}
    if model not in names:
        message, choices = unknown_name("model", model, names, listed="the run has")
        raise InputError(message, help=choices)
    return names[model]


def _cell(plan: Plan, model: str, task: str | None, seed: int | None) -> Cell:
    """The identity cell of a model; the first one of its tasks and seeds where none is asked for."""
    cells = [cell for cell in plan.cells if cell.model == model and cell.shift == dims.IDENTITY]
    tasks = list(dict.fromkeys(cell.task for cell in cells))
    if task is not None and task not in tasks:
        message, choices = unknown_name("task", task, tasks, listed=f"'{model}' takes part in")
        raise InputError(message, help=choices)
    if seed is not None and seed not in plan.spec.seeds:
        seeds = map(str, plan.spec.seeds)
        raise InputError(f"the run has no seed {seed}", help=f"seeds: {', '.join(seeds)}")
    return next(cell for cell in cells if task in (None, cell.task) and seed in (None, cell.seed))


def _fitted(run: Run, cell: Cell, entry: ModelEntry, catalog: Catalog) -> ModelAdapter:
    """The fitted model of a cell that is done."""
    record = cell_records(run.folder).of(cell)
    what = f"model '{cell.model}' of task '{cell.task}' and seed {cell.seed}"
    again = f"'regharness run {run.folder / 'spec.yaml'} -o {run.folder}' computes what is missing"
    if record is None:
        raise InputError(f"{what} was not computed, or by other code or with other parameters", help=again)
    if record.status == "failed":
        raise InputError(f"{what} failed: {record.reason}", help=again)
    model = build_model(entry, catalog)
    if model.trainable:
        folder = run.folder / MODELS / cell.fit_key
        if not load_stored(model, folder):
            raise InputError(
                f"{what} is not stored any more: no whole folder at {folder}", help="remove the run and repeat it"
            )
    return model


def _exportable(model: ModelAdapter, entry: ModelEntry, format: str) -> Exportable:
    if not isinstance(model, Exportable) or not model.export_formats:
        inside = f", in its uncertainty method '{entry.uncertainty.use}'," if entry.uncertainty else ""
        raise InputError(
            f"model '{entry.name}' ('{entry.use}'){inside} offers no file",
            help="a model that does has 'export_formats' and 'export'; see regharness.capabilities",
        )
    if format not in model.export_formats:
        message, choices = unknown_name("format", format, model.export_formats, listed=f"'{entry.name}' offers")
        raise InputError(message, help=choices)
    return model


def _free(path: Path) -> None:
    if not path.parent.is_dir():
        raise InputError(f"no folder at {path.parent}", help="make it, or choose another file with -o")
    if path.exists():
        raise InputError(f"{path} is there already", help="choose another file with -o")


def _predicted(model: ModelAdapter, batch: SequenceBatch, context: RunContext) -> Prediction:
    seen = replace(batch, target=None) if "truth" in model.needs else batch.inputs()
    prediction = model.predict(seen, context)
    check(prediction, batch, declared_levels(model))
    return prediction


def _again(exported: Exported, folder: Path, catalog: Catalog, batch: SequenceBatch, context: RunContext) -> Prediction:
    model = catalog.create("model", exported.use, exported.with_, folder)
    try:
        return _predicted(model, batch, context)
    except CellError as error:
        raise VerificationError(f"the file was written, and '{exported.use}' cannot predict with it: {error}") from None


def _parts(prediction: Prediction) -> list[str]:
    names = (dims.MEAN, dims.ALEATORIC, dims.EPISTEMIC, dims.QUANTILES)
    return [name for name in names if getattr(prediction, name) is not None]


def _stored(run: Run, cell: Cell, own: Prediction) -> Prediction:
    """What the cube holds of a cell, of the parts that the model gives."""
    cube = run.cube(cell.task).sel(model=cell.model, shift=cell.shift, seed=cell.seed)
    cube = cube.isel(example=slice(int(cube[dims.N_EXAMPLES])))
    if own.quantiles is not None:
        cube = cube.sel({dims.QUANTILE: [level_label(level) for level in own.quantile_levels]})
    values: dict[str, Any] = {name: cube[name].values for name in _parts(own)}
    return replace(own, **values)


def _agree(
    found: Prediction, expected: Prediction, batch: SequenceBatch, parts: Any, what: str, other: str
) -> dict[str, float]:
    """Largest difference of each part, in standard deviations of the targets; refused above `TOLERANCE`."""
    assert batch.target is not None
    spread = np.nanstd(batch.target.astype(np.float64), axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    differences = {}
    for name in parts:
        one, two = getattr(found, name), getattr(expected, name)
        if one is None or two is None or one.shape != two.shape or found.quantile_levels != expected.quantile_levels:
            raise VerificationError(f"{what} no {name} as {other} does")
        unit = spread**2 if name.endswith("variance") else spread
        differences[name] = _largest(one, two, unit)
        if not differences[name] <= TOLERANCE:
            raise VerificationError(
                f"{what} another {name} than {other}: up to {differences[name]:.2g} standard deviations of the targets "
                f"apart, and {TOLERANCE:g} is allowed"
            )
    return differences


def _largest(one: NDArray[np.float32], two: NDArray[np.float32], unit: NDArray[np.float64]) -> float:
    """Largest absolute difference of arrays ``(example, output, ...)`` in units ``(output,)``."""
    apart = np.abs(one.astype(np.float64) - two).max(axis=0)
    return float((apart / unit.reshape(-1, *[1] * (apart.ndim - 1))).max())


def _beside(value: Any, folder: Path) -> Any:
    """Parameters as plain values, with files in `folder` by their names."""
    if isinstance(value, Mapping):
        return {key: _beside(part, folder) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_beside(part, folder) for part in value]
    if isinstance(value, (str, Path)) and Path(value).is_relative_to(folder):
        return str(Path(value).relative_to(folder))
    return str(value) if isinstance(value, Path) else value
