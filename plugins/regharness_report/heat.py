"""Own how costs of shifts become shades, and the map of all models and shifts. Writes no markup."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from regharness import dims
from regharness.shift_labels import by_operator, strongest
from regharness_report.cast import Actor, Cast
from regharness_report.task_values import TaskValues

WORSE, BETTER = 8, 3
"""Shades of each."""
WIDE = 12
"""Shifts up to which there is room for numbers."""
SHOWN = 100
"""Shifts up to which all are shown; of more, the strongest of each operator."""


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


@dataclass(frozen=True)
class HeatCell:
    """What a shift costs a model: its class, its number, and what it says."""

    shade: str
    text: str
    tip: str


@dataclass(frozen=True)
class HeatMap:
    """All costs.

    Attributes
    ----------
    groups
        Operator to the severities of its columns.
    rows
        A model, and a cell a column.
    wide
        Whether numbers have room in the cells.
    left_out
        Whether milder severities have no column.
    """

    groups: tuple[tuple[str, tuple[int, ...]], ...]
    rows: tuple[tuple[Actor, tuple[HeatCell, ...]], ...]
    wide: bool
    left_out: bool


def heat_map(values: TaskValues, cast: Cast, shade: Shade) -> HeatMap | None:
    """The costs of all shifts, or of the strongest where there are very many; None without a shift."""
    beyond = [shift for shift in values.shifts if shift != dims.IDENTITY]
    shown = beyond if len(beyond) <= SHOWN else strongest(beyond)
    groups = by_operator(shown)
    columns = [label for severities in groups.values() for label in severities.values()]
    if not columns:
        return None
    return HeatMap(
        groups=tuple((operator, tuple(severities)) for operator, severities in groups.items()),
        rows=tuple((actor, tuple(_cells(values, model, columns, shade))) for model, actor in cast.items()),
        wide=len(columns) <= WIDE,
        left_out=len(shown) < len(beyond),
    )


def _cells(values: TaskValues, model: str, columns: Iterable[str], shade: Shade) -> Iterable[HeatCell]:
    for shift in columns:
        cost = values.cost(model, shift)
        seen = values.seen(model, shift)
        text = cost_text(cost)
        yield HeatCell("seen" if seen else shade(cost), text, f"{shift}: {text}" + (", seen" if seen else ""))


def cost_text(cost: float) -> str:
    """A cost with its sign; a dash where there is none."""
    if math.isnan(cost):
        return "–"
    text = f"{cost:+.3f}" if abs(cost) < 100 else f"{cost:+.3g}"
    return text.replace("-", "−") if text not in ("-0.000", "+0.000") else "0.000"
