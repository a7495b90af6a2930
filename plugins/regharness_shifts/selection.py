"""Shift by choosing other examples. Changes no sequence and no label."""

from __future__ import annotations

from typing import Literal

import numpy as np

from regharness import DataInfo, Dataset, InputError, SequenceBatch
from regharness.errors import unknown_name
from regharness.interfaces import ShiftOperator
from regharness.sequences import gc_content


class GCQuantile(ShiftOperator):
    """Keep the test examples in one tail of GC content.

    Covariate shift on any data. Severity 1-5 keeps the outer .5 .4 .3 .2 .1 of the test set by rank of GC
    content among known bases; ties are broken by the order of the examples, and a sequence of N alone is the
    last to be kept.

    Parameters
    ----------
    direction
        ``"high"`` keeps the GC-rich tail, ``"low"`` the GC-poor one.
    """

    shift_type = "covariate"
    kept = (0.5, 0.4, 0.3, 0.2, 0.1)
    least = 2

    def __init__(self, direction: Literal["high", "low"] = "high") -> None:
        self.direction = direction

    def check(self, info: DataInfo) -> None:
        """Refuse a test set of which too little would stay."""
        self._number(info.sizes["test"], self.severities[-1])

    def apply(self, dataset: Dataset, severity: int, rng: np.random.Generator) -> SequenceBatch:
        """Select examples, in the order of the test set; `InputError` when too few would stay."""
        test = dataset.test
        gc = gc_content(test.sequence)
        # NaN sorts last in either direction.
        order = np.argsort(-gc if self.direction == "high" else gc, kind="stable")
        return test.select(np.sort(order[: self._number(len(test), severity)]))

    def _number(self, n: int, severity: int) -> int:
        number = round(self.kept[severity - 1] * n)
        if number < self.least:
            raise InputError(
                f"gc_quantile would keep {number} of {n} test examples",
                help=f"give at least {round(self.least / self.kept[severity - 1])} test examples",
            )
        return number


class HeldOutGroup(ShiftOperator):
    """Test on a group of examples that the data kept out of training, calibration and the identity test set.

    Covariate shift on real data: a chromosome, a locus, a GC range. One severity.

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
        """Give the group."""
        return dataset.held_out[self.group]
