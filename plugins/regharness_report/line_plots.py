"""Lay lines of models out as plain numbers and texts for the templates' SVG. Writes no markup."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from regharness_report.axes import Axis, round_axis
from regharness_report.cast import Actor, back_to_front

WIDTH, HEIGHT = 300, 190
LEFT, RIGHT, TOP, BOTTOM = 34, 96, 10, 36
GAP = 12.0
"""Between two labels, at least."""
DOTTED = 8
"""Values of a line, at most, that are marked each."""


@dataclass(frozen=True)
class Dot:
    """A point of a line: its place, and what it says."""

    x: float
    y: float
    tip: str


@dataclass(frozen=True)
class Line:
    """A model's line: the path of SVG, its dots and the path of their intervals if it has a colour, and its label."""

    actor: Actor
    path: str
    dots: tuple[Dot, ...]
    spans: str
    label_y: float | None


@dataclass(frozen=True)
class Plot:
    """One small drawing.

    Attributes
    ----------
    reference
        Path of a line to read the others by, such as the diagonal; empty for none.
    alternative
        What it shows, in words.
    href
        Where its title leads; empty for nowhere.
    """

    title: str
    x_label: str
    x_marks: tuple[tuple[float, str], ...]
    y_marks: tuple[tuple[float, str], ...]
    lines: tuple[Line, ...]
    reference: str
    alternative: str
    href: str = ""


@dataclass(frozen=True)
class Series:
    """What is drawn of a model: y of each x, with intervals where there are any; NaN where there is none."""

    actor: Actor
    values: tuple[float, ...]
    ends: tuple[tuple[float, float] | None, ...] = ()


@dataclass(frozen=True)
class Scene:
    """What plots side by side have in common."""

    x_label: str
    what: str
    xs: tuple[float, ...]
    x_marks: tuple[tuple[float, str], ...]
    x: Axis
    y: Axis


def scene(what: str, x_label: str, xs: Sequence[float], y: Axis, x_ticks: Mapping[float, str] | None = None) -> Scene:
    """Axes of a plot: `xs` from its left end to its right, marked where `x_ticks` says, else everywhere."""
    x = Axis(min(xs), max(xs), LEFT, WIDTH - RIGHT, tuple(xs))
    marks = tuple((x(value), text) for value, text in (x_ticks or {value: f"{value:g}" for value in xs}).items())
    return Scene(x_label, what, tuple(xs), marks, x, y)


def value_axis(series: Iterable[Series], also: Iterable[float] = ()) -> Axis:
    """An upright axis that shows all of every model but the controls, and the values in `also`."""
    shown = [value for one in series if one.actor.stretches for value in one.values]
    return round_axis([*shown, *also], HEIGHT - BOTTOM, TOP)


def line_plot(title: str, on: Scene, series: Sequence[Series], reference: Sequence[float] = (), href: str = "") -> Plot:
    """A plot of all series: the best have dots, intervals and labels.

    Parameters
    ----------
    reference
        A y for each x of a line to read the others by.
    """
    by_model = {one.actor.model: one for one in series if any(map(math.isfinite, one.values))}
    drawn = back_to_front(one.actor for one in by_model.values())
    lines = [_line(on, by_model[actor.model]) for actor in drawn]
    return Plot(
        title=title,
        x_label=on.x_label,
        x_marks=on.x_marks,
        y_marks=tuple(on.y.marks),
        lines=tuple(_apart(lines)),
        reference=_path(on, reference),
        alternative=_alternative(title, on, [by_model[actor.model] for actor in drawn]),
        href=href,
    )


def _line(on: Scene, one: Series) -> Line:
    dots, spans = [], ""
    if one.actor.coloured and len(on.xs) <= DOTTED:
        for x, value, end in zip(on.xs, one.values, one.ends or (None,) * len(one.values), strict=True):
            if math.isfinite(value):
                tip = f"{one.actor.display}: {value:.3f}" + ("" if end is None else f" [{end[0]:.3f}, {end[1]:.3f}]")
                dots.append(Dot(on.x(x), on.y(value), tip))
                spans += "" if end is None else f"M{on.x(x):g} {on.y(end[0]):g}V{on.y(end[1]):g}"
    last = next((value for value in reversed(one.values) if math.isfinite(value)), None)
    labelled = (one.actor.coloured or not one.actor.stretches) and last is not None and on.y.holds(last)
    label_y = on.y(last) if labelled and last is not None else None
    return Line(one.actor, _path(on, one.values), tuple(dots), spans, label_y)


def _path(on: Scene, values: Sequence[float]) -> str:
    """Straight pieces through the values that are there."""
    path, pen = [], "M"
    for x, value in zip(on.xs, values, strict=False):
        if math.isfinite(value):
            path.append(f"{pen}{on.x(x):g} {on.y(value):g}")
            pen = "L"
        else:
            pen = "M"
    return "".join(path)


def _apart(lines: Sequence[Line]) -> list[Line]:
    """Move labels so that none covers another, keeping their order and staying on the drawing.

    Where there is not room for all, the coloured ones have it.
    """
    room = int((HEIGHT - BOTTOM - TOP) / GAP) + 1
    wanted = sorted((line for line in lines if line.label_y is not None), key=lambda line: not line.actor.coloured)
    placed: dict[str, float] = {}
    previous = -math.inf
    for line in sorted(wanted[:room], key=_height):
        previous = placed[line.actor.model] = max(_height(line), previous + GAP, TOP)
    over = HEIGHT - BOTTOM + 2.0
    for model in reversed(placed):
        over = placed[model] = min(placed[model], over)
        over -= GAP
    return [
        replace(line, label_y=round(placed[line.actor.model], 1) if line.actor.model in placed else None)
        for line in lines
    ]


def _height(line: Line) -> float:
    assert line.label_y is not None
    return line.label_y


def _alternative(title: str, on: Scene, series: Sequence[Series]) -> str:
    """The ends of the coloured lines, best first, in words."""
    ends = []
    for one in reversed(series):
        known = [value for value in one.values if math.isfinite(value)]
        if one.actor.coloured:
            ends.append(f"{one.actor.display} from {known[0]:.3f} to {known[-1]:.3f}")
    text = f"{title}: {on.what} by {on.x_label}, one line a model"
    return f"{text}; {'; '.join(ends)}" if ends else text
