"""Sort many examples into fine bins, in one pass, and say which bins are pure. Scores nothing.

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
        The ranks of which two are compared: ``("target", "mean")`` or ``("error", "variance")``.
    summed
        By what which losses are summed: ``("variance", "squared")`` and the like.
    """

    ranked: frozenset[tuple[str, str]] = frozenset()
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
    """Tables of one pass: counts, by what is counted, and losses, by what is binned and the loss."""
    if "tables" not in state.found:
        state.found["tables"] = _tabulate(state)
    tables: dict[Any, _Table] = state.found["tables"]
    return tables


def _tabulate(state: Examples) -> dict[Any, _Table]:
    from regharness_metrics.order_kernels import INFINITE, SUM_SHIFTS, count, sum_losses

    wanted: Ordered = state.found["wanted"]
    counts = {right: np.zeros(_rank_slots(), np.int32) for _, right in sorted(wanted.ranked)}
    keys = [(part, loss) for part in ("variance", "error") for loss in ("squared", "absolute")]
    sizes = [(INFINITE >> SUM_SHIFTS[PARTS.index(key[0])]) + 1 if key in wanted.summed else 0 for key in keys]
    sums = {key: np.zeros((size, 2)) for key, size in zip(keys, sizes, strict=True)}
    by_variance, by_error = tuple(sums.values())[:2], tuple(sums.values())[2:]
    reached = {part: _unreached() for part in counts}
    reached_by = np.stack([_unreached(), _unreached()])
    for block in state.blocks:
        arrays = arrays_of(state, block)
        for part, table in counts.items():
            count(_bits(arrays, part), table, reached[part])
        if wanted.summed:
            sum_losses(*arrays[:2], _bits(arrays, "variance"), by_variance, by_error, reached_by)
    found: dict[Any, _Table] = {part: _Table(table, *reached[part].tolist()) for part, table in counts.items()}
    return found | {key: _Table(sums[key], *reached_by[place // 2].tolist()) for place, key in enumerate(keys)}


def _rank_slots() -> int:
    from regharness_metrics.order_kernels import INFINITE, RANK_SHIFT

    return 2 * (INFINITE >> RANK_SHIFT) + 1


def _unreached() -> NDArray[np.uint32]:
    return np.array([2**32 - 1, 0], np.uint32)


@np.errstate(over="ignore")
def _bits(arrays: tuple[Any, Any, Any], part: str) -> NDArray[np.int32]:
    """The bits of a part of a block, rounded to float32."""
    from regharness_metrics.order_kernels import bits_of_errors

    if part == "error":
        return bits_of_errors(*arrays[:2])  # type: ignore[no-any-return]
    return arrays[PARTS.index(part)].astype(np.float32, copy=False).view(np.int32)  # type: ignore[no-any-return]


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
    varied = ("error", "variance") in wanted.ranked or any(by == "variance" for by, _ in wanted.summed)
    parts = [block.target, block.mean, *([block.variance] if varied else [])]
    kind = np.result_type(*parts)
    y, m, *v = (np.ascontiguousarray(part, dtype=kind) for part in parts)
    return y, m, v[0] if v else y[:0]


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

    counts = _tables(state)[right]
    rights = _ranks(state, right, counts, counts.values)
    if (left, right) not in state.found["tables"]:
        table, reached, of_slot = np.zeros((_rank_slots(), 2)), _unreached(), np.zeros(_rank_slots(), np.int32)
        of_slot[rights.filled] = rights.rank
        for block in state.blocks:
            arrays = arrays_of(state, block)
            sum_ranks(_bits(arrays, left), _bits(arrays, right), of_slot, table, reached)
        state.found["tables"][left, right] = _Table(table, *reached.tolist())
    sums = state.found["tables"][left, right]
    lefts = _ranks(state, left, sums, sums.values[:, 0])
    return lefts, rights, float(lefts.rank @ sums.values[lefts.filled, 1])


def _ranks(state: Examples, part: str, table: _Table, counts: NDArray[Any]) -> Ranks:
    filled = table.first + np.flatnonzero(counts[table.first : table.last + 1])
    count = counts[filled].astype(np.float64)
    rank = 2 * np.cumsum(count) - count - len(state)
    doubt = (count * (count**2 - 1))[_mixed(state, part, table, ranked=True)[filled]]
    return Ranks(filled, rank, float(count @ rank**2), float(doubt.sum()) / 3)
