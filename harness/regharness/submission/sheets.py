"""Own a sheet: all scores of one model on one benchmark, as a Dataset and as plain JSON. Scores nothing.

What a submission claims, what a verification finds and what a record keeps are sheets, so that one can be held against
another, and a leaderboard be made of any.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import pydantic
import xarray as xr
from numpy.typing import NDArray
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

ABSOLUTE, RELATIVE = 1e-9, 1e-10
"""How far equal scores may lie apart: the same sums in another order, and far below what a claim could gain."""

MOST_NUMBERS = 20_000_000
"""Of a sheet whose tasks lie side by side: what a task lacks takes memory too."""

Values = NDArray[np.float64]


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


@dataclass(frozen=True)
class Sheet:
    """The scores of one model.

    Attributes
    ----------
    scores
        Dims task x shift x seed x output, with ``status`` (task, shift, seed) and how far each shift went; attributes
        ``rank_by`` and ``metrics``.
    blocks
        What blocks of examples contribute to the metric that ranks, dims task x shift x seed x block.
    curves
        Dims task x shift x their own.
    """

    scores: xr.Dataset
    blocks: xr.Dataset
    curves: xr.Dataset


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


def to_plain(sheet: Sheet) -> dict[str, Any]:
    """A sheet as plain JSON values."""
    scores = sheet.scores
    tasks = {}
    for task in scores[dims.TASK].values.tolist():
        tasks[str(task)] = _task(sheet, task)
    return {"rank_by": scores.attrs["rank_by"], "metrics": list(scores.attrs["metrics"]), "tasks": tasks}


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


def differences(claimed: Sheet, found: Sheet, only: Collection[str] | None = None) -> Iterator[str]:
    """Where two sheets of one model say different things, in words.

    Parameters
    ----------
    claimed, found
        Cells that `found` lacks are passed over.
    only
        Metrics to compare, each a number a cell, where `found` is of a part of the cells; else everything.
    """
    yield from _differing("", claimed.scores, found.scores, found, only)
    if only is None:
        yield from _differing("blocks of ", claimed.blocks, found.blocks, found)
        yield from _differing("curve ", claimed.curves, found.curves, found)


def _differing(
    called: str, claimed: xr.Dataset, found: xr.Dataset, sheet: Sheet, only: Collection[str] | None = None
) -> Iterator[str]:
    for name in claimed.data_vars:
        if name != dims.STATUS and name in found and (only is None or name in only):
            yield from _differences(f"{called}{name}", claimed[name], found[name], sheet.scores[dims.STATUS])


def _differences(called: str, claimed: xr.DataArray, found: xr.DataArray, status: xr.DataArray) -> Iterator[str]:
    if set(claimed.dims) != set(found.dims):
        yield f"{called} is along {', '.join(map(str, claimed.dims))}, not {', '.join(map(str, found.dims))}"
        return
    claimed = claimed.transpose(*found.dims).reindex_like(found)
    known = status.reindex_like(found) == dims.DONE if dims.SHIFT in found.dims else (status == dims.DONE).any()
    one, other = claimed.values, found.values
    if one.shape != other.shape:
        yield f"{called} has {one.shape} numbers, not {other.shape}"
        return
    with np.errstate(invalid="ignore"):
        equal = (np.abs(one - other) <= ABSOLUTE + RELATIVE * np.abs(other)) | (one == other)
    equal |= np.isnan(one) & np.isnan(other)
    wrong = np.argwhere(~equal & np.broadcast_to(_along(known, found), found.shape))
    for place in wrong[:1]:
        labels = ", ".join(
            f"{dim} {found[dim].values[i]}" if dim in found.coords else f"{dim} {i}"
            for dim, i in zip(found.dims, place, strict=True)
        )
        at = tuple(place)
        more = f", and {len(wrong) - 1:,} more of it" if len(wrong) > 1 else ""
        yield f"{called} at {labels}: {float(one[at])!r} is claimed, {float(other[at])!r} was computed{more}"


def _along(known: xr.DataArray, found: xr.DataArray) -> NDArray[np.bool_]:
    """Which numbers are of cells that are known, in dimensions that broadcast."""
    seeds = known.any(dims.SEED) if dims.SEED in known.dims and dims.SEED not in found.dims else known
    shape = [seeds.sizes.get(dim, 1) for dim in found.dims]
    order = [dim for dim in found.dims if dim in seeds.dims]
    values: NDArray[np.bool_] = seeds.transpose(*order).values.reshape(shape)
    return values


def _task(sheet: Sheet, task: Any) -> dict[str, Any]:
    scores = sheet.scores.sel({dims.TASK: task})
    present = scores[dims.STATUS] != dims.ABSENT
    shifts = scores[dims.SHIFT].values[present.any(dims.SEED).values].tolist()
    scores = scores.sel({dims.SHIFT: shifts})
    outputs = _known_outputs(scores)
    scores = scores.sel({dims.OUTPUT: outputs})
    found: dict[str, Any] = {
        "shifts": [str(label) for label in shifts],
        "seeds": scores[dims.SEED].values.tolist(),
        "outputs": [str(label) for label in outputs],
        "status": (scores[dims.STATUS] == dims.DONE).astype(int).values.tolist(),
        "scores": {},
    }
    for name, values in scores.data_vars.items():
        if name != dims.STATUS:
            found["scores"][name] = {**_array(values), **_about(values)}
    blocks = sheet.blocks.sel({dims.TASK: task, dims.SHIFT: shifts}) if len(sheet.blocks) else sheet.blocks
    found["blocks"] = {name: _array(values) for name, values in blocks.data_vars.items()}
    curves = sheet.curves.sel({dims.TASK: task}) if len(sheet.curves) else sheet.curves
    drawn = [shift for shift in shifts if shift in (curves[dims.SHIFT].values if len(curves) else ())]
    curves = curves.sel({dims.SHIFT: drawn}) if len(curves) else curves
    found["curves"] = {
        name: {
            **_array(values.reindex({dims.SHIFT: shifts})),
            "labels": values[values.dims[-1]].values.tolist(),
            **_about(values),
        }
        for name, values in curves.data_vars.items()
    }
    moved = (name for name in LONG_NAMES if name in scores.coords)
    found["test_sets"] = {name: _array(scores[name].variable) for name in moved}
    return found


def _known_outputs(scores: xr.Dataset) -> list[Any]:
    """The outputs that a task has, of those that any task has."""
    counts = scores[N_VALID] + scores[N_DROPPED]
    over = [dim for dim in counts.dims if dim != dims.OUTPUT]
    known = (counts.sum(over) > 0).values
    labels: list[Any] = scores[dims.OUTPUT].values[known].tolist()
    return labels or scores[dims.OUTPUT].values.tolist()


def _about(values: xr.DataArray) -> dict[str, Any]:
    return {name: values.attrs[name] for name in ("direction", "long_name") if name in values.attrs}


def _array(values: xr.DataArray | xr.Variable) -> dict[str, Any]:
    return {"dims": [str(dim) for dim in values.dims], "values": _nested(values.values.tolist())}


def _nested(value: Any) -> Any:
    """Numbers for JSON, which knows neither NaN nor infinity."""
    if isinstance(value, list):
        return [_nested(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value


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
    for name in (*task.scores, *task.blocks, *task.curves):
        if name in _TAKEN:
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
