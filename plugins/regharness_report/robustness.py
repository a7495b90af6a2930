"""Lay out scores on identity against scores under shift, and what is expected of them. Writes no markup.

Models that do better on data like those they learnt from mostly do better under shift, along a line (Miller et al.,
ICML 2021); what a model is better than that line is its effective robustness (Taori et al., NeurIPS 2020).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from regharness.directions import badness
from regharness.metric_protocols import Direction
from regharness_report.axes import Axis, close_axis
from regharness_report.cast import Actor, back_to_front

WIDTH, HEIGHT = 420, 310
LEFT, RIGHT, TOP, BOTTOM = 50, 12, 12, 42
LETTER, LINE = 6.1, 12.0
"""Width and height of a label's letter, in drawing units."""
BESIDE = (
    (9, 4, "start"),
    (-9, 4, "end"),
    (0, -9, "middle"),
    (0, 17, "middle"),
    (7, -6, "start"),
    (-7, -6, "end"),
    (7, 14, "start"),
    (-7, 14, "end"),
)
"""Where a label may stand beside its point, the best place first."""
LABELLED = 24
FITTED = 3
"""Models, at least, for a line to say something of them."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Point:
    """A model: its scores, its place, where its label stands, and how far it is better than the line.

    Attributes
    ----------
    outside
        Whether it lies off the drawing, and is drawn at its edge.
    label
        ``(x, y, anchor)``; None where there is no room.
    gain
        Effective robustness: above zero is more robust than expected; None without a line.
    """

    actor: Actor
    identity: float
    shifted: float
    x: float
    y: float
    outside: bool
    label: tuple[float, float, str] | None
    gain: float | None


@dataclass(frozen=True)
class Scatter:
    """The drawing: `fit` and `equal` are ends of lines ``(x, y, x, y)``: what is expected, and no loss at all."""

    points: tuple[Point, ...]
    x_marks: tuple[tuple[float, str], ...]
    y_marks: tuple[tuple[float, str], ...]
    fit: Box | None
    equal: Box | None
    slope: float | None
    alternative: str


def robustness(scores: Sequence[tuple[Actor, float, float]], metric: str, direction: Direction) -> Scatter | None:
    """Lay out models by their score on identity and their mean score under shift; None without two to compare."""
    known = [(actor, a, b) for actor, a, b in scores if math.isfinite(a) and math.isfinite(b)]
    main = [(a, b) for actor, a, b in known if actor.stretches]
    if len(main) < 2:
        return None
    x = close_axis([a for a, _ in main], LEFT, WIDTH - RIGHT)
    y = close_axis([b for _, b in main], HEIGHT - BOTTOM, TOP)
    line = _line([(a, b) for actor, a, b in known if not actor.aside])
    points = []
    for actor, a, b in known:
        px, py = _inside(x(a), LEFT, WIDTH - RIGHT), _inside(y(b), TOP, HEIGHT - BOTTOM)
        outside = (px, py) != (x(a), y(b))
        gain = None if line is None else badness(line[0] + line[1] * a, direction) - badness(b, direction)
        points.append(Point(actor, a, b, px, py, outside, None, gain))
    found = {point.actor.model: point for point in _labelled(points)}
    return Scatter(
        points=tuple(found[actor.model] for actor in back_to_front(actor for actor, _, _ in known)),
        x_marks=tuple(x.marks),
        y_marks=tuple(y.marks),
        fit=None if line is None else _ends(x, y, *line),
        equal=_ends(x, y, 0.0, 1.0),
        slope=None if line is None else line[1],
        alternative=_alternative(points, metric),
    )


def _line(main: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    """Intercept and slope of least squares; None for too few models, or all alike on identity."""
    if len(main) < FITTED or np.ptp([a for a, _ in main]) <= 1e-9 * max(abs(a) for a, _ in main):
        return None
    slope, intercept = np.polyfit([a for a, _ in main], [b for _, b in main], 1)
    return float(intercept), float(slope)


def _ends(x: Axis, y: Axis, intercept: float, slope: float) -> Box | None:
    """Where a line enters and leaves the drawing; None where it does not."""
    crossings = {(a, intercept + slope * a) for a in (x.low, x.high)}
    if slope:
        crossings |= {((b - intercept) / slope, b) for b in (y.low, y.high)}
    inside = sorted((a, b) for a, b in crossings if x.holds(a) and y.holds(b))
    if len(inside) < 2:
        return None
    return x(inside[0][0]), y(inside[0][1]), x(inside[-1][0]), y(inside[-1][1])


def _inside(place: float, low: float, high: float) -> float:
    return min(max(place, low), high)


def _labelled(points: Sequence[Point]) -> list[Point]:
    """Give labels to as many points as have room for one beside them, the best first."""
    taken: list[Box] = [(point.x - 5, point.y - 5, point.x + 5, point.y + 5) for point in points]
    found: dict[str, tuple[float, float, str]] = {}
    order = sorted(points, key=lambda point: (not point.actor.coloured, point.actor.stretches))
    for point in order[:LABELLED]:
        width = LETTER * len(point.actor.label)
        for dx, dy, anchor in BESIDE:
            left = point.x + dx - {"start": 0.0, "end": width, "middle": width / 2}[anchor]
            box = (left, point.y + dy - LINE + 3, left + width, point.y + dy + 3)
            on_it = box[0] >= LEFT and box[2] <= WIDTH - 2 and box[1] >= TOP - 8 and box[3] <= HEIGHT - BOTTOM + 8
            if on_it and not any(_cross(box, other) for other in taken):
                taken.append(box)
                found[point.actor.model] = round(point.x + dx, 1), round(point.y + dy, 1), anchor
                break
    return [replace(point, label=found.get(point.actor.model)) for point in points]


def _cross(one: Box, two: Box) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


def _alternative(points: Sequence[Point], metric: str) -> str:
    best = [point for point in points if point.actor.coloured]
    told = [f"{point.actor.display} {point.identity:.3f} and {point.shifted:.3f}" for point in best]
    return f"{metric} on identity, and its mean over shifts: {'; '.join(told)}"
