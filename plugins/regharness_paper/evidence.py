"""Measure quantities on a run, each with its interval over seeds. Judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from regharness.statistics import interval

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """A quantity of one model: its mean over seeds, and the ends of its 95% interval.

    Attributes
    ----------
    low, high
        None with fewer than two seeds.
    """

    model: str
    value: float
    low: float | None
    high: float | None


class Scores:
    """The scores of a run by task, model, metric and shift, a value a seed.

    Parameters
    ----------
    scores
        As `Run.scores` has them.
    """

    def __init__(self, scores: xr.Dataset) -> None:
        self._scores = scores

    def of(self, task: str, model: str, metric: str, shifts: Sequence[str] = ("identity",)) -> Values:
        """``(seed,)``: the mean over shifts and the task's outputs."""
        part = self._scores[metric].sel(task=task, model=model, shift=list(shifts))
        there = self._scores["n_valid"].sel(task=task).sum(["model", "shift", "seed"]) > 0
        values: Values = part.isel(output=np.flatnonzero(there.values)).transpose("seed", ...).values
        return values.reshape(len(values), -1).mean(axis=1)


def measured(model: str, values: Values) -> Measured:
    """The mean of values ``(seed,)`` and its t interval."""
    found = interval(values[:, None])
    return Measured(model, found.estimate, found.low, found.high)
