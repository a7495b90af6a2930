"""Sort many examples into fine bins, in one pass, and say which bins are pure. Scores nothing.

A bin holds the examples whose numbers share the leading bits of their float32 (`regharness_metrics.order_kernels`), so
it is a function of the examples alone: of neither their order, nor the blocks, nor the merging of states. A state keeps
its examples, as they came and uncopied, for the passes that follow and for sorting where bins will not do; of those
that lie in a store it keeps how to read them again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from regharness.metric_protocols import Accumulator, Evidence, Kept
from regharness.scoring import EXACT_UP_TO
from regharness_metrics.bin_tables import PARTS, Arrays, Table, Tables, arrays_of, bits_of, rank_table
from regharness_metrics.streams import Examples

Values = NDArray[np.float64]
Loss = Literal["squared", "absolute"]

TOLD_APART = "told apart"
"""Under which a state keeps which slots hold different numbers, once that is asked for."""


@dataclass(frozen=True)
class Ordered(Accumulator):
    """The accumulator of metrics of an order: keeps the examples.

    Parameters
    ----------
    ranked
        The ranks of which two are compared: ``("target", "mean")`` or ``("error", "variance")``.
    summed
        By what which losses are summed: ``("variance", "squared")`` and the like.
    """

    ranked: frozenset[tuple[str, str]] = frozenset()
    summed: frozenset[tuple[str, str]] = frozenset()

    @property
    def varied(self) -> bool:
        """Whether the variance is looked at."""
        return ("error", "variance") in self.ranked or any(by == "variance" for by, _ in self.summed)

    def together(self, other: Accumulator) -> Ordered | None:
        """One that serves the metrics of both."""
        if not isinstance(other, Ordered):
            return None
        return Ordered(self.ranked | other.ranked, self.summed | other.summed)

    def init(self) -> Examples:
        """No example."""
        return Examples(found={"wanted": self})

    def update(self, state: Examples, evidence: Evidence) -> Examples:
        """Keep a block; of a large cell, tabulate it while the cache has it."""
        found = {"wanted": self}
        if state.found.get("wanted") == self and "tables" in state.found:
            found["tables"] = state.found["tables"]
        state = Examples([*state.blocks, evidence.kept()], found)
        if len(state) > EXACT_UP_TO:
            _tables(state)
        return state

    def merge(self, one: Examples, two: Examples) -> Examples:
        """The blocks of both."""
        return Examples([*one.blocks, *two.blocks], {"wanted": self})


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


def _tables(state: Examples) -> Tables:
    """The tables of all blocks of a state."""
    tables: Tables | None = state.found.get("tables")
    if tables is None or not tables.start(state.blocks):
        wanted: Ordered = state.found["wanted"]
        tables = state.found["tables"] = Tables(frozenset(right for _, right in wanted.ranked), wanted.summed)
    for block in state.blocks[len(tables.blocks) :]:
        tables.add(block, _arrays(state, block))
    return tables


def _arrays(state: Examples, block: Evidence | Kept) -> Arrays:
    return arrays_of(block.look(), varied=state.found["wanted"].varied)


def _mixed(state: Examples, part: str, table: Table, filled: NDArray[np.int64], *, ranked: bool) -> NDArray[np.bool_]:
    """Which of the filled slots may hold different numbers: all, until it was asked for to tell them apart."""
    from regharness_metrics.order_kernels import tell_apart

    if TOLD_APART not in state.found:
        return np.ones(filled.size, dtype=bool)
    known: dict[Any, NDArray[np.bool_]] = state.found[TOLD_APART]
    if (part, ranked) not in known:
        size = len(table.values)
        firsts, kinds = np.zeros(size), np.zeros(size, np.uint8)
        for block in state.blocks:
            tell_apart(*_arrays(state, block), PARTS.index(part), ranked, firsts, kinds)
        known[part, ranked] = kinds == 2
    return known[part, ranked][filled]


def _bins(state: Examples, part: str, loss: Loss) -> Bins:
    if (part, loss) not in state.found:
        table = _tables(state).losses[part, loss]
        filled = table.filled()
        count, total = table.values[filled].T
        mixed = _mixed(state, part, table, filled, ranked=False)
        state.found[part, loss] = Bins(np.cumsum(count) - count, count, np.cumsum(total), total / count, mixed)
    bins: Bins = state.found[part, loss]
    return bins


@dataclass(frozen=True)
class Ranks:
    """Twice the centred average ranks of bins.

    Attributes
    ----------
    filled, rank
        Slots that are filled, and the rank of each.
    size, doubt
        Sum of squares of all examples' ranks, and of what ties in bins may hide of it.
    """

    filled: NDArray[np.int64]
    rank: Values
    size: float
    doubt: float


def compared_ranks(state: Examples, left: str, right: str) -> tuple[Ranks, Ranks, float]:
    """The ranks of two parts, and the sum of the products of an example's two."""
    from regharness_metrics.order_kernels import sum_ranks

    counts = _tables(state).counts[right]
    rights = _ranks(state, right, counts)
    if (left, right) not in state.found:
        sums, of_slot = rank_table(2, kind=np.float64), rank_table(kind=np.int32).values
        of_slot[rights.filled] = rights.rank
        for block in state.blocks:
            arrays = _arrays(state, block)
            sum_ranks(bits_of(arrays, left), bits_of(arrays, right), of_slot, sums.values, sums.reached)
        state.found[left, right] = sums
    sums = state.found[left, right]
    lefts = _ranks(state, left, sums)
    return lefts, rights, float(lefts.rank @ sums.values[lefts.filled, 1])


def _ranks(state: Examples, part: str, table: Table) -> Ranks:
    filled = table.filled()
    count = table.counts[filled].astype(np.float64)
    rank = 2 * np.cumsum(count) - count - len(state)
    doubt = (count * (count**2 - 1))[_mixed(state, part, table, filled, ranked=True)]
    return Ranks(filled, rank, float(count @ rank**2), float(doubt.sum()) / 3)
