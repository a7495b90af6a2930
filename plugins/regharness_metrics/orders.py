"""Score orders of many examples from fine histograms, each with a bound of its error. Sorts nothing.

A bin holds the examples whose numbers share the leading bits of their float32 (`regharness_metrics.order_kernels`), so
it is a function of the examples alone: of neither their order, nor the blocks, nor the merging of states. What is
not known is the order inside a bin. An estimate treats its examples as tied, and its bound is the most that any order
inside all bins can change, so that it holds for certain. Where the bound exceeds `TOLERANCE`, as with few distinct
numbers, all examples are sorted instead: no one is shown a poor approximation. For that, and for the second pass that
ranks need, a state keeps its examples, as they came and uncopied.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from regharness.metric_protocols import Evidence, Metric
from regharness_metrics.streams import Examples, Stream, of_large

Values = NDArray[np.float64]
Loss = Literal["squared", "absolute"]
Part = Literal["target", "mean", "variance", "error"]

TOLERANCE = 1e-4
"""Largest error bound that is let pass, of the size of a score; of a correlation, outright."""

MOST_SLOTS = 2**20
"""Bins that are kept; where numbers lie so far apart that they need more, all are sorted."""


@dataclass(frozen=True)
class Estimate:
    """A score, and by how much the exact one can differ at most."""

    value: float
    bound: float


@dataclass(frozen=True)
class Ordered(Stream):
    """The accumulator of metrics of an order: keeps the examples."""

    def condenses(self, block: Evidence) -> bool:
        """Never."""
        return False

    def condense(self, block: Evidence) -> Any:
        """Not called."""
        raise NotImplementedError

    combine = condense


def estimated(estimate: Callable[[Any, Examples], Estimate | None], *, relative: bool = True) -> Any:
    """Make the `Metric.finalize` of a metric that has an estimate and a bound for many examples."""

    @np.errstate(all="ignore")
    def formula(metric: Metric, state: Examples) -> Any:
        found = estimate(metric, state)
        if found is not None and found.bound <= TOLERANCE * (abs(found.value) if relative else 1):
            return found.value
        return Metric.finalize(metric, state.blocks)

    return of_large(formula)


@dataclass(frozen=True)
class Bins:
    """Losses in bins from the lowest number to the highest; empty bins are left out.

    Attributes
    ----------
    before, count
        Examples in lower bins, and in each.
    total
        Sum of the losses in lower bins and this one.
    mean
        Mean loss of each.
    """

    before: Values
    count: Values
    total: Values
    mean: Values

    @property
    def n(self) -> float:
        """Examples in all."""
        return float(self.before[-1] + self.count[-1])

    def area(self) -> float:
        """AURC when all examples of a bin are tied."""
        # The sum of S_k / k over a bin, in which S_k = S_a + (k - a) m.
        start = self.total - self.count * self.mean - self.before * self.mean
        return float(np.sum(start * _harmonic(self.before, self.count) + self.count * self.mean) / self.n)

    def area_bound(self) -> float:
        """How far AURC can be from it: each bin's losses all on its first example, or all on its last."""
        inner = _harmonic(self.before, self.count - 1)
        later = np.sum(self.mean * (self.count - 1 - self.before * inner))
        sooner = np.sum((self.count + self.before) * self.mean * inner - self.mean * (self.count - 1))
        return float(max(later, sooner) / self.n)


def _harmonic(before: Values, count: Values) -> Values:
    """Sum of 1 / k over the `count` whole numbers after `before`."""
    return np.asarray(digamma(before + count + 1) - digamma(before + 1))


def bins_by_sigma(state: Examples, loss: Loss) -> Bins | None:
    """The losses of all examples in bins of their variance; None where there are too many bins."""
    return _bins(state, "variance", loss)


def bins_by_loss(state: Examples, loss: Loss) -> Bins | None:
    """The losses of all examples in bins of their size."""
    return _bins(state, "error", loss)


def area_by_sigma(state: Examples, loss: Loss) -> Estimate | None:
    """AURC."""
    bins = bins_by_sigma(state, loss)
    return None if bins is None else _finite(bins.area(), bins.area_bound())


def area_by_loss(state: Examples, loss: Loss) -> Estimate | None:
    """AURC of the order by loss."""
    bins = bins_by_loss(state, loss)
    if bins is None:
        return None
    # Losses of a bin rise from its low end to its high end, so their sums lie below the straight line by at most
    # c (m - low) (high - m) / (high - low), where those from the low end meet those from the high one.
    from regharness_metrics.order_kernels import LOSS_SHIFT

    # A little more than the width of a bin, for errors that round to its ends.
    width = 2.0 ** (LOSS_SHIFT - 23) * 1.001
    width *= 1 if loss == "absolute" else 2 + width
    gap = bins.count * bins.mean * width / 4
    return _finite(bins.area(), float(np.sum(gap * _harmonic(bins.before, bins.count - 1)) / bins.n))


def generalised_area(state: Examples, loss: Loss) -> Estimate | None:
    """AUGRC."""
    bins = bins_by_sigma(state, loss)
    if bins is None:
        return None
    total = bins.count * bins.mean
    value = np.sum(total * (bins.n - bins.before - bins.count / 2)) / bins.n**2
    return _finite(float(value), float(np.sum(total * (bins.count - 1)) / 2 / bins.n**2))


def risk_of_first(state: Examples, kept: int) -> Estimate | None:
    """Mean squared error of the `kept` examples of lowest sigma."""
    bins = bins_by_sigma(state, "squared")
    if bins is None:
        return None
    cut = int(np.searchsorted(bins.before, kept, side="left")) - 1
    taken, count, mean = kept - bins.before[cut], bins.count[cut], bins.mean[cut]
    value = (bins.total[cut] - (count - taken) * mean) / kept
    return _finite(float(value), float(max(taken, count - taken) * mean / kept if taken < count else 0))


def rank_correlation_of(state: Examples, left: Part, right: Part) -> Estimate | None:
    """Spearman's correlation of two numbers of each example.

    Bins give the ranks but for parts d and f that are uncorrelated with all functions of their own bins and no larger
    than untied ranks inside bins, ``sum(c (c^2 - 1)) / 12``. With r the correlation of the binned ranks, R and S, only
    the part of R that S does not explain, at most ``|R| sqrt(1 - r^2)``, can vary with f; the same holds of S and d.
    """
    from regharness_metrics.order_kernels import product_of_ranks

    n = len(state)
    sides = [_counts(state, part) for part in (left, right)]
    if sides[0] is None or sides[1] is None or n >= 2**27:
        return None
    ranks, sizes, doubts = [], [], []
    for _, counts in sides:
        filled = np.flatnonzero(counts)
        count = counts[filled].astype(np.float64)
        rank = 2 * np.cumsum(count) - count - n
        table = np.zeros(counts.size, np.int32)
        table[filled] = rank
        ranks.append(table)
        sizes.append(float(count @ rank**2))
        doubts.append(float(np.sum(count * (count**2 - 1)) / 3))
    if not min(sizes):
        return None
    bases = (sides[0][0], sides[1][0])
    total = sum(product_of_ranks(*_pair(block, left), _pair(block, right)[0], *bases, *ranks) for block in state.blocks)
    r = total / math.sqrt(sizes[0]) / math.sqrt(sizes[1])
    d, f = (math.sqrt(doubt / size) for doubt, size in zip(doubts, sizes, strict=True))
    return Estimate(r, math.sqrt(max(0.0, 1 - r * r)) * (d + f) + d * f + (d * d + f * f) / 2)


def _finite(value: float, bound: float) -> Estimate | None:
    return Estimate(value, bound) if math.isfinite(value) else None


def _pair(block: Evidence, part: Part) -> tuple[Any, Any]:
    """The array whose numbers are binned, or their distances from another; contiguous."""
    one = np.ascontiguousarray(block.target if part == "error" else getattr(block, part))
    return one, np.ascontiguousarray(block.mean, dtype=one.dtype) if part == "error" else one[:0]


def _range(state: Examples, part: Part, shift: int) -> tuple[int, int] | None:
    """The slot before the first and the number of slots, counting that of zero."""
    from regharness_metrics.order_kernels import range_of

    if ("range", part) not in state.found:
        known = np.array([2**31 - 1, 0])
        for block in state.blocks:
            range_of(*_pair(block, part), known)
        state.found["range", part] = known
    low, high = (int(bits) >> shift for bits in state.found["range", part])
    low = min(low, high)
    return (low - 1, high - low + 2) if high - low + 2 <= MOST_SLOTS else None


def _counts(state: Examples, part: Part) -> tuple[int, NDArray[np.int32]] | None:
    from regharness_metrics.order_kernels import RANK_SHIFT, count

    found = _range(state, part, RANK_SHIFT)
    if found is None:
        return None
    base, slots = found
    counts = np.zeros(2 * slots - 1, np.int32)
    for block in state.blocks:
        count(*_pair(block, part), base, counts)
    return base, counts


def _bins(state: Examples, part: Literal["variance", "error"], loss: Loss) -> Bins | None:
    from regharness_metrics.order_kernels import LOSS_SHIFT, SIGMA_SHIFT, sum_by

    if (part, loss) not in state.found:
        found = _range(state, part, SIGMA_SHIFT if part == "variance" else LOSS_SHIFT)
        if found is None:
            return None
        base, slots = found
        table = np.zeros((slots, 2))
        for block in state.blocks:
            target, mean = _pair(block, "error")
            keyed = target[:0] if part == "error" else np.ascontiguousarray(block.variance, dtype=target.dtype)
            sum_by(keyed, target, mean, loss == "squared", base, table)
        count, total = table[table[:, 0] > 0].T
        state.found[part, loss] = Bins(np.cumsum(count) - count, count, np.cumsum(total), total / count)
    return state.found[part, loss]
