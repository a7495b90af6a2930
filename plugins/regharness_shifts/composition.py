"""Shift by several operators, one after the other. Knows none of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from regharness import DataInfo, Dataset, InputError, SequenceBatch, shift
from regharness.interfaces import ShiftOperator, ShiftType
from regharness.nested import ShiftUse

STAGE = {"covariate": 0, "label": 0, "concept": 0, "noise": 1, "input": 2}
"""Examples are chosen and labelled, then measured, then read: what comes later would be undone."""
WEIGHTIEST: tuple[ShiftType, ...] = ("concept", "covariate", "label", "noise", "input")


class Compose(ShiftOperator):
    """Apply several shift operators, one after the other.

    At severity s every part is applied at severity s, but for parts that have a severity of their own.
    Operators that choose or label examples come first, then those that change the measurement, then those that
    change the input; of those that count again (`barcode_count`, ...) there can be only one.

    Parameters
    ----------
    shifts
        The parts in order, each ``{use: NAME, with: {...}, severity: S}``.
    """

    def __init__(self, shifts: Sequence[ShiftUse]) -> None:
        self.parts = [(part, shift(part.use, **part.with_)) for part in shifts]
        for part, operator in self.parts:
            if part.severity is not None and part.severity not in operator.severities:
                raise InputError(
                    f"'{part.use}' has no severity {part.severity}",
                    help=f"it has: {', '.join(map(str, operator.severities))}",
                )
        self._refuse_disorder()
        free = [set(operator.severities) for part, operator in self.parts if part.severity is None]
        self.severities = tuple(sorted(set.intersection(*free))) if free else (1,)
        if not self.severities:
            raise InputError("the parts have no severity in common", help="give some of them a severity of their own")
        types = [operator.shift_type for _, operator in self.parts]
        self.shift_type = next(kind for kind in WEIGHTIEST if kind in types)
        self.needs = frozenset().union(*(operator.needs for _, operator in self.parts))
        self.by_block = all(getattr(operator, "by_block", False) for _, operator in self.parts)
        self.label_preserving = all(operator.label_preserving for _, operator in self.parts)

    def check(self, info: DataInfo) -> None:
        """Let every part refuse the data."""
        for part, operator in self.parts:
            operator.severities = tuple({part.severity or severity for severity in self.severities})
            operator.check(info)

    def apply(self, dataset: Dataset, severity: int, rng: np.random.Generator) -> SequenceBatch:
        """Apply the parts; at severity 0 it is the test set."""
        return self.shift_dataset(dataset, severity, rng).test

    def shift_dataset(self, dataset: Dataset, severity: int, rng: np.random.Generator) -> Dataset:
        """Apply the parts to whatever moves with the test set."""
        if severity == 0:
            return dataset
        for (part, operator), stream in zip(self.parts, rng.spawn(len(self.parts)), strict=True):
            dataset = operator.shift_dataset(dataset, part.severity or severity, stream)
        return dataset

    def _refuse_disorder(self) -> None:
        def stage(operator: Any) -> tuple[int, bool]:
            # Counting again comes before changing what was counted.
            return STAGE[operator.shift_type], operator.shift_type == "noise" and not operator.needs

        for (one, before), (two, after) in zip(self.parts, self.parts[1:], strict=False):
            if stage(before) > stage(after):
                raise InputError(
                    f"'{two.use}' after '{one.use}' would undo it",
                    help=f"put '{two.use}' before '{one.use}'",
                )
        counting = [part.use for part, operator in self.parts if stage(operator) == (1, False)]
        if len(counting) > 1:
            raise InputError(
                f"'{counting[1]}' counts again and would undo '{counting[0]}'", help="compose with one of them"
            )
