"""Sort many examples into fine bins, in one pass a part, and say which bins are pure. Scores nothing.

A bin holds the examples whose numbers share the leading bits of their float32 (`regharness_metrics.order_kernels`), so
it is a function of the examples alone: of neither their order, nor the blocks, nor the merging of states. A state keeps
its examples, as they came and uncopied, for the passes that follow and for sorting where bins will not do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from regharness.metric_protocols import Accumulator, Evidence
from regharness_metrics.streams import Examples, Stream

Values = NDArray[np.float64]
Loss = Literal["squared", "absolute"]

PARTS = ("target", "mean", "variance", "error")
"""What is binned, in the order of `regharness_metrics.order_kernels`."""
TOLD_APART = "told apart"
"""Under which a state keeps which slots hold different numbers, once that is asked for."""


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


BY_VARIANCE = {loss: Ordered(summed=frozenset({("variance", loss)})) for loss in ("squared", "absolute")}
BY_ERROR = {loss: Ordered(summed=frozenset({("error", loss)})) for loss in ("squared", "absolute")}
BY_BOTH = {loss: Ordered(summed=BY_VARIANCE[loss].summed | BY_ERROR[loss].summed) for loss in BY_ERROR}
"""Accumulators of metrics that sum a loss by variance, by its own size, or by both."""


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
            tabulate(*arrays_of(state, block), place, counts, sums, reached)
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
            tell_apart(*arrays_of(state, block), PARTS.index(part), ranked, firsts, kinds)
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


def arrays_of(state: Examples, block: Evidence) -> tuple[Any, Any, Any]:
    """Target, mean and variance of a block, contiguous and of one type; the variance empty where nothing wants it."""
    wanted: Ordered = state.found["wanted"]
    varied = "variance" in wanted.ranked or any(by == "variance" for by, _ in wanted.summed)
    parts = [block.target, block.mean, *([block.variance] if varied else [])]
    kind = np.result_type(*parts)
    y, m, *v = (np.ascontiguousarray(part, dtype=kind) for part in parts)
    return y, m, v[0] if v else y[:0]


def ranks_of(state: Examples, part: str) -> tuple[NDArray[np.int32], float, float]:
    """Twice the centred average rank of each slot, their sum of squares, and that of what ties may hide."""
    counts, n = _tables(state)[part], len(state)
    filled = counts.first + np.flatnonzero(counts.values[counts.first : counts.last + 1])
    count = counts.values[filled].astype(np.float64)
    rank = 2 * np.cumsum(count) - count - n
    table = np.zeros(counts.values.size, np.int32)
    table[filled] = rank
    doubt = (count * (count**2 - 1))[_mixed(state, part, counts, ranked=True)[filled]]
    return table, float(count @ rank**2), float(doubt.sum()) / 3
