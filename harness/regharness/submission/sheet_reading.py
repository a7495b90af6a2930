"""Read a sheet from plain JSON, which a stranger may have written.

Refuses what is no sheet, what is of other predictions, and what would take more memory than it has numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
import pydantic
import xarray as xr
from pydantic import AfterValidator, Field

from regharness import dims
from regharness.joining import join, text_labels
from regharness.magnitude import BY_OUTPUT, LONG_NAMES
from regharness.parameters import Parameters
from regharness.scoring import N_DROPPED, N_VALID
from regharness.spec import Name
from regharness.submission.manifest import Seed, ShiftLabel, SliceInfo, Text
from regharness.submission.names import markup_problem
from regharness.submission.refusal import MOST_FAULTS, Refused
from regharness.submission.sheets import Sheet

MOST_NUMBERS = 20_000_000
"""Of a sheet whose tasks lie side by side: what a task lacks takes memory too."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("has a character that does not print")
    if (problem := markup_problem(text)) is not None:
        raise ValueError(problem)
    return text


LongName = Annotated[str, Field(max_length=500), AfterValidator(_printable)]
"""The summary of a metric, by whoever wrote it."""
_TAKEN = frozenset(
    {
        *(dims.TASK, dims.MODEL, dims.SHIFT, dims.SEED, dims.EXAMPLE, dims.OUTPUT, dims.BLOCK, dims.STATUS),
        *(dims.SHIFT_OPERATOR, dims.SEVERITY, *LONG_NAMES),
    }
)
"""Names that no score or curve can have."""


class _Array(Parameters):
    """Numbers along named dimensions; None for one that is not there."""

    dims: list[Name] = Field(max_length=4)
    values: Any


class _Score(_Array):
    """A metric."""

    direction: Literal["lower", "higher"] | float | None = None
    long_name: LongName = ""


class _Curve(_Array):
    """A curve, and the labels along its own dimension, the last."""

    labels: list[float] = Field(max_length=1000)
    direction: Literal["lower", "higher"] | float | None = None
    long_name: LongName = ""


class _Task(Parameters):
    """The scores of a task."""

    shifts: list[ShiftLabel] = Field(min_length=1, max_length=10_000)
    seeds: list[Seed] = Field(min_length=1, max_length=10_000)
    outputs: list[Text] = Field(min_length=1, max_length=1000)
    status: list[list[Literal[0, 1]]] = Field(description="Of each shift and seed: 1 if it was scored.")
    scores: dict[Name, _Score] = Field(max_length=500)
    blocks: dict[Name, _Array] = Field(default={}, max_length=500)
    curves: dict[Name, _Curve] = Field(default={}, max_length=100)
    test_sets: dict[Name, _Array] = Field(default={}, max_length=20, description="How far each shift went.")


class _Plain(Parameters):
    """A sheet in JSON."""

    rank_by: Name
    metrics: list[Name] = Field(max_length=500)
    tasks: dict[Name, _Task] = Field(min_length=1, max_length=1000)


def from_plain(value: Any, what: str, cubes: Sequence[SliceInfo] | None = None) -> Sheet:
    """A sheet from plain JSON values.

    Parameters
    ----------
    value
        As `to_plain` gives it.
    what
        What to call it in messages.
    cubes
        Shapes of the predictions that it must be of; of any if left out.

    Raises
    ------
    Refused
        When it is none, or of other predictions.
    """
    try:
        plain = _Plain.model_validate(value)
        if cubes is not None:
            _check_fit(plain, cubes)
        return _sheet(plain)
    except pydantic.ValidationError as error:
        if error.error_count() > MOST_FAULTS:
            raise Refused("claims", f"{what}: {error.error_count():,} faults") from None
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise Refused("claims", f"{what}: {place}: {first['msg']}") from None
    except (ValueError, TypeError, OverflowError) as error:
        raise Refused("claims", f"{what}: {error}") from None


def _check_fit(plain: _Plain, cubes: Sequence[SliceInfo]) -> None:
    infos = {info.task: info for info in cubes}
    for task, held in plain.tasks.items():
        if task not in infos:
            raise ValueError(f"the submission has no task '{task}'")
        for what in ("shifts", "seeds", "outputs"):
            if sorted(getattr(held, what)) != sorted(getattr(infos[task], what)):
                raise ValueError(f"task '{task}': {what} are not those of its predictions")
        for name, block in held.blocks.items():
            # A block is of one example at least.
            if np.shape(block.values)[-1:] > (infos[task].rows,):
                raise ValueError(f"task '{task}': {name} has more blocks than there are examples")


def _sheet(plain: _Plain) -> Sheet:
    tasks = list(plain.tasks)
    labels: dict[str, list[Any]] = {
        dims.TASK: tasks,
        dims.SHIFT: list(dict.fromkeys(shift for task in plain.tasks.values() for shift in task.shifts)),
        dims.SEED: sorted({seed for task in plain.tasks.values() for seed in task.seeds}),
    }
    outputs = list(dict.fromkeys(output for task in plain.tasks.values() for output in task.outputs))
    if plain.rank_by not in plain.metrics:
        raise ValueError(f"rank_by is '{plain.rank_by}', which is none of its metrics")
    parts, blocks, curves = zip(*map(_parts, plain.tasks.values()), strict=True)
    for held in (parts, blocks, curves):
        _check_size(held, {**labels, dims.OUTPUT: outputs})
    scores = join(parts, {**labels, dims.OUTPUT: outputs}).set_coords(list(LONG_NAMES))
    scores.attrs = {"rank_by": plain.rank_by, "metrics": plain.metrics}
    of_curves = {name: part for name, part in labels.items() if name != dims.SEED}
    return Sheet(scores, join(blocks, labels), join(curves, of_curves))


def _parts(task: _Task) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    """Scores, blocks and curves of a task."""
    counts = {N_VALID, N_DROPPED}
    for name in (*(task.scores.keys() - counts), *task.blocks, *task.curves):
        if name in _TAKEN | counts:
            raise ValueError(f"no score can be called '{name}'")
    for name in task.test_sets:
        if name not in LONG_NAMES:
            raise ValueError(f"'{name}' does not tell how far a shift went")
    sizes: dict[str, Sequence[Any]] = {dims.SHIFT: task.shifts, dims.SEED: task.seeds, dims.OUTPUT: task.outputs}
    coords = {name: text_labels(values) for name, values in sizes.items()}
    scores = {name: _filled(name, score, sizes, score) for name, score in task.scores.items()}
    for name in (N_VALID, N_DROPPED):
        if name not in scores:
            raise ValueError(f"there is no {name}")
        scores[name] = _counts(name, scores[name])
    scores[dims.STATUS] = xr.Variable((dims.SHIFT, dims.SEED), np.array(task.status, np.int8))
    for name in LONG_NAMES:
        names = (dims.SHIFT, dims.SEED, dims.OUTPUT) if name in BY_OUTPUT else (dims.SHIFT, dims.SEED)
        held = task.test_sets.get(name)
        empty = xr.Variable(names, np.full([len(sizes[dim]) for dim in names], np.nan))
        scores[name] = empty if held is None else _filled(name, held, sizes)
    for name, held in task.blocks.items():
        if held.dims != [dims.SHIFT, dims.SEED, dims.BLOCK]:
            raise ValueError(f"blocks of {name} are not along shift, seed and block")
    of_blocks = {name: _filled(name, held, {**sizes, dims.BLOCK: None}) for name, held in task.blocks.items()}
    drawn, labels = {}, {dims.SHIFT: coords[dims.SHIFT]}
    for name, curve in task.curves.items():
        if curve.dims[:1] != [dims.SHIFT] or len(curve.dims) != 2 or curve.dims[1] in {*_TAKEN, *task.curves}:
            raise ValueError(f"the curve {name} is not along shift and its own dimension")
        if len(set(curve.labels)) != len(curve.labels):
            raise ValueError(f"labels of the curve {name} repeat")
        labels[curve.dims[1]] = np.array(curve.labels)
        drawn[name] = _filled(name, curve, {dims.SHIFT: task.shifts, curve.dims[1]: curve.labels}, curve)
    along = {name: coords[name] for name in (dims.SHIFT, dims.SEED)}
    return xr.Dataset(scores, coords), xr.Dataset(of_blocks, along), xr.Dataset(drawn, labels)


def _counts(name: str, held: xr.Variable) -> xr.Variable:
    values = np.where(np.isfinite(held.values), held.values, -1)
    if not ((values >= 0) & (values <= 2**53) & (values % 1 == 0)).all():
        raise ValueError(f"{name} is no count")
    return held.astype(np.int64)


def _check_size(parts: Sequence[xr.Dataset], labels: Mapping[str, Sequence[Any]]) -> None:
    """Refuse tasks that side by side would take much more memory than each by itself."""
    sizes: dict[str, int] = {}
    for part in parts:
        for dim, size in part.sizes.items():
            sizes[str(dim)] = len(labels[str(dim)]) if dim in labels else max(size, sizes.get(str(dim), 0))
    along = {name: values.dims for part in parts for name, values in part.data_vars.items()}
    count = len(parts) * sum(math.prod(sizes[str(dim)] for dim in names) for names in along.values())
    if count > MOST_NUMBERS:
        raise ValueError(f"its tasks side by side are {count:,} numbers; at most {MOST_NUMBERS:,} are read")


def _filled(
    name: str, held: _Array, sizes: Mapping[str, Sequence[Any] | None], about: _Score | _Curve | None = None
) -> xr.Variable:
    """Numbers as they are stated, held against the labels; of a dimension without labels any number."""
    unknown = [dim for dim in held.dims if dim not in sizes]
    if unknown or len(set(held.dims)) != len(held.dims):
        raise ValueError(f"{name} is along {', '.join(held.dims)}")
    # None is NaN, and the texts that stand for infinity are read as such.
    values = np.array(held.values, dtype=np.float64)
    expected = [len(labels) if (labels := sizes[dim]) is not None else None for dim in held.dims]
    fits = values.ndim == len(expected) and all(
        size in (None, length) for size, length in zip(expected, values.shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{name} has not one number for each {', '.join(held.dims)}")
    attrs: dict[str, Any] = {}
    if about is not None:
        attrs = {"long_name": about.long_name}
        if about.direction is not None:
            attrs["direction"] = about.direction
    return xr.Variable(tuple(held.dims), values, attrs)
