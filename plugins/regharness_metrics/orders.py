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
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from regharness.metric_protocols import Accumulator, Evidence, Metric
from regharness_metrics.streams import Examples, Stream, of_large

Values = NDArray[np.float64]
Loss = Literal["squared", "absolute"]

PARTS = ("target", "mean", "variance", "error")
"""What is binned, in the order of `regharness_metrics.order_kernels`."""

TOLERANCE = 2e-4
"""Largest error bound that is let pass, of the size of a score; of a correlation, outright."""


TOLD_APART = "told apart"
"""Under which a state keeps which slots hold different numbers, once that is asked for."""


@dataclass(frozen=True)
class Estimate:
    """A score, and by how much the exact one can differ at most."""

    value: float
    bound: float


@dataclass(frozen=True)
class Ordered(Stream):
    """The accumulator of metrics of an order: keeps the examples.

    Parameters
    ----------
    ranked
        Whose ranks are wanted, of ``"target"``, ``"mean"``, ``"variance"`` and ``"error"``.
    summed
        By what which losses are summed: ``("variance", "squared")`` and the like.
    """

    ranked: frozenset[str] = frozenset()
    summed: frozenset[tuple[str, str]] = frozenset()

    def together(self, other: Accumulator) -> Ordered | None:
        """One that serves the metrics of both."""
        if not isinstance(other, Ordered):
            return None
        return Ordered(self.ranked | other.ranked, self.summed | other.summed)

    def update(self, state: Examples, evidence: Evidence) -> Examples:
        """Keep a block."""
        return Examples([*state.blocks, evidence], {"wanted": self})

    def merge(self, one: Examples, two: Examples) -> Examples:
        """The blocks of both."""
        return Examples([*one.blocks, *two.blocks], {"wanted": self})

    def condenses(self, block: Evidence) -> bool:
        """Never."""
        return False

    def condense(self, block: Evidence) -> Any:
        """Not called."""
        raise NotImplementedError

    combine = condense


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
    mixed
        Whether a bin may hold different numbers, so that its examples have an order that is not known.
    """

    before: Values
    count: Values
    total: Values
    mean: Values
    mixed: NDArray[np.bool_]

    @property
    def n(self) -> float:
        """Examples in all."""
        return float(self.before[-1] + self.count[-1])

    @cached_property
    def inner(self) -> Values:
        """Sum of 1 / k over the ranks k of each bin but its last."""
        harmonic = digamma(np.append(self.before, self.n) + 1)
        return np.asarray(np.diff(harmonic) - 1 / (self.before + self.count))

    def area(self) -> float:
        """AURC when all examples of a bin are tied."""
        # The sum of S_k / k over a bin, in which S_k = S_a + (k - a) m; at its last k it is S itself.
        last = self.before + self.count
        start = self.total - last * self.mean
        return float(np.sum(start * (self.inner + 1 / last) + self.count * self.mean) / self.n)

    def area_bound(self) -> float:
        """How far AURC can be from it: each bin's losses all on its first example, or all on its last."""
        later = self.mean * (self.count - 1 - self.before * self.inner)
        sooner = (self.count + self.before) * self.mean * self.inner - self.mean * (self.count - 1)
        return float(max(np.sum(later[self.mixed]), np.sum(sooner[self.mixed])) / self.n)


def bins_by_sigma(state: Examples, loss: Loss) -> Bins:
    """The losses of all examples in bins of their variance."""
    return _bins(state, "variance", loss)


def bins_by_loss(state: Examples, loss: Loss) -> Bins:
    """The losses of all examples in bins of their size."""
    return _bins(state, "error", loss)


BY_VARIANCE = {loss: Ordered(summed=frozenset({("variance", loss)})) for loss in ("squared", "absolute")}
BY_ERROR = {loss: Ordered(summed=frozenset({("error", loss)})) for loss in ("squared", "absolute")}
BY_BOTH = {loss: Ordered(summed=BY_VARIANCE[loss].summed | BY_ERROR[loss].summed) for loss in BY_ERROR}
"""Accumulators of metrics that sum a loss by variance, by its own size, or by both."""


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
    from regharness_metrics.order_kernels import sum_products

    if len(state) >= 2**27:
        return None
    parts = (PARTS.index(left), PARTS.index(right))
    ranks, sizes, doubts = zip(*(_ranks(state, part) for part in (left, right)), strict=True)
    if not min(sizes):
        return None
    total = sum(sum_products(*_arrays(state, block), parts, *ranks) for block in state.blocks)
    r = total / math.sqrt(sizes[0]) / math.sqrt(sizes[1])
    d, f = (math.sqrt(doubt / size) for doubt, size in zip(doubts, sizes, strict=True))
    return Estimate(r, math.sqrt(max(0.0, 1 - r * r)) * (d + f) + d * f + (d * d + f * f) / 2)


def _ranks(state: Examples, part: str) -> tuple[NDArray[np.int32], float, float]:
    """Twice the centred average rank of each slot, their sum of squares, and that of what ties may hide."""
    counts, n = _tables(state)[part], len(state)
    filled = counts.first + np.flatnonzero(counts.values[counts.first : counts.last + 1])
    count = counts.values[filled].astype(np.float64)
    rank = 2 * np.cumsum(count) - count - n
    table = np.zeros(counts.values.size, np.int32)
    table[filled] = rank
    doubt = (count * (count**2 - 1))[_mixed(state, part, counts, ranked=True)[filled]]
    return table, float(count @ rank**2), float(doubt.sum()) / 3


def _finite(value: float, bound: float) -> Estimate | None:
    return Estimate(value, bound) if math.isfinite(value) else None


def _arrays(state: Examples, block: Evidence) -> tuple[Any, Any, Any]:
    """Target, mean and variance of a block, contiguous and of one type; the variance empty where nothing wants it."""
    wanted: Ordered = state.found["wanted"]
    varied = "variance" in wanted.ranked or any(by == "variance" for by, _ in wanted.summed)
    parts = [block.target, block.mean, *([block.variance] if varied else [])]
    kind = np.result_type(*parts)
    y, m, *v = (np.ascontiguousarray(part, dtype=kind) for part in parts)
    return y, m, v[0] if v else y[:0]


@dataclass(frozen=True)
class _Table:
    """A table, and the first and the last of its slots that are filled."""

    values: NDArray[Any]
    first: int
    last: int


def _tables(state: Examples) -> dict[Any, _Table]:
    """All tables that are wanted, by what is ranked, or by what is binned and the loss that is summed."""
    if "tables" not in state.found:
        state.found["tables"] = _tabulate(state)
    tables: dict[Any, _Table] = state.found["tables"]
    return tables


def _tabulate(state: Examples) -> dict[Any, _Table]:
    from regharness_metrics.order_kernels import INFINITE, RANK_SHIFT, SUM_SHIFTS, tabulate

    wanted: Ordered = state.found["wanted"]
    slots = 2 * (INFINITE >> RANK_SHIFT) + 1
    counts = tuple(np.zeros(slots if part in wanted.ranked else 0, np.int32) for part in PARTS)
    keys = [(part, loss) for part in ("variance", "error") for loss in ("squared", "absolute")]
    sizes = [(INFINITE >> SUM_SHIFTS[PARTS.index(key[0])]) + 1 if key in wanted.summed else 0 for key in keys]
    sums = tuple(np.zeros((size, 2)) for size in sizes)
    found: dict[Any, _Table] = {}
    # One part after the other, so that the cache holds the tables of one at a time.
    for place, part in enumerate(PARTS):
        reached = np.array([[2**32 - 1, 0]] * 2, np.uint32)
        for block in state.blocks:
            tabulate(*_arrays(state, block), place, counts, sums, reached)
        (first, last), (first_sum, last_sum) = reached.tolist()
        found[part] = _Table(counts[place], first, last)
        found |= {
            key: _Table(table, first_sum, last_sum) for key, table in zip(keys, sums, strict=True) if key[0] == part
        }
    return found


def _mixed(state: Examples, part: str, table: _Table, *, ranked: bool) -> NDArray[np.bool_]:
    """Which slots may hold different numbers: all, until it was asked for to tell them apart."""
    from regharness_metrics.order_kernels import tell_apart

    size = len(table.values)
    if TOLD_APART not in state.found:
        return np.ones(size, dtype=bool)
    known: dict[Any, NDArray[np.bool_]] = state.found[TOLD_APART]
    if (part, ranked) not in known:
        firsts, kinds = np.zeros(size), np.zeros(size, np.uint8)
        for block in state.blocks:
            tell_apart(*_arrays(state, block), PARTS.index(part), ranked, firsts, kinds)
        known[part, ranked] = kinds == 2
    return known[part, ranked]


def _bins(state: Examples, part: str, loss: Loss) -> Bins:
    if (part, loss) not in state.found:
        table = _tables(state)[part, loss]
        filled = table.first + np.flatnonzero(table.values[table.first : table.last + 1, 0])
        count, total = table.values[filled].T
        mixed = _mixed(state, part, table, ranked=False)[filled]
        state.found[part, loss] = Bins(np.cumsum(count) - count, count, np.cumsum(total), total / count, mixed)
    bins: Bins = state.found[part, loss]
    return bins
