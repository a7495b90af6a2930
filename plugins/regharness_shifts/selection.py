"""Shift by choosing or weighing other examples. Changes no sequence and no label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np

from regharness import DataInfo, Dataset, InputError, SequenceBatch
from regharness.errors import unknown_name
from regharness.graded import GradedShift
from regharness.interfaces import ShiftOperator
from regharness.resampling import LEAST_EFFECTIVE, resampled
from regharness.sequences import gc_content


class GCTilt(GradedShift):
    """Resample the test examples so that GC content is tilted: weights ``exp(lambda z)``, z standardised GC.

    Covariate shift on any data, by importance weighting (Shimodaira, J. Stat. Plan. Inference 90:227, 2000).
    For normal GC content the mean moves by lambda SDs and n examples are worth ``n exp(-lambda^2)``; a run
    records what they are worth. Examples of large weight are drawn several times.

    Parameters
    ----------
    direction
        Towards more GC, or less.
    least_effective_size
        The floor: below this many examples' worth the shift is refused.
    """

    shift_type = "covariate"
    label_preserving = True
    levels = (0.25, 0.5, 1.0, 1.5, 2.0)
    level_meaning = "lambda: SDs of GC content that its mean is tilted by"
    level_range: ClassVar = (0.0, 5.0)

    def __init__(
        self,
        direction: Literal["up", "down"] = "up",
        least_effective_size: float = LEAST_EFFECTIVE,
        levels: Sequence[float] | None = None,
    ) -> None:
        super().__init__(levels)
        self.direction, self.least = direction, least_effective_size

    def check(self, info: DataInfo) -> None:
        """Refuse severities at which too little would be left of the test set."""
        for severity in self.severities:
            level = self.levels[severity - 1]
            worth = info.sizes["test"] * np.exp(-(level**2))
            if worth < self.least:
                needed = int(np.ceil(self.least * np.exp(level**2)))
                raise InputError(
                    f"gc_tilt@{severity} would leave {info.sizes['test']:,} test examples worth about {worth:.1f}, "
                    f"below the floor of {self.least:g}",
                    help=f"give {needed:,} test examples, milder severities, or another least_effective_size",
                )

    def shifted(self, dataset: Dataset, level: float, rng: np.random.Generator) -> Dataset:
        """Resample the test set."""
        # A sequence of N alone has no GC content: it weighs as one of the mean.
        gc = gc_content(dataset.test.sequence)
        spread = np.nanstd(gc)
        z = np.nan_to_num((gc - np.nanmean(gc)) / (spread if spread > 0 else 1.0))
        sign = 1.0 if self.direction == "up" else -1.0
        return replace(dataset, test=resampled(dataset.test, sign * level * z, rng, least=self.least))


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
