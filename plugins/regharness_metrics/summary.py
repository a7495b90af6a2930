"""Summarise how robust each model of a run is, from its scores. Draws nothing, reads no file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import xarray as xr

from regharness import dims
from regharness.cube_scoring import compare_shifts
from regharness.directions import badness
from regharness.errors import InputError
from regharness.interfaces import ShiftMetric
from regharness.metric_protocols import Direction
from regharness.score_tables import TaskScores, Value, metric_names, pick_metric, pick_models, pick_tasks
from regharness_metrics.relative import CorruptionError, EffectiveRobustness, RelativeCorruptionError
from regharness_metrics.robustness import CoverageGap, Degradation
from regharness_metrics.severity import SeverityArea

MEASURES = (
    *("identity", "degradation", "worst", "severity_auc", "mce", "relative_mce"),
    *("effective_robustness", "coverage_gap", "selective_gain"),
)
COVERAGE, GAIN = "coverage_90", "selective_gain"
_PREFIX = "robustness of "
"""Before the names of what is computed here, which no metric of a spec has."""


@dataclass(frozen=True)
class RobustnessRow:
    """A model in a task.

    Attributes
    ----------
    worst_shift
        Label of the shift at which the metric is worst; None where a planned cell is missing.
    values
        Each of `MEASURES`, over seeds; None where it is missing or not defined.
    """

    task: str
    model: str
    reference: str
    worst_shift: str | None
    values: Mapping[str, Value | None]


@dataclass(frozen=True)
class RobustnessSummary:
    """Models of a run.

    Attributes
    ----------
    metric, direction
        The metric that is followed, and what is better.
    seeds
        How many seeds were planned.
    rows
        By task and model, in the run's order.
    """

    name: str
    metric: str
    direction: Direction
    seeds: int
    rows: tuple[RobustnessRow, ...]


def robustness_summary(
    scores: xr.Dataset,
    metric: str | None = None,
    reference: str | None = None,
    tasks: Sequence[str] | None = None,
) -> RobustnessSummary:
    """Summarise how a metric changes under shift, for each task and model.

    ``identity`` is the score on the unshifted test set; ``degradation`` the mean over all shifts of `degradation`;
    ``worst`` the score at the shift where it is worst; ``severity_auc``, ``mce``, ``relative_mce`` and
    ``effective_robustness``, the last as a mean over shifts, are the metrics of these names. ``coverage_gap`` is there
    where ``coverage_90`` was scored, and ``selective_gain``, as a mean over shifts, where that was. ``mce`` is left out
    for a metric that falls below zero, which is no error. Means over outputs, then over seeds; a seed that lacks a
    planned cell does not count where that cell is needed.

    Parameters
    ----------
    scores
        Dims task, model, shift, seed, output, as a run stores them.
    metric
        Which metric to follow; the one that the run ranks by if left out.
    reference
        The model that mCE compares with; the first of each task if left out.
    tasks
        Only these.

    Raises
    ------
    InputError
        When there is no such metric, model or task.
    """
    chosen = pick_metric(scores, metric)
    direction: Direction = scores[chosen].attrs["direction"]
    if reference is not None:
        pick_models(scores, [reference])
    rows: list[RobustnessRow] = []
    for task in pick_tasks(scores, tasks):
        models = TaskScores(scores, task).models
        basis = reference or next(iter(models), "")
        compared = _compared(scores.sel({dims.TASK: [task]}), chosen, basis)
        part = TaskScores(compared, task)
        rows += [_row(part, model, chosen, direction, basis) for model in models]
    return RobustnessSummary(
        str(scores.attrs.get("name", "")), chosen, direction, int(scores.sizes[dims.SEED]), tuple(rows)
    )


def _compared(scores: xr.Dataset, metric: str, reference: str) -> xr.Dataset:
    made: dict[str, ShiftMetric] = {
        "degradation": Degradation(metric),
        "severity_auc": SeverityArea(metric),
        "relative_mce": RelativeCorruptionError(metric, reference),
        "effective_robustness": EffectiveRobustness(metric),
    }
    if COVERAGE in metric_names(scores):
        made["coverage_gap"] = CoverageGap(COVERAGE)
    scores = compare_shifts(scores, {_PREFIX + name: one for name, one in made.items()}, metric)
    try:
        return compare_shifts(scores, {_PREFIX + "mce": CorruptionError(metric, reference)}, metric)
    except InputError:
        # No error to divide, and the other measures stand without it.
        return scores


def _row(part: TaskScores, model: str, metric: str, direction: Direction, reference: str) -> RobustnessRow:
    at = {shift: part.value(metric, model, [shift], part.whole(model)) for shift in part.beyond}
    known = {shift: value for shift, value in at.items() if value is not None}
    worst = None
    if known and len(known) == len(at):
        worst = max(known, key=lambda shift: badness(known[shift].mean, direction))
    values = {
        name: part.value(_PREFIX + name, model, part.beyond) if part.beyond and _PREFIX + name in part.scores else None
        for name in MEASURES
    }
    values["identity"] = part.value(metric, model, [dims.IDENTITY])
    values["worst"] = None if worst is None else known[worst]
    if GAIN in metric_names(part.scores) and part.beyond:
        values[GAIN] = part.value(GAIN, model, part.beyond)
    return RobustnessRow(part.task, model, reference, worst, values)
