"""Shift by choosing other examples. Changes no sequence and no label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np

from regharness import DataInfo, Dataset, InputError, SequenceBatch
from regharness.errors import unknown_name
from regharness.graded import GradedShift
from regharness.interfaces import ShiftOperator
from regharness.sequences import gc_content


class GCQuantile(GradedShift):
    """Keep the test examples in one tail of GC content.

    Covariate shift on any data: the outer part of the test set by rank of GC content among known bases; ties
    are broken by the order of the examples, and a sequence of N alone is the last to be kept.

    Parameters
    ----------
    direction
        ``"high"`` keeps the GC-rich tail, ``"low"`` the GC-poor one.
    """

    shift_type = "covariate"
    label_preserving = True
    levels = (0.5, 0.4, 0.3, 0.2, 0.1)
    level_meaning = "share of the test set that is kept"
    level_range: ClassVar = (0.0, 1.0)
    least = 2

    def __init__(self, direction: Literal["high", "low"] = "high", levels: Sequence[float] | None = None) -> None:
        super().__init__(levels)
        self.direction = direction

    def check(self, info: DataInfo) -> None:
        """Refuse severities at which too few examples would stay."""
        for severity in self.severities:
            self._number(info.sizes["test"], self.levels[severity - 1])

    def shifted(self, dataset: Dataset, level: float, rng: np.random.Generator) -> Dataset:
        """Select examples, in the order of the test set; `InputError` when too few would stay."""
        test = dataset.test
        gc = gc_content(test.sequence)
        # NaN sorts last in either direction.
        order = np.argsort(-gc if self.direction == "high" else gc, kind="stable")
        return replace(dataset, test=test.select(np.sort(order[: self._number(len(test), level)])))

    def _number(self, n: int, share: float) -> int:
        number = round(share * n)
        if number < self.least:
            raise InputError(
                f"gc_quantile would keep {number} of {n} test examples",
                help="give more test examples, or milder severities",
            )
        return number


class HeldOutGroup(ShiftOperator):
    """Test on a group of examples that the data kept out of training, calibration and the identity test set.

    Covariate shift on real data: a chromosome, a locus, a species, another cell type, a replicate. One severity.

    Parameters
    ----------
    group
        Its name; the data say which they hold out.
    """

    severities = (1,)
    shift_type = "covariate"
    needs = frozenset({"held_out"})

    def __init__(self, group: str) -> None:
        self.group = group

    def check(self, info: DataInfo) -> None:
        """Refuse a group that the data do not hold out."""
        if self.group not in info.held_out:
            message, choices = unknown_name("held-out group", self.group, info.held_out, listed="held out")
            raise InputError(message, help=choices)

    def apply(self, dataset: Dataset, severity: int, rng: np.random.Generator) -> SequenceBatch:
        """Give the group; at severity 0 it is the test set."""
        return dataset.held_out[self.group] if severity else dataset.test
