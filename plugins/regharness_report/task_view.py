"""Gather all that a page shows of one task. Writes no markup, computes no score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from regharness import dims
from regharness.board_tables import better_text, value_text
from regharness_report.boards import Board, board_rows
from regharness_report.curves import CurveGroup, curve_groups, task_curves
from regharness_report.drill_down import OperatorView, growth_plots, operator_view
from regharness_report.heat import HeatMap, heat_map
from regharness_report.line_plots import Plot
from regharness_report.robustness import Scatter, robustness
from regharness_report.stage import Stage
from regharness_report.task_values import mean_of, nominal

MOVED = {
    dims.GC_MOVED: "+.3f",
    dims.EFFECTIVE_SIZE: ",.0f",
    dims.ORACLE_CORRELATION: ".2f",
    dims.TARGET_SD: ".2f",
    dims.NOISE_SD: ".2f",
}
"""What is told of each test set, and how its numbers are written."""


@dataclass(frozen=True)
class TaskView:
    """A task on a page.

    Attributes
    ----------
    better
        Which scores of the metric that ranks are better.
    metric, coverage
        What is drawn by severity, with its text of which scores are better; and the share that intervals promise.
    growth, covered
        A plot for each operator of two or more severities: of the metric, and of the coverage of intervals.
    uncounted
        Shifts that ranks do not stand on, since a ranked entrant has seen them.
    moved
        Shift to how far its test set is from identity, as texts.
    """

    name: str
    info: Mapping[str, Any]
    summary: str
    board: Board
    ranks_by: str
    better: str
    metric: str
    metric_better: str
    coverage: str | None
    promised: float
    scatter: Scatter | None
    curves: Sequence[CurveGroup]
    heat: HeatMap | None
    growth: Sequence[Plot]
    covered: Sequence[Plot]
    operators: Sequence[OperatorView]
    uncounted: Sequence[str]
    moved: Sequence[tuple[str, Sequence[str]]]
    any_seen: bool


def task_view(on: Stage, href: Callable[[str], str]) -> TaskView:
    """Gather a task; `href` tells where an operator is shown."""
    values, board = on.values, on.standings.board
    growing = [name for name, severities in on.operators.items() if len(severities) > 1]
    counted = on.standings.counted[on.task]
    scores = [
        (on.cast[row.model], mean_of(row.identity), mean_of(row.shifted)) for row in on.rows if row.model in on.drawn
    ]
    return TaskView(
        name=on.task,
        info=on.results.task_infos.get(on.task, {}),
        summary=_summary(on),
        board=board_rows(on),
        ranks_by=board.rank_by,
        better=better_text(board.direction),
        metric=values.metric,
        metric_better=better_text(values.direction(values.metric)),
        coverage=values.coverage,
        promised=nominal(values.coverage) if values.coverage else 0.0,
        scatter=robustness(scores, board.rank_by, board.direction),
        curves=curve_groups(on, _panels(on, counted)),
        heat=heat_map(on),
        growth=growth_plots(on, values.metric, growing, href),
        covered=growth_plots(on, values.coverage, growing, href) if values.coverage else (),
        operators=[operator_view(on, name) for name in on.operators],
        uncounted=[shift for shift in values.shifts if shift not in counted],
        moved=_moved(on.results.scores.sel({dims.TASK: on.task}), values.shifts),
        any_seen=any(values.seen(model, shift) for model in on.cast for shift in values.shifts),
    )


def _panels(on: Stage, counted: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Identity, and the mean over operators at their strongest, of what counts."""
    drawn = set(map(str, task_curves(on).get(dims.SHIFT, xr.DataArray([])).values))
    beyond = [at for name in on.operators if (at := on.strongest(name)) in drawn and at in counted]
    panels = [("on identity", [dims.IDENTITY])] if dims.IDENTITY in drawn else []
    return [*panels, ("under shift, at its strongest", beyond)] if beyond else panels


def _summary(on: Stage) -> str:
    """What the board says, in a sentence."""
    ranked = [row for row in on.rows if row.rank is not None]
    if not ranked:
        return "No model finished every cell of this task, so none is ranked."
    best, ranks_by = ranked[0], on.standings.board.rank_by
    name = on.cast[best.model].display
    first = "first" if best.rank_high in (None, best.rank) else "first, though not beyond chance"
    if best.worst is None or best.identity is None:
        return f"{name} ranks {first}."
    return (
        f"{name} ranks {first}: its {ranks_by} is {value_text(best.identity)} on unshifted data and "
        f"{value_text(best.worst)} at its worst shift, {best.worst_shift}."
    )


def _moved(scores: xr.Dataset, shifts: Sequence[str]) -> list[tuple[str, list[str]]]:
    """How far each test set is from identity: its magnitudes, averaged over seeds and outputs."""
    known = {name: form for name, form in MOVED.items() if name in scores.variables}
    if len(known) < len(MOVED):
        return []
    return [
        (shift, [_mean(scores[name].sel({dims.SHIFT: shift}).values, form) for name, form in known.items()])
        for shift in shifts
    ]


def _mean(values: NDArray[np.float64], form: str) -> str:
    known = values[np.isfinite(values)]
    return format(known.mean(), form) if len(known) else "–"
