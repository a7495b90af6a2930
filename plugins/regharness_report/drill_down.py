"""Lay out what one shift operator does to every model: scores by severity, other metrics, curves. Writes no markup."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from regharness import dims
from regharness.board_tables import mean_text
from regharness.directions import badness
from regharness.results import Results
from regharness.score_tables import Value
from regharness_report.axes import Axis
from regharness_report.cast import Actor, Cast
from regharness_report.columns import Cell, Column, metric_column, score_cell
from regharness_report.curves import CurveGroup, curve_groups
from regharness_report.heat import Shade, cost_text
from regharness_report.line_plots import Plot, Series, line_plot, scene, value_axis
from regharness_report.task_values import TaskValues, mean_of, nominal


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
    cost, shade
        What its strongest severity costs the median model, and how that is shaded.
    best
        Who does best there, and how well.
    growth
        Scores as severity grows: of the metric that ranks, and of the coverage of intervals.
    scores, others
        Tables of the metric that ranks by severity, and of all others at the strongest.
    """

    name: str
    severities: dict[int, str]
    cost: str
    shade: str
    best: str
    growth: tuple[Plot, ...]
    curves: tuple[CurveGroup, ...]
    scores: ShiftTable
    others: ShiftTable | None

    @property
    def strongest(self) -> str:
        """The label of its highest severity."""
        return list(self.severities.values())[-1]


def operator_view(
    results: Results, values: TaskValues, cast: Cast, shade: Shade, name: str, severities: dict[int, str]
) -> OperatorView:
    """Gather what a shift operator does."""
    at = list(severities.values())[-1]
    ranked = [model for model, actor in cast.items() if not actor.aside]
    costs = [cost for model in ranked if not math.isnan(cost := values.cost(model, at))]
    cost = median(costs) if costs else math.nan
    growth = [
        growth_plots(values, cast, metric, {name: severities})[0]
        for metric in dict.fromkeys((values.metric, values.coverage))
        if metric is not None
    ]
    drawn = [(at, [at])] if at in results.curves.get(dims.SHIFT, []) else []
    others = [metric for metric in values.metrics if metric != values.metric]
    return OperatorView(
        name=name,
        severities=severities,
        cost=cost_text(cost),
        shade=shade(cost),
        best=_best(values, cast, ranked, at),
        growth=tuple(growth),
        curves=tuple(curve_groups(results, values.task, cast, drawn)),
        scores=_by_severity(results, values, cast, severities),
        others=_by_metric(results, values, cast, others, at) if others else None,
    )


def growth_plots(
    values: TaskValues,
    cast: Cast,
    metric: str,
    operators: Mapping[str, Mapping[int, str]],
    hrefs: Mapping[str, str] | None = None,
) -> list[Plot]:
    """A plot an operator of a metric against severity, identity at 0, all on one upright axis."""
    scores, reference = values.of(metric), [nominal(metric)] if metric == values.coverage else []
    found = {}
    for name, severities in operators.items():
        labels = [dims.IDENTITY, *severities.values()]
        found[name] = [_series(scores[model], actor, labels) for model, actor in cast.items()]
    y = value_axis((one for series in found.values() for one in series), reference)
    if reference:
        y = Axis(0.0, 1.0, y.start, y.stop, (0.0, 0.25, 0.5, 0.75, 1.0))
    return [
        line_plot(
            name,
            scene(metric, "severity", [0, *operators[name]], y),
            series,
            reference * (len(operators[name]) + 1),
            (hrefs or {}).get(name, ""),
        )
        for name, series in found.items()
    ]


def _series(of_model: Mapping[str, Value | None], actor: Actor, labels: Sequence[str]) -> Series:
    known = [of_model.get(label) for label in labels]
    ends = [None if v is None or v.low is None or v.high is None else (v.low, v.high) for v in known]
    return Series(actor, tuple(map(mean_of, known)), tuple(ends))


def _best(values: TaskValues, cast: Cast, ranked: Sequence[str], at: str) -> str:
    direction = values.direction(values.metric)
    known = {model: value for model in ranked if (value := values.of(values.metric)[model][at]) is not None}
    if not known:
        return "–"
    best = min(known, key=lambda model: badness(known[model].mean, direction))
    return f"{cast[best].display} {mean_text(known[best])}"


def _by_severity(results: Results, values: TaskValues, cast: Cast, severities: dict[int, str]) -> ShiftTable:
    metric = values.metric
    titles = {"identity": dims.IDENTITY, **{f"severity {number}": label for number, label in severities.items()}}
    columns = [metric_column(results, metric, title) for title in titles]
    return _table(values, cast, columns, [(metric, label) for label in titles.values()])


def _by_metric(results: Results, values: TaskValues, cast: Cast, metrics: Sequence[str], at: str) -> ShiftTable:
    columns = [metric_column(results, metric) for metric in metrics]
    return _table(values, cast, columns, [(metric, at) for metric in metrics])


def _table(values: TaskValues, cast: Cast, columns: Sequence[Column], places: Sequence[tuple[str, str]]) -> ShiftTable:
    """A row a model, and a cell for each metric and shift in `places`."""
    rows = []
    for model, actor in cast.items():
        found = [(values.of(metric)[model].get(shift), metric, shift) for metric, shift in places]
        cells = [
            score_cell(value, values.direction(metric), seen=values.seen(model, shift))
            for value, metric, shift in found
        ]
        rows.append((actor, tuple(cells)))
    return ShiftTable(tuple(columns), tuple(rows))
