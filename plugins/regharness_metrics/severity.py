"""Follow a metric from identity over the severities of each shift operator. Looks at one model at a time."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from regharness.dims import SHIFT
from regharness.directions import badness
from regharness.interfaces import ShiftMetric
from regharness.metric_protocols import Direction
from regharness_metrics.shift_axis import (
    asked,
    is_identity,
    mean_of_asked,
    operators,
    severities,
)

AT_SEVERITY = "at_severity"
HIGHEST = 5


class SeverityArea(ShiftMetric):
    """Area under the compared metric over severity, over the range of severity, as a mean over shift operators.

    Of each operator the trapezoids through ``(0, score on identity)`` and ``(severity, score)``, over the highest
    severity: the mean score as the shift grows evenly. A metric with a target value enters as its distance to that, so
    that misses on both sides do not cancel. Direction: that of the compared metric, or lower for such a distance; the
    result carries it. Reduces ``shift``. A score missing on identity or at any severity gives NaN; severities that
    were never asked for are passed over; no shift at all: NaN. Hendrycks & Dietterich, ICLR (2019).

    Parameters
    ----------
    of
        Name of the compared metric; empty for the one that the leaderboard ranks by.
    """

    direction = "lower"

    def __init__(self, of: str = "") -> None:
        self.of = of

    def compare(self, scores: xr.DataArray, direction: Direction) -> xr.DataArray:
        identity = int(np.flatnonzero(is_identity(scores).values)[0])
        words = isinstance(direction, str)
        values = (scores if words else badness(scores, direction)).reset_coords(drop=True)
        area = partial(_mean_area, identity, list(operators(scores).values()), severities(scores))
        found: xr.DataArray = xr.apply_ufunc(
            area, values, asked(scores), input_core_dims=[[SHIFT], [SHIFT]], vectorize=True, output_dtypes=[float]
        )
        order = [dim for dim in scores.dims if dim != SHIFT]
        return found.transpose(*order).drop_attrs().assign_attrs(direction=direction if words else "lower")


@np.errstate(all="ignore")
def _mean_area(
    identity: int,
    places: list[list[int]],
    levels: NDArray[np.int64],
    scores: NDArray[np.float64],
    there: NDArray[np.bool_],
) -> float:
    areas = []
    for of_operator in places:
        kept = [place for place in of_operator if there[place]]
        if kept:
            x = np.array([0, *levels[kept]])
            areas.append(np.trapezoid(scores[[identity, *kept]], x) / x[-1])
    return float(np.mean(areas)) if areas else float("nan")


class SeverityCurve(ShiftMetric):
    """The compared metric at each severity, as a mean over the shift operators that have it; 0 is identity.

    Direction: that of the compared metric, which the result carries. In place of ``shift`` it has ``at_severity``,
    from 0 to 5, or to the highest severity above. A score missing at any operator gives NaN at that severity; a shift
    that was never asked for is passed over; a severity without any: NaN. Hendrycks & Dietterich, ICLR (2019).

    Parameters
    ----------
    of
        Name of the compared metric; empty for the one that the leaderboard ranks by.
    """

    direction = "lower"

    def __init__(self, of: str = "") -> None:
        self.of = of

    def compare(self, scores: xr.DataArray, direction: Direction) -> xr.DataArray:
        levels = np.where(is_identity(scores).values, 0, np.maximum(severities(scores), 1))
        there, values = asked(scores), scores.reset_coords(drop=True)
        labels = np.arange(max(HIGHEST, int(levels.max())) + 1)
        at = [{SHIFT: np.flatnonzero(levels == label)} for label in labels]
        points = [mean_of_asked(values.isel(place), there.isel(place)) for place in at]
        curve = xr.concat(points, dim=xr.Variable(AT_SEVERITY, labels), coords="minimal", compat="override")
        order = [dim for dim in scores.dims if dim != SHIFT]
        return curve.transpose(*order, AT_SEVERITY).drop_attrs().assign_attrs(direction=direction)
