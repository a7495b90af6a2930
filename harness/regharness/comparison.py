"""Compare two models of a run, shift by shift and over all shifts. Draws nothing, reads no file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from regharness import dims
from regharness.directions import badness
from regharness.errors import InputError
from regharness.metric_protocols import Direction
from regharness.score_tables import (
    CONFIDENCE,
    TaskScores,
    Value,
    oriented,
    pick_metric,
    pick_models,
    pick_tasks,
)
from regharness.statistics import (
    Aggregate,
    SignedRank,
    Wilcoxon,
    bayesian_signed_rank,
    holm,
    paired,
    probability_of_improvement,
    wilcoxon,
)

EQUIVALENT = 0.01
"""Two scores that differ by less than this share of the second are practically equal."""


@dataclass(frozen=True)
class Contrast:
    """Two models under one shift, or over all of them.

    Attributes
    ----------
    shift
        Its label; empty for the mean over all shifts but identity.
    first, second
        Their scores, over the seeds that both have.
    difference, low, high
        First less second, with its 95% interval; where a value is best, of their distances to it. None without a
        score, the difference of two infinite ones too, and the interval with one seed.
    p_value, p_adjusted
        Two-sided, of no difference; adjusted over the shifts of a task (Holm). None without an interval.
    better
        Name of the model that is better beyond chance (adjusted p of at most 0.05); None if none is.
    """

    shift: str
    first: Value | None
    second: Value | None
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    p_adjusted: float | None
    better: str | None


@dataclass(frozen=True)
class TaskComparison:
    """Two models in one task.

    Attributes
    ----------
    shifts
        One contrast a shift, identity first.
    overall
        Of the mean over all shifts but identity, or on identity where there is no other.
    improvement
        How probable it is that a run of the first model is better than one of the second, under a shift at random.
    signed_rank, bayesian
        Over the shifts: Wilcoxon's test, and the probabilities that the first is better by more than 1% of the score,
        the second is, or neither.
    """

    task: str
    shifts: tuple[Contrast, ...]
    overall: Contrast
    improvement: Aggregate
    signed_rank: Wilcoxon
    bayesian: SignedRank


@dataclass(frozen=True)
class Comparison:
    """Two models of a run by one metric.

    Attributes
    ----------
    models
        The first and the second.
    over
        What intervals stand on: ``"seeds and examples"``, or ``"seeds"`` alone.
    """

    name: str
    metric: str
    direction: Direction
    seeds: int
    models: tuple[str, str]
    over: str
    tasks: tuple[TaskComparison, ...]


def compare(
    scores: xr.Dataset,
    models: Sequence[str],
    *,
    metric: str | None = None,
    tasks: Sequence[str] | None = None,
    blocks: xr.Dataset | None = None,
) -> Comparison:
    """Compare two models, paired by seed and by blocks of examples.

    Parameters
    ----------
    scores
        Dims task, model, shift, seed, output, as a run stores them.
    models
        Names of two.
    metric
        In place of the one that the run ranks by.
    tasks
        Only these; of the others, those that both models take part in.
    blocks
        What blocks of examples contribute to scores; without, intervals are over seeds alone.

    Raises
    ------
    InputError
        For an unknown metric, task or model, for one model twice, or where no task has both.
    """
    name = pick_metric(scores, metric)
    first, second = pick_models(scores, models)
    if first == second:
        raise InputError(f"'{first}' is compared with itself", help="name two models")
    parts = [TaskScores(scores, task, blocks) for task in pick_tasks(scores, tasks)]
    shared = [part for part in parts if {first, second} <= set(part.models)]
    if not shared:
        raise InputError(f"no task has both '{first}' and '{second}'", help="choose models of one task")
    direction: Direction = scores[name].attrs["direction"]
    return Comparison(
        name=str(scores.attrs.get("name", "")),
        metric=name,
        direction=direction,
        seeds=scores.sizes[dims.SEED],
        models=(first, second),
        over="seeds and examples" if blocks is not None and name in blocks else "seeds",
        tasks=tuple(_of_task(part, name, direction, first, second) for part in shared),
    )


def _of_task(part: TaskScores, metric: str, direction: Direction, first: str, second: str) -> TaskComparison:
    raw = [_contrast(part, metric, direction, first, second, [shift], shift) for shift in part.shifts]
    adjusted = holm(np.array([np.nan if c.p_value is None else c.p_value for c in raw]))
    shifts = tuple(_judged(c, float(p), first, second, direction) for c, p in zip(raw, adjusted, strict=True))
    over = part.beyond or [dims.IDENTITY]
    overall = _contrast(part, metric, direction, first, second, over, "")
    p_value = math.nan if overall.p_value is None else overall.p_value
    ours, theirs = (_runs(part, metric, model, over, direction) for model in (first, second))
    with np.errstate(invalid="ignore"):
        known = ~np.isnan(ours - theirs)
        gaps = np.where(known, ours - theirs, 0.0).sum(axis=0) / known.sum(axis=0)
    finite = np.abs(theirs[np.isfinite(theirs)])
    size = float(finite.mean()) if finite.size else 0.0
    return TaskComparison(
        task=part.task,
        shifts=shifts,
        overall=_judged(overall, p_value, first, second, direction),
        improvement=probability_of_improvement(ours, theirs),
        signed_rank=wilcoxon(gaps),
        bayesian=bayesian_signed_rank(gaps, EQUIVALENT * size),
    )


def _runs(
    part: TaskScores, metric: str, model: str, shifts: Sequence[str], direction: Direction
) -> NDArray[np.float64]:
    """Badness ``(seed, shift)``."""
    scores = np.stack([part.by_seed(metric, model, [shift]) for shift in shifts], axis=1)
    table: NDArray[np.float64] = badness(scores, direction)
    return table


def _contrast(
    part: TaskScores, metric: str, direction: Direction, first: str, second: str, shifts: Sequence[str], label: str
) -> Contrast:
    """Two models over some shifts, not yet judged."""
    both = ~np.isnan(part.by_seed(metric, first, shifts)) & ~np.isnan(part.by_seed(metric, second, shifts))
    values = [part.value(metric, model, shifts, both) for model in (first, second)]
    if not both.any() or values[0] is None or values[1] is None:
        return Contrast(label, values[0], values[1], None, None, None, None, None, None)
    means = [badness(value.mean, direction) for value in values if value is not None]
    found = paired(
        oriented(part, metric, first, shifts, direction)[both],
        oriented(part, metric, second, shifts, direction)[both],
        means[0] - means[1],
        CONFIDENCE,
    )
    low, high, difference = found.low, found.high, means[0] - means[1]
    if direction == "higher":
        # Back from badness to the metric's own sign.
        difference = -difference
        low, high = (None if end is None else -end for end in (found.high, found.low))
    # Of two infinite scores there is no difference to tell.
    told = None if math.isnan(difference) else difference
    return Contrast(label, values[0], values[1], told, low, high, found.p_value, None, None)


def _judged(contrast: Contrast, p_adjusted: float, first: str, second: str, direction: Direction) -> Contrast:
    if math.isnan(p_adjusted) or contrast.difference is None:
        return contrast
    better = None
    if p_adjusted <= 1 - CONFIDENCE:
        better = first if (contrast.difference > 0) == (direction == "higher") else second
    return Contrast(**{**vars(contrast), "p_adjusted": p_adjusted, "better": better})
