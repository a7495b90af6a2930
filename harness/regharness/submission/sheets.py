"""Own a sheet: all scores of one model on one benchmark, as a Dataset and as plain JSON. Scores nothing.

What a submission claims, what a verification finds and what a record keeps are sheets, so that one can be held against
another, and a leaderboard be made of any.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from regharness import dims
from regharness.magnitude import LONG_NAMES
from regharness.scoring import N_DROPPED, N_VALID

ABSOLUTE, RELATIVE = 1e-9, 1e-10
"""How far equal scores may lie apart: the same sums in another order, and far below what a claim could gain."""

Values = NDArray[np.float64]


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


def to_plain(sheet: Sheet) -> dict[str, Any]:
    """A sheet as plain JSON values."""
    scores = sheet.scores
    tasks = {}
    for task in scores[dims.TASK].values.tolist():
        tasks[str(task)] = _task(sheet, task)
    return {"rank_by": scores.attrs["rank_by"], "metrics": list(scores.attrs["metrics"]), "tasks": tasks}


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
    yield from _differing("", _moved(claimed), _moved(found), found)
    if only is None:
        yield from _differing("blocks of ", claimed.blocks, found.blocks, found)
        yield from _differing("curve ", claimed.curves, found.curves, found)


def _moved(sheet: Sheet) -> xr.Dataset:
    """How far each shift went, as variables."""
    names = [name for name in LONG_NAMES if name in sheet.scores.coords]
    return sheet.scores.reset_coords(names)[names]


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
