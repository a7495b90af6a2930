"""Lay out curves of predictions, such as risk by the fraction retained. Writes no markup, computes no curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from regharness import dims
from regharness_report.axes import Axis, round_axis
from regharness_report.cast import Actor, Cast
from regharness_report.line_plots import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Plot,
    Series,
    line_plot,
    scene,
    value_axis,
)
from regharness_report.stage import Stage

TOLD = 10
"""Labels whose numbers stand in the table of a curve, about."""

Panel = tuple[str, Sequence[str]]
"""What a drawing is called, and the shifts whose mean curve it shows."""


@dataclass(frozen=True)
class CurveGroup:
    """One curve, drawn for several panels on common axes.

    Attributes
    ----------
    promises
        Whether each label is its own target, so that the diagonal is best.
    table
        A row a panel and model: names, and the numbers at `labels`.
    """

    title: str
    summary: str
    promises: bool
    plots: tuple[Plot, ...]
    labels: tuple[str, ...]
    table: tuple[tuple[str, str, tuple[str, ...]], ...]


def curve_groups(on: Stage, panels: Sequence[Panel]) -> list[CurveGroup]:
    """Every curve that any model of the task has under these shifts."""
    curves = task_curves(on)
    groups = []
    for name, curve in curves.data_vars.items():
        dimension = _dimension(curve)
        found = {title: _series(curve, dimension, on.drawn, shifts) for title, shifts in panels}
        drawn = {title: series for title, series in found.items() if series}
        if drawn:
            groups.append(_group(str(name), curve, dimension, drawn))
    return groups


def model_curves(on: Stage, model: str) -> list[CurveGroup]:
    """Every curve that a model has: a line on identity, and one at the strongest of each shift operator."""
    groups = []
    for name, curve in task_curves(on).data_vars.items():
        dimension = _dimension(curve)
        of_model = curve.sel({dims.MODEL: model}).transpose(dims.SHIFT, dimension)
        found = dict(zip(of_model[dims.SHIFT].values.tolist(), of_model.values, strict=True))
        drawn = [shift for shift in (dims.IDENTITY, *map(on.strongest, on.operators)) if shift in found]
        costs = {shift: cost for shift in drawn if (cost := on.values.cost(model, shift)) > 0}
        tones = {dims.IDENTITY: "c0"} | ({max(costs, key=lambda shift: costs[shift]): "c4"} if costs else {})
        series = [
            Series(Actor(shift, shift, len(on.results.entrants) + place, tones.get(shift, "rest"), ""), tuple(values))
            for place, shift in enumerate(drawn)
            if np.isfinite(values := found[shift].tolist()).any()
        ]
        if series:
            groups.append(_group(str(name), curve, dimension, {"each shift at its strongest": series}))
    return groups


def task_curves(on: Stage) -> xr.Dataset:
    """The curves of the task; without a variable if there are none."""
    curves = on.results.curves
    return curves.sel({dims.TASK: on.task}) if on.task in curves.get(dims.TASK, ()) else xr.Dataset()


def _dimension(curve: xr.DataArray) -> str:
    """The dimension of the curve itself."""
    (dimension,) = set(map(str, curve.dims)) - {dims.MODEL, dims.SHIFT}
    return dimension


def _series(curve: xr.DataArray, dimension: str, cast: Cast, shifts: Sequence[str]) -> list[Series]:
    """The mean curve over shifts of each model that has one under all of them."""
    known = curve[dims.SHIFT].values.tolist()
    places = [known.index(shift) for shift in shifts]
    values = curve.transpose(dims.MODEL, dims.SHIFT, dimension).values
    models = curve[dims.MODEL].values.tolist()
    found = []
    for model, actor in cast.items():
        mean = values[models.index(model)][places].mean(axis=0)
        if np.isfinite(mean).any():
            found.append(Series(actor, tuple(mean.tolist())))
    return found


def _group(name: str, curve: xr.DataArray, dimension: str, drawn: dict[str, list[Series]]) -> CurveGroup:
    labels = tuple(float(label) for label in curve[dimension].values)
    promises = "direction" not in curve.attrs
    everyone = [one for series in drawn.values() for one in series]
    y = Axis(0.0, 1.0, HEIGHT - BOTTOM, TOP, (0.0, 0.25, 0.5, 0.75, 1.0)) if promises else value_axis(everyone, [0.0])
    around = round_axis(labels, LEFT, WIDTH - RIGHT).ticks
    ticks = {tick: f"{tick:g}" for tick in around if min(labels) <= tick <= max(labels)}
    step = -(-len(labels) // TOLD)
    told = slice((len(labels) - 1) % step, None, step)
    title = name.removesuffix("_curve").replace("_", " ")
    on = scene(title, dimension.replace("_", " "), labels, y, ticks)
    table = [
        (panel, one.actor.display, tuple(f"{value:.3f}" for value in one.values[told]))
        for panel, series in drawn.items()
        for one in series
    ]
    return CurveGroup(
        title=title,
        summary=str(curve.attrs.get("long_name", "")),
        promises=promises,
        plots=tuple(line_plot(panel, on, series, labels if promises else ()) for panel, series in drawn.items()),
        labels=tuple(f"{label:g}" for label in labels[told]),
        table=tuple(table),
    )
