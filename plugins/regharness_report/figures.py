"""Lay out figures as plain numbers and texts for the template's SVG. Writes no markup."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from regharness.directions import badness
from regharness.leaderboard import Matrix
from regharness.score_tables import Value

WIDTH, HEIGHT = 300, 190
LEFT, RIGHT, TOP, BOTTOM = 46, 96, 12, 30
COLOURED = 6
"""Lines that get a colour of their own; the rest is grey, since more hues cannot be told apart."""


@dataclass(frozen=True)
class Line:
    """A model's line: points in drawing units, its label's place, and the index of its colour."""

    name: str
    colour: int | None
    points: tuple[tuple[float, float], ...]
    label_y: float


@dataclass(frozen=True)
class Plot:
    """One small multiple: `ticks` are ``(place, text)`` along each axis, `level` a horizontal reference line."""

    title: str
    lines: tuple[Line, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    level: float | None = None


@dataclass(frozen=True)
class Cell:
    """A heat map's cell: its text, and how bad it is, 0 to 1; None where a score is missing."""

    text: str
    heat: float | None


def severity_plots(matrix: Matrix, task: str, level: float | None = None) -> list[Plot]:
    """A plot for each operator with two or more severities: score against severity, identity at 0.

    Parameters
    ----------
    matrix
        One metric by shift.
    level
        A value to draw as a reference, such as the nominal coverage.
    """
    columns = matrix.columns[task]
    operators: dict[str, list[tuple[int, int]]] = {}
    for index, label in enumerate(columns):
        name, _, severity = label.rpartition("@")
        if name:
            operators.setdefault(name, []).append((int(severity), index))
    models = [model for owner, model in matrix.values if owner == task]
    values = {model: matrix.values[task, model] for model in models}
    known = [v.mean for row in values.values() for v in row if v is not None and math.isfinite(v.mean)]
    if not known:
        return []
    low, high = _nice(min([*known, *([level] if level is not None else [])]), max([*known, level or max(known)]))
    plots = []
    for name, steps in operators.items():
        if len(steps) > 1:
            places = [(0, columns.index("identity")), *sorted(steps)]
            plots.append(_plot(name, places, values, (low, high), level))
    return plots


def heat_rows(matrix: Matrix, task: str) -> list[tuple[str, list[Cell]]]:
    """A row a model: how much worse each shift is than identity, on a scale common to the table."""
    rows: dict[str, list[float | None]] = {}
    for (owner, model), values in matrix.values.items():
        if owner == task:
            identity = values[matrix.columns[task].index("identity")]
            rows[model] = [_worse(value, identity, matrix) for value in values]
    worst = max((v for row in rows.values() for v in row if v is not None and math.isfinite(v)), default=0.0)
    scale = worst if worst > 0 else 1.0
    return [
        (
            model,
            [Cell("-", None) if v is None else Cell(f"{v:+.3f}", min(max(v / scale, 0.0), 1.0) ** 0.5) for v in row],
        )
        for model, row in rows.items()
    ]


def _worse(value: Value | None, identity: Value | None, matrix: Matrix) -> float | None:
    if value is None or identity is None:
        return None
    return badness(value.mean, matrix.direction) - badness(identity.mean, matrix.direction)


def _plot(
    title: str,
    places: Sequence[tuple[int, int]],
    values: Mapping[str, Sequence[Value | None]],
    bounds: tuple[float, float],
    level: float | None,
) -> Plot:
    last = places[-1][0]

    def x(severity: float) -> float:
        return round(LEFT + severity / last * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        share = (value - bounds[0]) / (bounds[1] - bounds[0])
        return round(HEIGHT - BOTTOM - min(max(share, 0.0), 1.0) * (HEIGHT - TOP - BOTTOM), 1)

    lines = []
    for number, (model, row) in enumerate(values.items()):
        points = [(x(severity), y(v.mean)) for severity, index in places if (v := row[index]) is not None]
        if points:
            colour = number if number < COLOURED else None
            lines.append(Line(model, colour, tuple(points), points[-1][1]))
    steps = [bounds[0] + (bounds[1] - bounds[0]) * i / 4 for i in range(5)]
    return Plot(
        title,
        tuple(_apart(lines)),
        tuple((x(severity), str(severity)) for severity, _ in places),
        tuple((y(step), f"{step:.3g}") for step in steps),
        None if level is None else y(level),
    )


def _apart(lines: Sequence[Line], gap: float = 11.0) -> list[Line]:
    """Move labels so that none covers another, keeping their order and staying on the drawing."""
    ordered = sorted((line for line in lines if line.colour is not None), key=lambda line: line.label_y)
    placed: list[Line] = []
    for line in ordered:
        least = placed[-1].label_y + gap if placed else TOP
        placed.append(Line(line.name, line.colour, line.points, max(line.label_y, least)))
    over = max(placed[-1].label_y - (HEIGHT - BOTTOM), 0.0) if placed else 0.0
    moved = [Line(line.name, line.colour, line.points, line.label_y - over) for line in placed]
    return moved + [line for line in lines if line.colour is None]


def _nice(low: float, high: float) -> tuple[float, float]:
    """Bounds on a round grid around both."""
    if high <= low:
        return low - 0.5, high + 0.5
    step = 10.0 ** math.floor(math.log10(high - low))
    step = step / 2 if (high - low) / step < 4 else step
    return math.floor(low / step) * step, math.ceil(high / step) * step
