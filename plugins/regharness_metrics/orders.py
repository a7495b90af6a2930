"""Score orders of many examples from fine bins, each with a bound of its error. Sorts nothing.

What bins do not tell is the order inside a bin (`regharness_metrics.bins`). An estimate treats its examples as tied,
and its bound is the most that any order inside all bins can change, so that it holds for certain. Where the bound
exceeds `TOLERANCE`, all examples are sorted instead: no one is shown a poor approximation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from regharness.metric_protocols import Metric
from regharness_metrics.bins import TOLD_APART, Loss, bins_by_loss, bins_by_sigma, compared_ranks
from regharness_metrics.streams import Examples, of_large

TOLERANCE = 5e-4
"""Largest error bound that is let pass, of the size of a score; of a correlation, outright."""


@dataclass(frozen=True)
class Estimate:
    """A score, and by how much the exact one can differ at most."""

    value: float
    bound: float


def estimated(estimate: Callable[[Any, Examples], Estimate | None], *, relative: bool = True) -> Any:
    """Make the `Metric.finalize` of a metric that has an estimate and a bound for many examples."""

    def close(found: Estimate) -> bool:
        return found.bound <= TOLERANCE * (abs(found.value) if relative else 1)

    @np.errstate(all="ignore")
    def formula(metric: Metric, state: Examples) -> Any:
        found = estimate(metric, state)
        if found is not None and not close(found) and TOLD_APART not in state.found:
            # A bin may hold one number many times; it takes another pass to know.
            state.found = {name: state.found[name] for name in ("wanted", "tables")} | {TOLD_APART: {}}
            found = estimate(metric, state)
        if found is not None and close(found):
            return found.value
        return Metric.finalize(metric, state.blocks)

    return of_large(formula)


def area_by_sigma(state: Examples, loss: Loss) -> Estimate | None:
    """AURC."""
    bins = bins_by_sigma(state, loss)
    return _finite(bins.area(), bins.area_bound())


def area_by_loss(state: Examples, loss: Loss) -> Estimate | None:
    """AURC of the order by loss."""
    bins = bins_by_loss(state, loss)
    # Losses of a bin rise from its low end to its high end, so their sums lie below the straight line by at most
    # c (m - low) (high - m) / (high - low), where those from the low end meet those from the high one.
    from regharness_metrics.order_kernels import ERROR, SUM_SHIFTS

    # A little more than the width of a bin, for errors that round to its ends.
    width = 2.0 ** (SUM_SHIFTS[ERROR] - 23) * 1.001
    width *= 1 if loss == "absolute" else 2 + width
    gap = bins.count * bins.mean * width / 4
    return _finite(bins.area(), float(np.sum(gap * bins.inner) / bins.n))


def generalised_area(state: Examples, loss: Loss) -> Estimate | None:
    """AUGRC."""
    bins = bins_by_sigma(state, loss)
    total = bins.count * bins.mean
    value = np.sum(total * (bins.n - bins.before - bins.count / 2)) / bins.n**2
    return _finite(float(value), float(np.sum((total * (bins.count - 1))[bins.mixed]) / 2 / bins.n**2))


def risk_of_first(state: Examples, kept: int) -> Estimate | None:
    """Mean squared error of the `kept` examples of lowest sigma."""
    bins = bins_by_sigma(state, "squared")
    cut = int(np.searchsorted(bins.before, kept, side="left")) - 1
    taken, count, mean = kept - bins.before[cut], bins.count[cut], bins.mean[cut]
    value = (bins.total[cut] - (count - taken) * mean) / kept
    return _finite(
        float(value), float(max(taken, count - taken) * mean / kept if taken < count and bins.mixed[cut] else 0)
    )


def rank_correlation_of(state: Examples, left: str, right: str) -> Estimate | None:
    """Spearman's correlation of target and mean, or of error and variance.

    Bins give the ranks but for parts d and f that are uncorrelated with all functions of their own bins and no larger
    than untied ranks inside bins, ``sum(c (c^2 - 1)) / 12``. With r the correlation of the binned ranks, R and S, only
    the part of R that S does not explain, at most ``|R| sqrt(1 - r^2)``, can vary with f; the same holds of S and d.
    """
    if len(state) >= 2**27:
        return None
    one, two, total = compared_ranks(state, left, right)
    if not min(one.size, two.size):
        return None
    r = total / math.sqrt(one.size) / math.sqrt(two.size)
    d, f = (math.sqrt(ranks.doubt / ranks.size) for ranks in (one, two))
    return Estimate(r, math.sqrt(max(0.0, 1 - r * r)) * (d + f) + d * f + (d * d + f * f) / 2)


def _finite(value: float, bound: float) -> Estimate | None:
    return Estimate(value, bound) if math.isfinite(value) else None
