"""Turn scores into ranked rows and matrices. Draws nothing, reads no file.

A score that is not there is None, never zero, and never averaged away: a seed counts for a model only when
all its planned cells are done, and a model that lacks a seed is shown but not ranked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import xarray as xr

from regharness import dims
from regharness.directions import badness
from regharness.errors import InputError, unknown_name
from regharness.metric_protocols import Direction
from regharness.score_tables import (
    CONFIDENCE,
    TaskScores,
    Value,
    metric_names,
    oriented,
    pick_metric,
    pick_tasks,
)
from regharness.statistics import (
    Aggregate,
    Rank,
    bootstrap_ranks,
    critical_difference,
    friedman,
    interquartile_mean,
    rank_intervals,
)

RankRule = Literal["tests", "bootstrap"]


@dataclass(frozen=True)
class Spots:
    """A metric on the unshifted test set, and at the shift where the ranked metric is worst."""

    identity: Value | None
    worst: Value | None


@dataclass(frozen=True)
class Row:
    """A model in a task.

    Attributes
    ----------
    rank
        1 is best; models whose value is equal share a rank; None for a model that lacks a planned cell.
    rank_low, rank_high
        Best and worst rank that the data allow: models that they do not tell apart overlap. None without a rank, and
        where nothing can be told apart, such as from one seed by tests.
    identity, shifted, worst
        The ranked metric on the unshifted test set, its mean over all shifts, and at the worst shift. A metric of all
        shifts together is `shifted` alone.
    shifted_iqm
        Its interquartile mean over all shifts and seeds, which a few extreme cells do not move.
    worst_shift
        Label of the shift at which the ranked metric is worst.
    metrics
        Every other metric that has a value a shift.
    summaries
        Every metric of all shifts together.
    seeds_done, seeds
        Seeds whose planned cells are all done, of those planned.
    cells_failed, cells_missing
        Planned cells that failed, and that were not computed.
    """

    task: str
    model: str
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    identity: Value | None
    shifted: Value | None
    shifted_iqm: Aggregate | None
    worst: Value | None
    worst_shift: str | None
    metrics: Mapping[str, Spots]
    summaries: Mapping[str, Value | None]
    seeds_done: int
    seeds: int
    cells_failed: int
    cells_missing: int


@dataclass(frozen=True)
class Concordance:
    """Whether models keep one order over the shifts of a task.

    Attributes
    ----------
    p_value
        Of Friedman's test in Iman & Davenport's form; NaN for fewer than three models or two shifts.
    critical_difference
        By how much mean ranks must differ for two models to differ (Nemenyi, 5%).
    mean_ranks
        Model to its mean rank over the shifts; of ranked models.
    shifts
        How many shifts were ranked.
    """

    p_value: float
    critical_difference: float
    mean_ranks: Mapping[str, float]
    shifts: int


@dataclass(frozen=True)
class Leaderboard:
    """Ranked models of a run.

    Attributes
    ----------
    rank_by, direction
        The metric that ranks, and whether lower, higher or a value is best.
    metrics, summaries
        Names of the other metrics, in the order of the spec.
    columns
        Those that a reader asked to see; empty for as many as fit.
    over
        What intervals stand on: ``"seeds and examples"``, or ``"seeds"`` alone.
    ranking
        Where ranges of ranks come from: ``"tests"`` of all pairs of models, or ``"bootstrap"`` of seeds and examples.
    rows
        Ordered by task, then rank, unranked models last.
    concordance
        Task to whether its shifts agree on the order of models.
    failures
        Failed cells: task, model, shift, seed, reason.
    """

    name: str
    rank_by: str
    direction: Direction
    seeds: int
    metrics: tuple[str, ...]
    summaries: tuple[str, ...]
    columns: tuple[str, ...]
    over: str
    ranking: RankRule
    rows: tuple[Row, ...]
    concordance: Mapping[str, Concordance]
    failures: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def tasks(self) -> list[str]:
        """Tasks that have rows, in order."""
        return list(dict.fromkeys(row.task for row in self.rows))


@dataclass(frozen=True)
class Matrix:
    """One metric by shift, or by severity, of every model of every task.

    Attributes
    ----------
    by
        ``"shift"`` or ``"severity"``; severity 0 is identity.
    columns
        Task to its columns.
    values
        ``(task, model)`` to one value a column.
    """

    name: str
    metric: str
    direction: Direction
    seeds: int
    by: Literal["shift", "severity"]
    columns: Mapping[str, tuple[str, ...]]
    values: Mapping[tuple[str, str], tuple[Value | None, ...]]


def build(
    scores: xr.Dataset,
    *,
    rank_by: str | None = None,
    tasks: Sequence[str] | None = None,
    columns: Sequence[str] = (),
    blocks: xr.Dataset | None = None,
    failures: Sequence[Mapping[str, Any]] = (),
    ranking: RankRule = "tests",
) -> Leaderboard:
    """Rank the models of a run.

    Parameters
    ----------
    scores
        Dims task, model, shift, seed, output, as a run stores them.
    rank_by
        A metric in place of the run's.
    tasks
        Only these.
    columns
        Other metrics to show; as many as fit if left out.
    blocks
        What blocks of examples contribute to scores; without, intervals are over seeds alone.
    failures
        Failed cells, to be shown beside the rows.
    ranking
        ``"tests"`` gives ranges of ranks that hold for all models together, for a handful of models of one's own;
        ``"bootstrap"`` ranges that hold for each, which tell many models apart.

    Raises
    ------
    InputError
        For an unknown metric or task.
    """
    metric = pick_metric(scores, rank_by, by_shift=False)
    direction: Direction = scores[metric].attrs["direction"]
    known = [name for name in metric_names(scores) if name != metric]
    for name in columns:
        if name not in known and name != metric:
            message, choices = unknown_name("metric", name, known, listed="scored")
            raise InputError(f"no such column: {message}", help=choices)
    others = [name for name in known if dims.SHIFT in scores[name].dims]
    summaries = [name for name in known if name not in others]
    rows: list[Row] = []
    concordance: dict[str, Concordance] = {}
    chosen = pick_tasks(scores, tasks)
    for task in chosen:
        part = TaskScores(scores, task, blocks)
        found = _rows(part, metric, direction, others, summaries, ranking)
        concordance[task] = _concordance(part, metric, direction, [row.model for row in found if row.rank is not None])
        rows += found
    return Leaderboard(
        name=str(scores.attrs.get("name", "")),
        rank_by=metric,
        direction=direction,
        seeds=scores.sizes[dims.SEED],
        metrics=tuple(others),
        summaries=tuple(summaries),
        columns=tuple(name for name in columns if name != metric),
        over="seeds and examples" if blocks is not None and metric in blocks else "seeds",
        ranking=ranking,
        rows=tuple(rows),
        concordance=concordance,
        failures=tuple(failure for failure in failures if failure["task"] in chosen),
    )


def matrix(
    scores: xr.Dataset,
    by: Literal["shift", "severity"],
    *,
    metric: str | None = None,
    tasks: Sequence[str] | None = None,
    blocks: xr.Dataset | None = None,
) -> Matrix:
    """One metric of every model, a column a shift, or a severity averaged over the operators that have it.

    Raises
    ------
    InputError
        For an unknown metric or task.
    """
    name = pick_metric(scores, metric)
    columns: dict[str, tuple[str, ...]] = {}
    values: dict[tuple[str, str], tuple[Value | None, ...]] = {}
    for task in pick_tasks(scores, tasks):
        part = TaskScores(scores, task, blocks)
        groups = part.groups(by)
        columns[task] = tuple(groups)
        for model in part.models:
            values[task, model] = tuple(part.value(name, model, shifts) for shifts in groups.values())
    direction: Direction = scores[name].attrs["direction"]
    title = str(scores.attrs.get("name", ""))
    return Matrix(title, name, direction, scores.sizes[dims.SEED], by, columns, values)


def _rows(
    part: TaskScores,
    metric: str,
    direction: Direction,
    others: Sequence[str],
    summaries: Sequence[str],
    ranking: RankRule,
) -> list[Row]:
    """The rows of a task, best first."""
    shifts = part.beyond or [dims.IDENTITY]
    centres = np.array([_standing(part, metric, model, shifts, direction) for model in part.models])
    table = np.array([oriented(part, metric, model, shifts, direction) for model in part.models])
    if ranking == "tests":
        ranks, told_apart = rank_intervals(table, centres, CONFIDENCE).ranks, part.seeds > 1
    else:
        ranks, told_apart = bootstrap_ranks(table, centres, CONFIDENCE), part.seeds > 1 or table.shape[2] > 1
    order = sorted(range(len(ranks)), key=lambda i: (ranks[i] is None, np.isnan(centres[i]), centres[i]))
    return [_row(part, part.models[i], metric, direction, others, summaries, ranks[i], told_apart) for i in order]


def _standing(part: TaskScores, metric: str, model: str, shifts: Sequence[str], direction: Direction) -> float:
    """What a model is ranked by: NaN for one that lacks a seed."""
    values = part.by_seed(metric, model, shifts)
    whole = part.whole(model) & ~np.isnan(values)
    return badness(float(values.mean()), direction) if whole.all() else float("nan")


def _concordance(part: TaskScores, metric: str, direction: Direction, models: Sequence[str]) -> Concordance:
    shifts = part.beyond if dims.SHIFT in part.scores[metric].dims else []
    means = [[badness(float(part.by_seed(metric, m, [shift]).mean()), direction) for m in models] for shift in shifts]
    table = np.array(means, dtype=np.float64).reshape(len(shifts), len(models))
    found = friedman(table)
    critical = critical_difference(len(found.mean_ranks), found.tasks)
    ranks = {model: float(rank) for model, rank in zip(models, found.mean_ranks, strict=True)}
    return Concordance(found.f_p_value, critical, ranks, found.tasks)


def _row(
    part: TaskScores,
    model: str,
    metric: str,
    direction: Direction,
    others: Sequence[str],
    summaries: Sequence[str],
    rank: Rank | None,
    told_apart: bool,
) -> Row:
    a_shift = dims.SHIFT in part.scores[metric].dims
    beyond, whole = part.beyond if a_shift else [], part.whole(model)
    worst_shift, worst = None, None
    if beyond and whole.any():
        means = {shift: part.value(metric, model, [shift], whole, ends=False) for shift in beyond}
        known = {shift: value for shift, value in means.items() if value is not None}
        if len(known) == len(beyond):
            worst_shift = max(known, key=lambda shift: badness(known[shift].mean, direction))
            worst = part.value(metric, model, [worst_shift], whole)
    metrics = {}
    for name in others:
        at_worst = None if worst_shift is None else part.value(name, model, [worst_shift], whole, ends=False)
        metrics[name] = Spots(part.value(name, model, [dims.IDENTITY], ends=False), at_worst)
    status = part.status(model)
    runs = [np.where(whole, part.by_seed(metric, model, [shift]), np.nan) for shift in beyond]
    return Row(
        task=part.task,
        model=model,
        rank=None if rank is None else rank.rank,
        rank_low=rank.low if rank is not None and told_apart else None,
        rank_high=rank.high if rank is not None and told_apart else None,
        identity=part.value(metric, model, [dims.IDENTITY]) if a_shift else None,
        shifted=part.value(metric, model, beyond, whole) if beyond or not a_shift else None,
        shifted_iqm=interquartile_mean(np.stack(runs, axis=1)) if runs and whole.any() else None,
        worst=worst,
        worst_shift=worst_shift,
        metrics=metrics,
        summaries={name: part.value(name, model, [], whole, ends=False) for name in summaries},
        seeds_done=int(whole.sum()),
        seeds=part.seeds,
        cells_failed=int((status == dims.FAILED).sum()),
        cells_missing=int((status == dims.MISSING).sum()),
    )
