"""Probability of improvement and interquartile mean over runs: seeds within tasks. Pools nothing across models.

Runs are resampled within each task (stratified), as Agarwal et al. do. Lower is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regharness.errors import InputError
from regharness.seeding import rng_for

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Aggregate:
    """A number over all runs, with its percentile interval.

    Attributes
    ----------
    estimate
        Of the runs as they are; NaN where a task has no run.
    low, high
        Ends of the interval; None where a task has fewer than three runs of a model.
    """

    estimate: float
    low: float | None
    high: float | None


def probability_of_improvement(
    first: Array, second: Array, *, resamples: int = 2000, confidence: float = 0.95, seed: int = 0
) -> Aggregate:
    """How probable it is that a run of the first model is better than a run of the second, on a task at random.

    The mean over tasks of the Mann-Whitney statistic, ties counting one half (Agarwal et al., NeurIPS 2021).

    Parameters
    ----------
    first, second
        ``(seed, task)``: badness, lower is better; NaN is a run that is missing. Each may have its own seeds.
    resamples
        How many draws.
    confidence
        Between 0 and 1.
    seed
        Zero or above.

    Raises
    ------
    InputError
        For models with other tasks than each other, or a confidence outside (0, 1).
    """
    ours, theirs = _runs(first), _runs(second)
    if len(ours) != len(theirs):
        raise InputError(f"the first model has {len(ours)} tasks and the second {len(theirs)}", help="give both all")
    rng = rng_for(seed, "probability of improvement")
    estimates, draws = [], []
    for a, b in zip(ours, theirs, strict=True):
        if not (a.size and b.size):
            return Aggregate(np.nan, None, None)
        wins = (a[:, None] < b) + 0.5 * (a[:, None] == b)
        i = rng.integers(0, a.size, size=(resamples, a.size, 1))
        j = rng.integers(0, b.size, size=(resamples, 1, b.size))
        estimates.append(wins.mean())
        draws.append(wins[i, j].mean(axis=(1, 2)))
    if not estimates:
        return Aggregate(np.nan, None, None)
    return _aggregate(float(np.mean(estimates)), np.mean(draws, axis=0), [*ours, *theirs], confidence)


def interquartile_mean(values: Array, *, resamples: int = 2000, confidence: float = 0.95, seed: int = 0) -> Aggregate:
    """Mean of the middle half of all runs of all tasks (Agarwal et al., NeurIPS 2021).

    Scores of different tasks must be on one scale, such as relative to a reference model.

    Parameters
    ----------
    values
        ``(seed, task)``; NaN is a run that is missing.
    resamples
        How many draws.
    confidence
        Between 0 and 1.
    seed
        Zero or above.

    Raises
    ------
    InputError
        For a confidence outside (0, 1).
    """
    from scipy.stats import trim_mean

    runs = _runs(values)
    if not runs or not all(part.size for part in runs):
        return Aggregate(np.nan, None, None)
    rng = rng_for(seed, "interquartile mean")
    drawn = [part[rng.integers(0, part.size, size=(resamples, part.size))] for part in runs]
    # Infinities of both signs have no mean.
    with np.errstate(invalid="ignore"):
        estimate = float(trim_mean(np.concatenate(runs), 0.25))
        means = trim_mean(np.concatenate(drawn, axis=1), 0.25, axis=1)
    return _aggregate(estimate, means, runs, confidence)


def _runs(values: Array) -> list[Array]:
    """The runs that each task has."""
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2:
        raise InputError(f"scores have shape {table.shape}", help="give them as (seed, task)")
    return [column[~np.isnan(column)] for column in table.T]


def _aggregate(estimate: float, draws: Array, runs: Sequence[Array], confidence: float) -> Aggregate:
    if not 0.0 < confidence < 1.0:
        raise InputError(f"the confidence {confidence:g} is not between 0 and 1", help="0.95 is usual")
    # Two runs drawn anew are mostly one of them twice: such draws say nothing of a third.
    if min(part.size for part in runs) < 3:
        return Aggregate(estimate, None, None)
    low, high = np.quantile(draws, [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0], method="nearest")
    return Aggregate(estimate, float(low), float(high))
