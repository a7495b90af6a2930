"""Compare the scores of a metric on shifted test sets with the one on ``identity``. Looks at one model at a time."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from regharness.dims import SHIFT
from regharness.directions import badness
from regharness.errors import InputError
from regharness.interfaces import ShiftMetric
from regharness.metric_protocols import Direction
from regharness_metrics.shift_axis import (
    beyond_identity,
    is_identity,
    mean_of_asked,
    on_identity,
)


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
        identity = is_identity(scores)
        with np.errstate(all="ignore"):
            worse = badness(scores, direction)
            reference = on_identity(worse)
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
        shifted, asked = beyond_identity(scores)
        if not shifted.sizes[SHIFT]:
            return shifted.sum(SHIFT).where(False).assign_attrs(direction=direction)
        with np.errstate(all="ignore"):
            worst = badness(shifted, direction).where(asked).fillna(-np.inf).argmax(SHIFT)
        complete = (shifted.notnull() | ~asked).all(SHIFT) & asked.any(SHIFT)
        value = shifted.isel({SHIFT: worst}).drop_vars(SHIFT).where(complete)
        return value.drop_attrs().assign_attrs(direction=direction)


class CoverageGap(ShiftMetric):
    """How much farther from its level coverage is under shift than on ``identity``, over all shifts.

    ``|coverage - level|`` under each shift less ``|coverage - level|`` on identity; of these the mean, or the
    largest. Positive where the stated uncertainty holds less under shift, zero or below where it holds as well.
    Direction: lower. Reduces ``shift``. A score missing on identity or at any shift gives NaN; a shift that was
    never asked for is passed over; no shift at all: NaN. Ovadia et al., NeurIPS (2019).

    Parameters
    ----------
    of
        Name of a metric with a target value, such as ``coverage_90``.
    over
        ``"mean"`` over the shifts, or the ``"worst"`` of them.

    Raises
    ------
    InputError
        In `compare`, when the metric has no target value.
    """

    direction = "lower"

    def __init__(self, of: str = "coverage_90", over: Literal["mean", "worst"] = "mean") -> None:
        self.of = of
        self._over = over

    def compare(self, scores: xr.DataArray, direction: Direction) -> xr.DataArray:
        if isinstance(direction, str):
            raise InputError(
                f"coverage_gap needs a metric with a target value, and '{self.of}' has none",
                help="name the coverage of an interval, such as coverage_90, in 'of'",
            )
        shifted, asked = beyond_identity(scores)
        with np.errstate(all="ignore"):
            change = badness(shifted, direction) - on_identity(badness(scores, direction))
        if self._over == "mean" or not shifted.sizes[SHIFT]:
            return mean_of_asked(change, asked).drop_attrs()
        complete = (change.notnull() | ~asked).all(SHIFT) & asked.any(SHIFT)
        return change.where(asked).fillna(-np.inf).max(SHIFT).where(complete).drop_attrs()
