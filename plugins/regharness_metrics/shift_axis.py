"""Own what the axis ``shift`` of scores says: identity, operators, severities, what was asked. Compares nothing."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from regharness.dims import ABSENT, IDENTITY, SEVERITY, SHIFT, SHIFT_OPERATOR, STATUS
from regharness.errors import InputError


def is_identity(scores: xr.DataArray) -> xr.DataArray:
    """``(shift,)``, whether it is the unshifted test set; refuses scores without it."""
    if SHIFT not in scores.coords or not (scores[SHIFT] == IDENTITY).any():
        raise InputError(
            f"the scores have no shift '{IDENTITY}' to compare with",
            help=f"score the unshifted test set too, as '{IDENTITY}' along '{SHIFT}'",
        )
    return scores[SHIFT] == IDENTITY


def on_identity(scores: xr.DataArray) -> xr.DataArray:
    """The scores on the unshifted test set, with the axes' own coordinates alone."""
    is_identity(scores)
    # Severity and the like of identity are not those of the shifts.
    return scores.sel({SHIFT: IDENTITY}, drop=True).reset_coords(drop=True)


def beyond_identity(scores: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """The scores under all shifts but identity, and whether each was asked for."""
    shifted = scores.isel({SHIFT: np.flatnonzero(~is_identity(scores).values)})
    return shifted.reset_coords(drop=True), asked(shifted)


def asked(scores: xr.DataArray) -> xr.DataArray:
    """Whether the spec asks for a score: not where the coordinate ``status`` says that it does not."""
    there = scores.coords[STATUS] != ABSENT if STATUS in scores.coords else xr.ones_like(scores, dtype=bool)
    return there.reset_coords(drop=True)


def mean_of_asked(scores: xr.DataArray, there: xr.DataArray, dim: str = SHIFT) -> xr.DataArray:
    """Mean over what was asked for along `dim`: NaN where any of that is missing, and where there is nothing."""
    with np.errstate(all="ignore"):
        return scores.where(there, 0.0).sum(dim, skipna=False) / there.sum(dim)


def severities(scores: xr.DataArray) -> NDArray[np.int64]:
    """``(shift,)``: by the coordinate ``severity``, else as in ``operator@severity``; 1 without, 0 of identity."""
    if SEVERITY in scores.coords:
        return np.asarray(scores.coords[SEVERITY].values, dtype=np.int64)
    labels = [str(label) for label in scores[SHIFT].values]
    ends = [label.rpartition("@")[2] for label in labels]
    found = [int(end) if "@" in label and end.isdigit() else 1 for label, end in zip(labels, ends, strict=True)]
    return np.where(np.array(labels) == IDENTITY, 0, found)


def operators(scores: xr.DataArray) -> dict[str, list[int]]:
    """Shift operator to its places along ``shift``, by rising severity; identity is none."""
    labels = [str(label) for label in scores[SHIFT].values]
    if SHIFT_OPERATOR in scores.coords:
        names = [str(name) for name in scores.coords[SHIFT_OPERATOR].values]
    else:
        names = [label.rpartition("@")[0] or label for label in labels]
    levels = severities(scores)
    places: dict[str, list[int]] = {}
    for place in np.argsort(levels, kind="stable").tolist():
        if labels[place] != IDENTITY:
            places.setdefault(names[place], []).append(place)
    return places
