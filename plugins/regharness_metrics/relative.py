"""Compare a model's scores under shift with those of other models. Reads no predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import xarray as xr

from regharness.dims import IDENTITY, MODEL, SHIFT
from regharness.directions import badness
from regharness.errors import InputError, unknown_name
from regharness.interfaces import ShiftMetric
from regharness.metric_protocols import Direction
from regharness_metrics.shift_axis import (
    asked,
    is_identity,
    mean_of_asked,
    on_identity,
    operators,
)

ROUNDING = 1e-9
"""Below zero by no more, an error is a zero that was rounded."""
LEAST_MODELS = 3
"""Through fewer, a line says nothing of how far a model may lie from it."""
OPERATOR = "operator"

Scale = Literal["auto", "log", "arctanh", "linear"]


class CorruptionError(ShiftMetric):
    """mCE: the errors of a model over those of a reference model, as a mean over shift operators.

    ``mean over operators of (sum over severities of E) / (sum over severities of E of the reference)``; 1 is as
    robust as the reference. E is the compared metric where lower is better, ``1 - score`` where higher is better
    (correlations, R2), and the distance to a target value. A reference of no error: infinity, or NaN where the model
    has none either. Direction: lower. Reduces ``shift``. A score of the model or the reference that is missing at any
    shift gives NaN; shifts that were never asked for are passed over; no shift at all: NaN.
    Hendrycks & Dietterich, ICLR (2019).

    Parameters
    ----------
    of
        Name of the compared metric; empty for the one that the leaderboard ranks by.
    reference
        Name of the reference model; empty for the first.

    Raises
    ------
    InputError
        In `compare`, when there is no such model, or an error is below zero, so that a ratio means nothing.
    """

    direction = "lower"

    def __init__(self, of: str = "", reference: str = "") -> None:
        self.of = of
        self.reference = reference

    def compare(self, scores: xr.DataArray, direction: Direction) -> xr.DataArray:
        is_identity(scores)
        reference = _reference(scores, self.reference)
        there, values = asked(scores), scores.reset_coords(drop=True)
        with np.errstate(all="ignore"):
            errors = self._errors(values, direction)
            ratios, counted = [], []
            for places in operators(scores).values():
                known = there.isel({SHIFT: places})
                sums = errors.isel({SHIFT: places}).where(known, 0.0).sum(SHIFT, skipna=False).where(known.any(SHIFT))
                ratios.append(sums / sums.sel({MODEL: reference}, drop=True))
                counted.append(known.any(SHIFT))
        if not ratios:
            return values.isel({SHIFT: 0}, drop=True).where(False).drop_attrs()
        mean = mean_of_asked(_stacked(ratios), _stacked(counted), OPERATOR)
        return mean.transpose(*(dim for dim in scores.dims if dim != SHIFT)).drop_attrs()

    def _errors(self, scores: xr.DataArray, direction: Direction) -> xr.DataArray:
        errors = badness(scores, direction) + (1.0 if direction == "higher" else 0.0)
        lowest = float(errors.min())
        if lowest < -ROUNDING:
            raise InputError(
                f"mce divides errors, and that of '{self.of or scores.name}' falls to {lowest:.3g}",
                help="name a metric that is an error, such as mse or crps, in 'of'; relative_mce takes any",
            )
        return errors


class RelativeCorruptionError(CorruptionError):
    """Relative mCE: the degradations of a model over those of a reference model, as a mean over shift operators.

    As mCE with ``E - E on identity`` in place of E, so that a model is not praised for what it can do without a shift;
    of any metric. 1 degrades as the reference does, below 0 improves where that degrades, or the reverse: look at the
    degradations then. A reference that does not degrade: signed infinity, or NaN where the model does not either.
    Direction: lower. Reduces ``shift``. A score of the model or the reference that is missing on identity or at any
    shift gives NaN; shifts that were never asked for are passed over; no shift at all: NaN.
    Hendrycks & Dietterich, ICLR (2019).

    Parameters
    ----------
    of
        Name of the compared metric; empty for the one that the leaderboard ranks by.
    reference
        Name of the reference model; empty for the first.

    Raises
    ------
    InputError
        In `compare`, when there is no such model.
    """

    def _errors(self, scores: xr.DataArray, direction: Direction) -> xr.DataArray:
        worse = badness(scores, direction)
        return worse - on_identity(worse)


def _stacked(parts: list[xr.DataArray]) -> xr.DataArray:
    return xr.concat(parts, dim=OPERATOR, coords="minimal", compat="override")


def _reference(scores: xr.DataArray, name: str) -> str:
    if MODEL not in scores.coords:
        raise InputError(f"the scores have no '{MODEL}' to compare with", help=f"give the models names along '{MODEL}'")
    models = [str(model) for model in scores[MODEL].values]
    if name and name not in models:
        message, choices = unknown_name("model", name, models, listed="models")
        raise InputError(f"the reference is {message}", help=choices)
    return name or models[0]


class EffectiveRobustness(ShiftMetric):
    """How much better a model does under a shift than models of its score on ``identity`` do; positive is better.

    The score under shift less the value that a straight line predicts from the score on identity, in the metric's unit
    and with the sign turned where lower is better. The line is fitted by least squares through the other models
    (leave-one-out), at each shift, seed and output, on a log scale for errors and an arctanh scale for correlations,
    where models lie closer to a line. A metric with a target value enters as its distance to that. Direction: higher.
    Keeps ``shift``; ``identity`` itself is 0. Fewer than 3 other models with finite scores, all of one score on
    identity, a score of the model that is missing, or one that its scale does not have: NaN.
    Taori et al., NeurIPS (2020).

    Parameters
    ----------
    of
        Name of the compared metric; empty for the one that the leaderboard ranks by.
    scale
        ``"log"``, ``"arctanh"`` or ``"linear"``; ``"auto"`` is log where lower is better and every score is above
        zero, arctanh where higher is better and every score is between -1 and 1, and else linear.
    """

    direction = "higher"

    def __init__(self, of: str = "", scale: Scale = "auto") -> None:
        self.of = of
        self._scale = scale

    def compare(self, scores: xr.DataArray, direction: Direction) -> xr.DataArray:
        is_identity(scores)
        _reference(scores, "")
        values = scores.reset_coords(drop=True)
        if scores.sizes[MODEL] <= LEAST_MODELS:
            return values.where(False).drop_attrs()
        higher = direction == "higher"
        with np.errstate(all="ignore"):
            values = values if higher else badness(values, direction)
            there, back = _SCALES[_chosen(values, higher) if self._scale == "auto" else self._scale]
            moved = there(values)
            moved = moved.where(np.isfinite(moved))
            count = range(scores.sizes[MODEL])
            fits = [_left_out(moved, index) for index in count]
            gain = values - back(xr.concat(fits, dim=values[MODEL], coords="minimal", compat="override"))
        gain = (gain if higher else -gain).transpose(*scores.dims)
        return gain.where(scores[SHIFT] != IDENTITY, 0.0).where(gain.notnull()).drop_attrs()


_SCALES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "log": (np.log, np.exp),
    "arctanh": (np.arctanh, np.tanh),
    "linear": (np.positive, np.positive),
}


def _chosen(values: xr.DataArray, higher: bool) -> str:
    known = values.values[~np.isnan(values.values)]
    if higher:
        return "arctanh" if (np.abs(known) < 1).all() else "linear"
    return "log" if (known > 0).all() else "linear"


def _left_out(scores: xr.DataArray, index: int) -> xr.DataArray:
    """What the line through all models but one predicts for that one, under each shift."""
    others = scores.isel({MODEL: [place for place in range(scores.sizes[MODEL]) if place != index]})
    before = on_identity(others).where(others.notnull())
    after = others.where(before.notnull())
    before = before.where(after.notnull())
    middle, level = before.mean(MODEL), after.mean(MODEL)
    offset = before - middle
    slope = (offset * (after - level)).sum(MODEL) / (offset**2).sum(MODEL)
    fitted = level + slope * (on_identity(scores).isel({MODEL: index}, drop=True) - middle)
    enough = (before.notnull().sum(MODEL) >= LEAST_MODELS) & (before.max(MODEL) > before.min(MODEL))
    return fitted.where(enough)
