"""Own how what a shift costs becomes a shade and a text. Writes no markup."""

from __future__ import annotations

import math
from dataclasses import dataclass

from regharness_report.cast import Cast
from regharness_report.task_values import TaskValues

WORSE, BETTER = 8, 3
"""Shades of each."""


@dataclass(frozen=True)
class Shade:
    """How costs become classes: the worst cost of the task is the darkest.

    Attributes
    ----------
    worst
        The cost of the darkest shade.
    """

    worst: float

    def __call__(self, cost: float) -> str:
        """``w1`` to ``w8`` for worse than identity, ``b1`` to ``b3`` for better, ``w0`` between, ``gone`` for NaN."""
        if math.isnan(cost):
            return "gone"
        # By the root, so that the differences of mild shifts are seen beside a ruinous one.
        share = math.sqrt(min(abs(cost) / self.worst, 1.0))
        if cost < 0:
            return f"b{min(math.floor(share * 2 * BETTER), BETTER)}".replace("b0", "w0")
        return f"w{min(math.floor(share * (WORSE + 1)), WORSE)}"


def shade_of(values: TaskValues, cast: Cast) -> Shade:
    """Shades that are told by everyone but the controls."""
    costs = (values.cost(model, shift) for model, actor in cast.items() if actor.stretches for shift in values.shifts)
    worst = max((cost for cost in costs if math.isfinite(cost)), default=0.0)
    return Shade(worst if worst > 0 else 1.0)


def cost_text(cost: float) -> str:
    """A cost with its sign; a dash where there is none."""
    if math.isnan(cost):
        return "–"
    text = f"{cost:+.3f}" if abs(cost) < 100 else f"{cost:+.3g}"
    return text.replace("-", "−") if text not in ("-0.000", "+0.000") else "0.000"
