"""Lay out what every shift costs every model. Writes no markup."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from regharness import dims
from regharness.shift_labels import by_operator, strongest
from regharness_report.cast import Actor
from regharness_report.shades import cost_text
from regharness_report.stage import Stage

WIDE = 12
"""Shifts up to which there is room for numbers."""
SHOWN = 100
"""Shifts up to which all are shown; of more, the strongest of each operator."""


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


def heat_map(on: Stage) -> HeatMap | None:
    """The costs of all shifts, or of the strongest where there are very many; None without a shift."""
    beyond = [shift for shift in on.values.shifts if shift != dims.IDENTITY]
    shown = beyond if len(beyond) <= SHOWN else strongest(beyond)
    groups = by_operator(shown)
    columns = [label for severities in groups.values() for label in severities.values()]
    if not columns:
        return None
    return HeatMap(
        groups=tuple((operator, tuple(severities)) for operator, severities in groups.items()),
        rows=tuple((actor, tuple(_cells(on, model, columns))) for model, actor in on.drawn.items()),
        wide=len(columns) <= WIDE,
        left_out=len(shown) < len(beyond),
    )


def _cells(on: Stage, model: str, columns: Iterable[str]) -> Iterable[HeatCell]:
    for shift in columns:
        cost = on.values.cost(model, shift)
        seen = on.values.seen(model, shift)
        text = cost_text(cost)
        yield HeatCell("seen" if seen else on.shade(cost), text, f"{shift}: {text}" + (", seen" if seen else ""))
