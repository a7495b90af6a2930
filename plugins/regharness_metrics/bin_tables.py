"""Own the tables that blocks of examples are counted in, and their slots. Concludes nothing from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regharness.metric_protocols import Evidence, Kept

PARTS = ("target", "mean", "variance", "error")
"""What is binned, in the order of `regharness_metrics.order_kernels`."""
LOSSES = ("squared", "absolute")

Arrays = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


@dataclass(frozen=True)
class Table:
    """A table ``(slot, ...)``, and ``(2,)`` uint32 the first and the last of its slots that are filled."""

    values: NDArray[Any]
    reached: NDArray[np.uint32] = field(default_factory=lambda: np.array([2**32 - 1, 0], np.uint32))

    @property
    def counts(self) -> NDArray[Any]:
        """How many examples each slot has."""
        return self.values if self.values.ndim == 1 else self.values[:, 0]

    def filled(self) -> NDArray[np.int64]:
        """The slots that are filled."""
        from regharness_metrics.order_kernels import filled_slots

        return filled_slots(self.counts, self.reached.astype(np.int64))  # type: ignore[no-any-return]


def rank_table(*columns: int, kind: Any) -> Table:
    """An empty table for ranks, whose middle is slot 0."""
    from regharness_metrics.order_kernels import INFINITE, RANK_SHIFT

    return Table(np.zeros((2 * (INFINITE >> RANK_SHIFT) + 1, *columns), kind))


class Tables:
    """Counts and losses of the blocks so far.

    Parameters
    ----------
    ranked
        The parts that are counted.
    summed
        By which part which losses are summed.

    Attributes
    ----------
    counts, losses
        Part to table of counts, int32; part and loss to table of counts and sums, ``(slot, 2)`` float64.
    blocks
        The blocks that they hold.
    """

    def __init__(self, ranked: frozenset[str], summed: frozenset[tuple[str, str]]) -> None:
        from regharness_metrics.order_kernels import INFINITE, SUM_SHIFTS

        self.counts = {part: rank_table(kind=np.int32) for part in sorted(ranked)}
        self.losses: dict[tuple[str, str], Table] = {}
        for part in ("variance", "error"):
            for loss in LOSSES:
                slots = (INFINITE >> SUM_SHIFTS[PARTS.index(part)]) + 1 if (part, loss) in summed else 0
                self.losses[part, loss] = Table(np.zeros((slots, 2), np.float64))
        self.blocks: list[Evidence | Kept] = []

    def start(self, blocks: list[Evidence | Kept]) -> bool:
        """Whether these blocks start with those that they hold."""
        return [*map(id, self.blocks)] == [*map(id, blocks[: len(self.blocks)])]

    def add(self, block: Evidence | Kept, arrays: Arrays) -> None:
        """Add a block by its target, mean and variance."""
        from regharness_metrics.order_kernels import count, sum_losses

        for part, table in self.counts.items():
            count(bits_of(arrays, part), table.values, table.reached)
        tables = [self.losses[part, loss] for part in ("variance", "error") for loss in LOSSES]
        if any(table.values.size for table in tables):
            values, reached = (tuple(getattr(table, name) for table in tables) for name in ("values", "reached"))
            sum_losses(*arrays[:2], bits_of(arrays, "variance"), values, reached)
        self.blocks.append(block)


def arrays_of(block: Evidence, *, varied: bool) -> Arrays:
    """Target, mean and variance of a block, contiguous and of one type; the variance empty where nothing wants it."""
    parts = [block.target, block.mean, *([block.variance] if varied else [])]
    kind = np.result_type(*parts)
    y, m, *v = (np.ascontiguousarray(part, dtype=kind) for part in parts)
    return y, m, v[0] if v else y[:0]


@np.errstate(over="ignore")
def bits_of(arrays: Arrays, part: str) -> NDArray[np.int32]:
    """The bits of a part of a block, rounded to float32."""
    from regharness_metrics.order_kernels import bits_of_errors

    if part == "error":
        return bits_of_errors(*arrays[:2])  # type: ignore[no-any-return]
    return arrays[PARTS.index(part)].astype(np.float32, copy=False).view(np.int32)
