"""Own how strong a shift is at each severity: tables, users' own grids, severity 0. Knows no operator."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import numpy as np
from pydantic import Field

from regharness.errors import InputError
from regharness.interfaces import Dataset, SequenceBatch, ShiftOperator
from regharness.parameters import Parameters

MOST_LEVELS = 100


class GradedParameters(Parameters):
    """Parameters of an operator whose strength is one number; extend it with an operator's own."""

    levels: list[float] | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_LEVELS,
        description="Strengths of severity 1, 2, ..., from mild to strong, in place of the operator's table.",
    )


class GradedShift(ShiftOperator):
    """An operator whose strength is one number; severity 0 is the test set as it is.

    Subclasses set `levels`, `level_meaning` and `level_range`, and implement `shifted`.

    Attributes
    ----------
    level_range
        Least and greatest strength that a user's own grid may have.

    Parameters
    ----------
    levels
        Strengths of severity 1, 2, ... in place of the operator's table; in order from mild to strong, which
        is the direction of the table.

    Raises
    ------
    InputError
        When a strength is outside `level_range`, or they are out of order.
    """

    level_range: ClassVar[tuple[float, float]]

    def __init__(self, levels: Sequence[float] | None = None) -> None:
        if levels is None:
            return
        low, high = self.level_range
        outside = [level for level in levels if not low <= level <= high]
        if outside:
            raise InputError(
                f"levels: {outside[0]:g} is outside {low:g} to {high:g} ({self.level_meaning})",
                help=f"severity 1-{len(self.levels)} usually are {', '.join(f'{x:g}' for x in self.levels)}",
            )
        sign = 1.0 if self.levels[-1] > self.levels[0] else -1.0
        if any(sign * (after - before) <= 0 for before, after in pairwise(levels)):
            order = "ascend" if sign > 0 else "descend"
            raise InputError(f"levels go from mild to strong: they must {order}, and {list(levels)} do not")
        self.levels = tuple(levels)
        self.severities = tuple(range(1, len(self.levels) + 1))

    def apply(self, dataset: Dataset, severity: int, rng: np.random.Generator) -> SequenceBatch:
        """Make the shifted test set; at severity 0 it is the test set."""
        return self.shift_dataset(dataset, severity, rng).test

    def shift_dataset(self, dataset: Dataset, severity: int, rng: np.random.Generator) -> Dataset:
        """Shift the test set and whatever behind it moves with it."""
        if severity == 0:
            return dataset
        if not 1 <= severity <= len(self.levels):
            raise InputError(
                f"{type(self).__name__} has no severity {severity}", help=f"it has 0 to {len(self.levels)}"
            )
        return self.shifted(dataset, self.levels[severity - 1], rng)

    @abstractmethod
    def shifted(self, dataset: Dataset, level: float, rng: np.random.Generator) -> Dataset:
        """Give `dataset` with its test set, and what moves with it, shifted by `level`."""
        ...


def within_reach(levels: Sequence[float], furthest: float, start: float) -> tuple[float, ...]:
    """Strengths to aim at where some cannot be reached: those are spread between the last that can and `furthest`.

    Parameters
    ----------
    levels
        From mild to strong, away from `start`, which is no shift at all.
    furthest
        What the operator's full strength reaches; `start` where it does nothing.

    Returns
    -------
    tuple
        As many numbers, none beyond `furthest`, still growing.
    """
    sign = 1.0 if furthest >= start else -1.0
    reached = [level for level in levels if sign * (furthest - level) > 0]
    missing = len(levels) - len(reached)
    last = reached[-1] if reached else start
    return (*reached, *(last + (furthest - last) * (k + 1) / missing for k in range(missing)))
