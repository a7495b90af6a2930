"""Lay out what one shift operator does to every model: scores by severity, other metrics, curves. Writes no markup."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from regharness import dims
from regharness.board_tables import mean_text
from regharness.directions import badness
from regharness.score_tables import Value
from regharness_report.axes import Axis
from regharness_report.cast import Actor
from regharness_report.columns import Cell, Column, metric_column, score_cell
from regharness_report.curves import CurveGroup, curve_groups, task_curves
from regharness_report.line_plots import Plot, Series, line_plot, scene, value_axis
from regharness_report.shades import cost_text
from regharness_report.stage import Stage
from regharness_report.task_values import mean_of, nominal


@dataclass(frozen=True)
class ShiftTable:
    """Scores of all models: a column a severity or a metric."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Actor, tuple[Cell, ...]], ...]


@dataclass(frozen=True)
class OperatorView:
    """What a shift operator does.

    Attributes
    ----------
    severities
        Severity to label, identity left out.
    strongest
        The label of the highest.
    cost, cost_key, shade
        What its strongest severity costs the median ranked model, the number to sort it by, and its shade.
    best
        Who does best there, and how well.
    growth
        Scores as severity grows: of the metric that ranks, and of the coverage of intervals.
    scores, others
        Tables of the metric that ranks by severity, and of all others at the strongest.
    """

    name: str
    severities: dict[int, str]
    strongest: str
    cost: str
    cost_key: str
    shade: str
    best: str
    growth: tuple[Plot, ...]
    curves: tuple[CurveGroup, ...]
    scores: ShiftTable
    others: ShiftTable | None


def operator_view(on: Stage, name: str) -> OperatorView:
    """Gather what a shift operator does."""
    severities, at = on.operators[name], on.strongest(name)
    costs = [cost for model in on.ranked if not math.isnan(cost := on.values.cost(model, at))]
    cost = median(costs) if costs else math.nan
    followed = [metric for metric in (on.values.metric, on.values.coverage) if metric is not None]
    others = [metric for metric in on.values.metrics if metric != on.values.metric]
    drawn = [(f"at {at}", [at])] if at in task_curves(on).get(dims.SHIFT, ()) else []
    return OperatorView(
        name=name,
        severities=severities,
        strongest=at,
        cost=cost_text(cost),
        cost_key="" if math.isnan(cost) else f"{cost:.6g}",
        shade=on.shade(cost),
        best=_best(on, at),
        growth=tuple(replace(growth_plots(on, metric, [name])[0], title=metric) for metric in dict.fromkeys(followed)),
        curves=tuple(curve_groups(on, drawn)),
        scores=_by_severity(on, severities),
        others=_by_metric(on, others, at) if others else None,
    )


def growth_plots(
    on: Stage, metric: str, operators: Sequence[str], href: Callable[[str], str] = lambda operator: ""
) -> list[Plot]:
    """A plot an operator of a metric against severity, identity at 0, all on one upright axis."""
    scores, reference = on.values.of(metric), [nominal(metric)] if metric == on.values.coverage else []
    found = {}
    for name in operators:
        labels = [dims.IDENTITY, *on.operators[name].values()]
        found[name] = [_series(scores[model], actor, labels) for model, actor in on.drawn.items()]
    y = value_axis((one for series in found.values() for one in series), reference)
    if reference:
        y = Axis(0.0, 1.0, y.start, y.stop, (0.0, 0.25, 0.5, 0.75, 1.0))
    plots = []
    for name, series in found.items():
        xs = [0, *on.operators[name]]
        plots.append(line_plot(name, scene(metric, "severity", xs, y), series, reference * len(xs), href(name)))
    return plots


def _series(of_model: Mapping[str, Value | None], actor: Actor, labels: Sequence[str]) -> Series:
    known = [of_model.get(label) for label in labels]
    ends = [None if v is None or v.low is None or v.high is None else (v.low, v.high) for v in known]
    return Series(actor, tuple(map(mean_of, known)), tuple(ends))


def _best(on: Stage, at: str) -> str:
    """Who does best under a shift, and how well."""
    direction, scores = on.values.direction(on.values.metric), on.values.of(on.values.metric)
    known = {model: value for model in on.ranked if (value := scores[model][at]) is not None}
    if not known:
        return "–"
    best = min(known, key=lambda model: badness(known[model].mean, direction))
    return f"{on.cast[best].display} {mean_text(known[best])}"


def _by_severity(on: Stage, severities: Mapping[int, str]) -> ShiftTable:
    metric = on.values.metric
    titles = {"identity": dims.IDENTITY, **{f"severity {number}": label for number, label in severities.items()}}
    columns = [metric_column(on.results, metric, title) for title in titles]
    return _table(on, columns, [(metric, label) for label in titles.values()])


def _by_metric(on: Stage, metrics: Sequence[str], at: str) -> ShiftTable:
    columns = [metric_column(on.results, metric) for metric in metrics]
    return _table(on, columns, [(metric, at) for metric in metrics])


def _table(on: Stage, columns: Sequence[Column], places: Sequence[tuple[str, str]]) -> ShiftTable:
    """A row a model, and a cell for each metric and shift in `places`."""
    values, rows = on.values, []
    for model, actor in on.cast.items():
        found = [(values.of(metric)[model].get(shift), metric, shift) for metric, shift in places]
        cells = [
            score_cell(value, values.direction(metric), seen=values.seen(model, shift))
            for value, metric, shift in found
        ]
        rows.append((actor, tuple(cells)))
    return ShiftTable(tuple(columns), tuple(rows))
