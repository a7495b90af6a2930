"""Read the scores of a run: what is in them, and how a model did by shift, seed and block. Ranks nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from regharness import dims
from regharness.errors import InputError, unknown_name
from regharness.metric_protocols import Direction
from regharness.statistics import interval

CONFIDENCE = 0.95

_PLAIN = {dims.TASK, *dims.CELL, dims.OUTPUT}
"""Dimensions of a metric of one number."""


@dataclass(frozen=True)
class Value:
    """A score over seeds.

    Attributes
    ----------
    mean
        Mean over seeds of the mean over outputs.
    sd
        Standard deviation over seeds (ddof 1); None with one seed, or where a score is infinite.
    seeds
        How many seeds it stands on.
    low, high
        95% confidence interval of the score that new seeds, and where blocks of examples were scored new examples,
        would give; None with one seed, and on a leaderboard for metrics beside the one that ranks.
    """

    mean: float
    sd: float | None
    seeds: int
    low: float | None = None
    high: float | None = None


def metric_names(scores: xr.Dataset) -> list[str]:
    """Variables of a scores Dataset that are metrics of one number."""
    known = [
        str(name)
        for name, variable in scores.data_vars.items()
        if "direction" in variable.attrs and set(map(str, variable.dims)) <= _PLAIN
    ]
    # Stores list variables by name; the attribute keeps the order in which the spec has them.
    order = [str(name) for name in scores.attrs.get("metrics", [])]
    return sorted(known, key=lambda name: order.index(name) if name in order else len(order))


def pick_metric(scores: xr.Dataset, name: str | None, *, by_shift: bool = True) -> str:
    """The metric asked for, or the one that the run ranks by; `by_shift`, only one that has a value a shift.

    Raises
    ------
    InputError
        When it was not scored, or has no value a shift.
    """
    name = name or str(scores.attrs["rank_by"])
    known = metric_names(scores)
    if not known:
        raise InputError("no metric of one number was scored", help="regharness score RUN --metrics default")
    if by_shift:
        if name in known and dims.SHIFT not in scores[name].dims:
            raise InputError(f"metric '{name}' is one value of all shifts", help="only `leaderboard` by model shows it")
        known = [metric for metric in known if dims.SHIFT in scores[metric].dims]
    if name not in known:
        message, choices = unknown_name("metric", name, known, listed="scored")
        raise InputError(message, help=choices)
    return name


def pick_tasks(scores: xr.Dataset, wanted: Sequence[str] | None) -> list[str]:
    """The tasks asked for, or all, in the run's order.

    Raises
    ------
    InputError
        When one is not in the run.
    """
    return _pick("task", wanted, [str(task) for task in scores[dims.TASK].values], "tasks")


def pick_models(scores: xr.Dataset, wanted: Sequence[str]) -> list[str]:
    """The models asked for, in the order asked.

    Raises
    ------
    InputError
        When one is not in the run.
    """
    _pick("model", wanted, [str(model) for model in scores[dims.MODEL].values], "models")
    return list(wanted)


def _pick(kind: str, wanted: Sequence[str] | None, known: list[str], listed: str) -> list[str]:
    for name in wanted or ():
        if name not in known:
            message, choices = unknown_name(kind, name, known, listed=listed)
            raise InputError(message, help=choices)
    return [name for name in known if not wanted or name in wanted]


class TaskScores:
    """The scores of one task.

    Parameters
    ----------
    scores
        Dims task x model x shift x seed x output, as a run stores them.
    task
        Its name.
    blocks
        Dims task x model x shift x seed x block, as `regharness.block_scoring.score_on_blocks` makes them of each task,
        for some metrics; None for none.

    Attributes
    ----------
    models, shifts
        Those that the task was planned for, in the run's order.
    """

    def __init__(self, scores: xr.Dataset, task: str, blocks: xr.Dataset | None = None) -> None:
        self.scores = scores.sel({dims.TASK: task})
        self._blocks = None if blocks is None else blocks.sel({dims.TASK: task})
        self.task = task
        self.status = self.scores[dims.STATUS]
        planned = self.status != dims.ABSENT
        self.models = _labels(planned.any([dims.SHIFT, dims.SEED]), dims.MODEL)
        self.shifts = _labels(planned.any([dims.MODEL, dims.SEED]), dims.SHIFT)

    @property
    def seeds(self) -> int:
        """How many seeds were planned."""
        return int(self.scores.sizes[dims.SEED])

    @property
    def beyond(self) -> list[str]:
        """The shifts without identity."""
        return [shift for shift in self.shifts if shift != dims.IDENTITY]

    def groups(self, by: str) -> dict[str, list[str]]:
        """Label to the shifts it stands for: one a shift, or one a severity; severity 0 is identity."""
        if by == "shift":
            return {shift: [shift] for shift in self.shifts}
        groups: dict[int, list[str]] = {}
        for shift in self.shifts:
            groups.setdefault(int(self.scores[dims.SEVERITY].sel({dims.SHIFT: shift})), []).append(shift)
        return {str(severity): groups[severity] for severity in sorted(groups)}

    def whole(self, model: str) -> NDArray[np.bool_]:
        """``(seed,)``: whether all planned cells of the model are done."""
        status = self.status.sel({dims.MODEL: model, dims.SHIFT: self.shifts})
        return np.asarray((status == dims.DONE).all(dims.SHIFT).values)

    def by_seed(self, metric: str, model: str, shifts: Sequence[str]) -> NDArray[np.float64]:
        """``(seed,)``: mean over shifts of the mean over the outputs that the task has; NaN where one is missing.

        Of a metric without shifts, its value.
        """
        table = self.scores[metric].sel({dims.MODEL: model})
        if dims.OUTPUT in table.dims:
            present = (self.scores["n_valid"] > 0).any([dims.MODEL, dims.SHIFT, dims.SEED])
            chosen = np.flatnonzero(present.values) if present.any() else [0]
            table = table.isel({dims.OUTPUT: chosen}).mean(dims.OUTPUT, skipna=False)
        if dims.SHIFT in table.dims:
            table = table.sel({dims.SHIFT: list(shifts)}).mean(dims.SHIFT, skipna=False)
        return np.asarray(table.values, dtype=np.float64)

    def by_block(self, metric: str, model: str, shifts: Sequence[str]) -> NDArray[np.float64]:
        """``(seed, block)``: what each block of examples contributes to `by_seed`; one block if none were scored."""
        seeds = self.by_seed(metric, model, shifts)
        if self._blocks is None or metric not in self._blocks:
            return seeds[:, np.newaxis]
        table = self._blocks[metric].sel({dims.MODEL: model, dims.SHIFT: list(shifts)}).mean(dims.SHIFT, skipna=False)
        values = np.asarray(table.transpose(dims.SEED, dims.BLOCK).values, dtype=np.float64)
        values[np.isnan(seeds)] = np.nan
        return values

    def value(
        self,
        metric: str,
        model: str,
        shifts: Sequence[str],
        seeds: NDArray[np.bool_] | None = None,
        *,
        ends: bool = True,
    ) -> Value | None:
        """The score over the seeds that have one, of those chosen, with its interval's ends; None if none has."""
        known = self.by_seed(metric, model, shifts)
        there = ~np.isnan(known) if seeds is None else ~np.isnan(known) & seeds
        if not there.any():
            return None
        found = known[there]
        with np.errstate(invalid="ignore"):
            mean, sd = float(found.mean()), float(found.std(ddof=1)) if found.size > 1 else None
        sd = None if sd is None or np.isnan(sd) else sd
        if not ends:
            return Value(mean, sd, int(found.size))
        of = interval(self.by_block(metric, model, shifts)[there], mean, CONFIDENCE)
        return Value(mean, sd, int(found.size), of.low, of.high)


def _labels(chosen: xr.DataArray, dimension: str) -> list[str]:
    return [str(label) for label, there in zip(chosen[dimension].values, chosen.values, strict=True) if there]


def oriented(
    part: TaskScores, metric: str, model: str, shifts: Sequence[str], direction: Direction
) -> NDArray[np.float64]:
    """``(seed, block)``: the score as badness; as the distance to a target value, on the side where the mean lies."""
    values = part.by_block(metric, model, shifts)
    if direction == "lower":
        return values
    if direction == "higher":
        return -values
    seeds = part.by_seed(metric, model, shifts)
    below = float(np.nanmean(seeds)) < float(direction) if not np.isnan(seeds).all() else False
    return (float(direction) - values) if below else (values - float(direction))
