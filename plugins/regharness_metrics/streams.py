"""Own how the state of a large cell begins: as its examples, so that a small one is always scored exactly."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from regharness.metric_protocols import Accumulator, Evidence, Kept, Metric
from regharness.scoring import EXACT_UP_TO


@dataclass
class Examples:
    """Blocks as they came, nothing copied; of those that lie in a store, only how to read them again.

    Attributes
    ----------
    found
        What was computed from all of them, by name, for the next metric to read.
    """

    blocks: list[Evidence | Kept] = field(default_factory=list)
    found: dict[Any, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(map(len, self.blocks))


class Stream(Accumulator):
    """Keep examples while they are few; then condense them, where there is a way to."""

    def init(self) -> Examples:
        """No example."""
        return Examples()

    def update(self, state: Any, evidence: Evidence) -> Any:
        """Keep or add a block."""
        if not isinstance(state, Examples):
            return self.combine(state, self.condense(evidence))
        state = self._settle(Examples([*state.blocks, evidence]))
        if isinstance(state, Examples) and len(state) > EXACT_UP_TO:
            state.blocks[-1] = evidence.kept()
        return state

    def merge(self, one: Any, two: Any) -> Any:
        """The state of both."""
        if isinstance(one, Examples) and isinstance(two, Examples):
            return self._settle(Examples([*one.blocks, *two.blocks]))
        for kept, other in ((one, two), (two, one)):
            if isinstance(kept, Examples):
                for block in kept.blocks:
                    other = self.combine(other, self.condense(block.look()))
                return other
        return self.combine(one, two)

    def _settle(self, state: Examples) -> Any:
        if len(state) <= EXACT_UP_TO or not self.condenses(state.blocks[0].look()):
            return state
        condensed = None
        for block in state.blocks:
            more = self.condense(block.look())
            condensed = more if condensed is None else self.combine(condensed, more)
        return condensed

    def condenses(self, block: Evidence) -> bool:
        """Whether blocks such as this can be condensed."""
        return True

    @abstractmethod
    def condense(self, block: Evidence) -> Any:
        """What the metrics need of a block."""

    @abstractmethod
    def combine(self, one: Any, two: Any) -> Any:
        """What they need of both."""


def of_large(formula: Callable[[Any, Any], float]) -> Any:
    """Make the `Metric.finalize` of a metric whose score of many examples is ``formula(metric, state)``.

    Up to `EXACT_UP_TO` examples it is the metric's own score of them.
    """

    def finalize(self: Metric, state: Any) -> Any:
        """The score of the examples that a state has seen; NaN of none."""
        if isinstance(state, Examples) and len(state) <= EXACT_UP_TO:
            return Metric.finalize(self, state.blocks)
        return formula(self, state)

    return finalize
