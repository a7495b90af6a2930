"""Lay out how one model stands under every shift beside all others. Writes no markup."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from regharness import dims
from regharness_report.axes import Axis, close_axis
from regharness_report.stage import Stage
from regharness_report.task_values import mean_of

WIDTH, LEFT, RIGHT, TOP, STEP = 640, 170, 14, 12, 24
BAND = (0.1, 0.9)
"""Shares of the ranked models between which a row's band lies."""


@dataclass(frozen=True)
class Mark:
    """The model at one severity: its place, its size, and what it says."""

    x: float
    size: float
    tip: str


@dataclass(frozen=True)
class ProfileRow:
    """A shift operator: the band and the median of all ranked models at its strongest, and the model itself."""

    operator: str
    y: float
    band: tuple[float, float] | None
    median: float | None
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Profile:
    """All operators, identity first, on one axis; `height` of the drawing."""

    rows: tuple[ProfileRow, ...]
    x_marks: tuple[tuple[float, str], ...]
    height: float
    alternative: str


def profile(on: Stage, model: str) -> Profile:
    """Lay out a model among all others."""
    metric = on.values.metric
    groups = {dims.IDENTITY: {0: dims.IDENTITY}} | on.operators if dims.IDENTITY in on.values.shifts else on.operators
    own = {
        operator: {number: mean_of(on.values.of(metric)[model][label]) for number, label in severities.items()}
        for operator, severities in groups.items()
    }
    others = {
        operator: [mean_of(on.values.of(metric)[other][list(severities.values())[-1]]) for other in on.ranked]
        for operator, severities in groups.items()
    }
    bands = {operator: _quantiles(values) for operator, values in others.items()}
    shown = [value for severities in own.values() for value in severities.values()]
    shown += [value for band in bands.values() if band is not None for value in band]
    x = close_axis(shown, LEFT, WIDTH - RIGHT, margin=0.03)
    rows = []
    for place, (operator, severities) in enumerate(own.items()):
        band = bands[operator]
        rows.append(
            ProfileRow(
                operator=operator,
                y=TOP + STEP * (place + 0.5),
                band=None if band is None else (x(band[0]), x(band[2])),
                median=None if band is None else x(band[1]),
                marks=tuple(_marks(x, operator, severities)),
            )
        )
    told = [f"{row.operator} {list(own[row.operator].values())[-1]:.3f}" for row in rows]
    text = f"{metric} of {on.cast[model].display} at the strongest severity: {', '.join(told)}"
    return Profile(tuple(rows), tuple(x.marks), TOP + STEP * len(rows) + 40, text)


def _marks(x: Axis, operator: str, severities: dict[int, float]) -> list[Mark]:
    known = {number: value for number, value in severities.items() if math.isfinite(value)}
    last = max(known, default=0)
    return [
        Mark(x(value), 4.6 if number == last else 3.0, f"{operator}, severity {number}: {value:.3f}")
        for number, value in known.items()
    ]


def _quantiles(values: Sequence[float]) -> tuple[float, float, float] | None:
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return None
    low, middle, high = np.quantile(known, [BAND[0], 0.5, BAND[1]])
    return float(low), float(middle), float(high)
