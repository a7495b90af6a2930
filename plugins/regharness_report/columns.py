"""Own the columns and cells of tables of scores that can be sorted, the best first. Writes no markup."""

from __future__ import annotations

import math
from dataclasses import dataclass

from regharness.board_tables import better_text, interval_text
from regharness.directions import badness
from regharness.metric_protocols import Direction
from regharness.results import Results
from regharness.score_tables import Value


@dataclass(frozen=True)
class Column:
    """A column: its title, what it means, and the order that puts the best on top."""

    title: str
    tip: str
    first: str


@dataclass(frozen=True)
class Cell:
    """A cell: its text, a smaller one behind it, the number it is sorted by, and whether its shift was seen."""

    text: str
    small: str = ""
    key: str = ""
    seen: bool = False


def metric_column(results: Results, metric: str, title: str = "", what: str = "") -> Column:
    """A column of a metric, or of `what` of it."""
    scores = results.scores[metric]
    direction: Direction = scores.attrs["direction"]
    long_name = str(scores.attrs.get("long_name", "")).removesuffix(".")
    parts = [metric, long_name, better_text(direction), what]
    return Column(title or metric, "; ".join(part for part in parts if part), first_order(direction))


def score_cell(value: Value | None, direction: Direction, *, seen: bool = False) -> Cell:
    """A score, behind it its interval, or its spread where there is none."""
    text, _, small = interval_text(value).partition(" ")
    return Cell("–" if text == "-" else text, small, sort_key(value, direction), seen)


def sort_key(value: Value | None, direction: Direction) -> str:
    """The number that a cell is sorted by: of a metric with a best value the distance to it; empty for no score."""
    if value is None or math.isnan(value.mean):
        return ""
    key = value.mean if isinstance(direction, str) else float(badness(value.mean, direction))
    # As the script reads it.
    return f"{key:.6g}".replace("inf", "Infinity")


def first_order(direction: Direction) -> str:
    """``ascending`` or ``descending``: how `sort_key` is sorted so that the best is on top."""
    return "descending" if direction == "higher" else "ascending"
