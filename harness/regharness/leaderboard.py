"""Turn scores into ranked rows and matrices. Draws nothing, reads no file.

A score that is not there is None, never zero, and never averaged away: a seed counts for a model only when
all its planned cells are done, and a model that lacks a seed is shown but not ranked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import xarray as xr

from regharness import dims
from regharness.errors import InputError, unknown_name

Direction = Literal["lower", "higher"] | float


@dataclass(frozen=True)
class Value:
    """A score over seeds.

    Attributes
    ----------
    mean
        Mean over seeds of the mean over outputs.
    sd
        Standard deviation over seeds (ddof 1); None with one seed.
    seeds
        How many seeds it stands on.
    """

    mean: float
    sd: float | None
    seeds: int


@dataclass(frozen=True)
class Row:
    """A model in a task.

    Attributes
    ----------
    rank
        1 is best; models whose value is equal share a rank; None for a model that lacks a planned cell.
    identity, shifted, worst
        The ranked metric on the unshifted test set, its mean over all shifts, and at the worst shift.
    worst_shift
        Label of the shift at which the ranked metric is worst.
    metrics
        Every other metric, as ``(identity, at the worst shift)``.
    seeds_done, seeds
        Seeds whose planned cells are all done, of those planned.
    cells_failed, cells_missing
        Planned cells that failed, and that were not computed.
    """

    task: str
    model: str
    rank: int | None
    identity: Value | None
    shifted: Value | None
    worst: Value | None
    worst_shift: str | None
    metrics: Mapping[str, tuple[Value | None, Value | None]]
    seeds_done: int
    seeds: int
    cells_failed: int
    cells_missing: int


@dataclass(frozen=True)
class Leaderboard:
    """Ranked models of a run.

    Attributes
    ----------
    rank_by, direction
        The metric that ranks, and whether lower, higher or a value is best.
    rows
        Ordered by task, then rank, unranked models last.
    failures
        Failed cells: task, model, shift, seed, reason.
    """

    name: str
    rank_by: str
    direction: Direction
    seeds: int
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]
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
    failures: Sequence[Mapping[str, Any]] = (),
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
    failures
        Failed cells, to be shown beside the rows.

    Raises
    ------
    InputError
        For an unknown metric or task, or a metric without a value a shift.
    """
    metric = _metric(scores, rank_by)
    direction: Direction = scores[metric].attrs["direction"]
    chosen = _tasks(scores, tasks)
    others = [name for name in metric_names(scores) if name != metric and dims.SHIFT in scores[name].dims]
    rows: list[Row] = []
    for task in chosen:
        part = scores.sel(task=task)
        found = [_row(part, task, model, metric, direction, others) for model in _models(part)]
        rows += _ranked(found, direction)
    kept = tuple(failure for failure in failures if failure["task"] in chosen)
    return Leaderboard(
        str(scores.attrs.get("name", "")), metric, direction, scores.sizes[dims.SEED], tuple(others), tuple(rows), kept
    )


def matrix(
    scores: xr.Dataset,
    by: Literal["shift", "severity"],
    *,
    metric: str | None = None,
    tasks: Sequence[str] | None = None,
) -> Matrix:
    """One metric of every model, a column a shift, or a severity averaged over the operators that have it.

    Raises
    ------
    InputError
        For an unknown metric or task.
    """
    name = _metric(scores, metric)
    columns: dict[str, tuple[str, ...]] = {}
    values: dict[tuple[str, str], tuple[Value | None, ...]] = {}
    for task in _tasks(scores, tasks):
        part = scores.sel(task=task)
        groups = _groups(part, by)
        columns[task] = tuple(groups)
        for model in _models(part):
            table = _by_seed(part, name, model)
            values[task, model] = tuple(
                _value(table.sel(shift=shifts).mean(dims.SHIFT, skipna=False).values) for shifts in groups.values()
            )
    direction: Direction = scores[name].attrs["direction"]
    title = str(scores.attrs.get("name", ""))
    return Matrix(title, name, direction, scores.sizes[dims.SEED], by, columns, values)


def metric_names(scores: xr.Dataset) -> list[str]:
    """Variables of a scores Dataset that are metrics."""
    known = [str(name) for name in scores.data_vars if "direction" in scores[name].attrs]
    # Stores list variables by name; the attribute keeps the order in which the spec has them.
    order = [str(name) for name in scores.attrs.get("metrics", [])]
    return sorted(known, key=lambda name: order.index(name) if name in order else len(order))


def badness(value: float, direction: Direction) -> float:
    """How bad a score is: lower is better, whatever the metric's direction."""
    if direction == "lower":
        return value
    return -value if direction == "higher" else abs(value - float(direction))


def _metric(scores: xr.Dataset, name: str | None) -> str:
    name = name or str(scores.attrs["rank_by"])
    known = [metric for metric in metric_names(scores) if dims.SHIFT in scores[metric].dims]
    if name not in known:
        message, choices = unknown_name("metric", name, known, listed="scored")
        raise InputError(message, help=choices)
    return name


def _tasks(scores: xr.Dataset, wanted: Sequence[str] | None) -> list[str]:
    known = [str(task) for task in scores[dims.TASK].values]
    for task in wanted or ():
        if task not in known:
            message, choices = unknown_name("task", task, known, listed="tasks")
            raise InputError(message, help=choices)
    return [task for task in known if not wanted or task in wanted]


def _models(part: xr.Dataset) -> list[str]:
    planned = (part[dims.STATUS] != dims.ABSENT).any([dims.SHIFT, dims.SEED])
    return [str(model) for model, there in zip(part[dims.MODEL].values, planned.values, strict=True) if there]


def _shifts(part: xr.Dataset) -> list[str]:
    planned = (part[dims.STATUS] != dims.ABSENT).any([dims.MODEL, dims.SEED])
    return [str(shift) for shift, there in zip(part[dims.SHIFT].values, planned.values, strict=True) if there]


def _groups(part: xr.Dataset, by: str) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for shift in _shifts(part):
        label = shift if by == "shift" else str(int(part[dims.SEVERITY].sel(shift=shift)))
        groups.setdefault(label, []).append(shift)
    return groups if by == "shift" else dict(sorted(groups.items(), key=lambda group: int(group[0])))


def _by_seed(part: xr.Dataset, metric: str, model: str) -> xr.DataArray:
    """Scores of a model by shift and seed, averaged over the outputs that the task has."""
    present = (part["n_valid"] > 0).any([dims.MODEL, dims.SHIFT, dims.SEED])
    table = part[metric].sel(model=model).isel(output=np.flatnonzero(present.values))
    return table.mean(dims.OUTPUT, skipna=False) if present.any() else part[metric].sel(model=model).isel(output=0)


def _value(by_seed: Any) -> Value | None:
    """Mean and spread of the seeds that have a score; None if none has."""
    known = np.asarray(by_seed, dtype=np.float64)
    known = known[~np.isnan(known)]
    if not known.size:
        return None
    with np.errstate(invalid="ignore"):
        sd = float(known.std(ddof=1)) if known.size > 1 else None
        return Value(float(known.mean()), sd, int(known.size))


def _row(part: xr.Dataset, task: str, model: str, metric: str, direction: Direction, others: Sequence[str]) -> Row:
    shifts = _shifts(part)
    beyond = [shift for shift in shifts if shift != dims.IDENTITY]
    status = part[dims.STATUS].sel(model=model, shift=shifts)
    whole = np.flatnonzero((status == dims.DONE).all(dims.SHIFT).values)
    table = _by_seed(part, metric, model).sel(shift=shifts)
    complete = table.isel(seed=whole)
    worst_shift, worst = None, None
    if beyond and whole.size:
        means = {shift: _value(complete.sel(shift=shift).values) for shift in beyond}
        known = {shift: value for shift, value in means.items() if value is not None}
        if len(known) == len(beyond):
            worst_shift = max(known, key=lambda shift: badness(known[shift].mean, direction))
            worst = known[worst_shift]
    shifted = _value(complete.sel(shift=beyond).mean(dims.SHIFT, skipna=False).values) if beyond else None
    metrics = {}
    for name in others:
        values = _by_seed(part, name, model)
        at_worst = None if worst_shift is None else _value(values.isel(seed=whole).sel(shift=worst_shift).values)
        metrics[name] = (_value(values.sel(shift=dims.IDENTITY).values), at_worst)
    return Row(
        task=task,
        model=model,
        rank=None,
        identity=_value(table.sel(shift=dims.IDENTITY).values),
        shifted=shifted,
        worst=worst,
        worst_shift=worst_shift,
        metrics=metrics,
        seeds_done=int(whole.size),
        seeds=part.sizes[dims.SEED],
        cells_failed=int((status == dims.FAILED).sum()),
        cells_missing=int((status == dims.MISSING).sum()),
    )


def _ranked(rows: Sequence[Row], direction: Direction) -> list[Row]:
    """Give ranks by the mean over shifts, or on identity where a task has no shift."""

    def standing(row: Row) -> float:
        value = row.shifted or row.identity
        return float("inf") if value is None or row.seeds_done < row.seeds else badness(value.mean, direction)

    ordered = sorted(rows, key=standing)
    ranked: list[Row] = []
    for place, row in enumerate(ordered, 1):
        mine = standing(row)
        if not np.isfinite(mine):
            ranked.append(row)
        elif ranked and ranked[-1].rank is not None and standing(ordered[place - 2]) == mine:
            ranked.append(replace(row, rank=ranked[-1].rank))
        else:
            ranked.append(replace(row, rank=place))
    return ranked
