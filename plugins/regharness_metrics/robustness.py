"""Compare the scores of a metric on shifted test sets with the one on ``identity``. Reads no predictions."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from regharness.dims import ABSENT, IDENTITY, SHIFT, STATUS
from regharness.errors import InputError
from regharness.interfaces import ShiftMetric

Direction = Literal["lower", "higher"] | float


def _badness(scores: xr.DataArray, direction: Direction) -> xr.DataArray:
    """Turn scores so that more is worse: as they are, negated, or their distance to the target value."""
    if direction == "lower":
        return scores
    if direction == "higher":
        return -scores
    return np.abs(scores - float(direction))


def _is_identity(scores: xr.DataArray) -> xr.DataArray:
    if SHIFT not in scores.coords or not (scores[SHIFT] == IDENTITY).any():
        raise InputError(
            f"the scores have no shift '{IDENTITY}' to compare with",
            help=f"score the unshifted test set too, as '{IDENTITY}' along '{SHIFT}'",
        )
    return scores[SHIFT] == IDENTITY


class Degradation(ShiftMetric):
    """How much worse a metric gets under each shift: its score less that on ``identity``; positive is worse.

    For a metric where higher is better the sign is turned; for one with a target value t the distances
    ``|score - t|`` are compared. `relative` divides by ``|score on identity|``, or by its distance to t: a
    zero there gives signed infinity, or NaN when the shift makes no difference. Direction: lower. Keeps
    ``shift``; ``identity`` itself is 0. A missing score on either side: NaN; two equal infinities: NaN.
    Hendrycks & Dietterich, ICLR (2019).

    Parameters
    ----------
    of
        Name of the compared metric; empty for the one that the leaderboard ranks by.
    relative
        Whether to divide by the size of the score on ``identity``.
    """

    direction = "lower"

    def __init__(self, of: str = "", relative: bool = False) -> None:
        self.of = of
        self._relative = relative

    def compare(self, scores: xr.DataArray, direction: Direction) -> xr.DataArray:
        identity = _is_identity(scores)
        with np.errstate(all="ignore"):
            worse = _badness(scores, direction)
            # Only the axes' own coordinates: severity and the like of identity are not those of the shifts.
            reference = worse.sel({SHIFT: IDENTITY}, drop=True).reset_coords(drop=True)
            change = worse - reference
            if self._relative:
                change = change / np.abs(reference)
        return change.where(~identity, 0.0).where(scores.notnull()).transpose(*scores.dims).drop_attrs()


class WorstShift(ShiftMetric):
    """The compared metric's own score at the shift where it is worst; ``identity`` does not take part.

    Worst is the highest score where lower is better, the lowest where higher is better, and the farthest from
    a target value; of equally bad ones the first. Direction: that of the compared metric, which the result
    carries as its attribute ``direction``; the attribute of this class holds for errors only. Reduces
    ``shift``. A score that is missing at any shift gives NaN, so that a failed cell never flatters a model;
    only a shift whose coordinate ``status`` says that it was never asked for is passed over. No shift at all:
    NaN. Hendrycks & Dietterich, ICLR (2019).

    Parameters
    ----------
    of
        Name of the compared metric; empty for the one that the leaderboard ranks by.
    """

    direction = "lower"

    def __init__(self, of: str = "") -> None:
        self.of = of

    def compare(self, scores: xr.DataArray, direction: Direction) -> xr.DataArray:
        shifted = scores.isel({SHIFT: np.flatnonzero(~_is_identity(scores).values)})
        asked = shifted.coords[STATUS] != ABSENT if STATUS in shifted.coords else xr.ones_like(shifted, dtype=bool)
        shifted, asked = shifted.reset_coords(drop=True), asked.reset_coords(drop=True)
        if not shifted.sizes[SHIFT]:
            return shifted.sum(SHIFT).where(False).assign_attrs(direction=direction)
        with np.errstate(all="ignore"):
            worst = _badness(shifted, direction).where(asked).fillna(-np.inf).argmax(SHIFT)
        complete = (shifted.notnull() | ~asked).all(SHIFT) & asked.any(SHIFT)
        value = shifted.isel({SHIFT: worst}).drop_vars(SHIFT).where(complete)
        return value.drop_attrs().assign_attrs(direction=direction)
