"""Read the scores of a run: what is in them, and how a model did by shift, seed and block. Ranks nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

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
        # Arrays and places, not xarray's own selections: a board asks for thousands of them.
        self._status = self.scores[dims.STATUS].transpose(*dims.CELL).values
        self._places = _places(self.scores)
        self._block_places = {} if self._blocks is None else _places(self._blocks)
        self._tables: dict[str, NDArray[np.float64]] = {}
        self._block_tables: dict[str, NDArray[np.float64]] = {}
        planned = self._status != dims.ABSENT
        self.models = _chosen(self._places[dims.MODEL], planned.any(axis=(1, 2)))
        self.shifts = _chosen(self._places[dims.SHIFT], planned.any(axis=(0, 2)))

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
        severities = self.scores[dims.SEVERITY].values
        groups: dict[int, list[str]] = {}
        for shift in self.shifts:
            groups.setdefault(int(severities[self._places[dims.SHIFT][shift]]), []).append(shift)
        return {str(severity): groups[severity] for severity in sorted(groups)}

    def status(self, model: str) -> NDArray[np.int8]:
        """``(shift, seed)``: the status of the model's cells under the planned shifts."""
        places = self._places
        found: NDArray[np.int8] = self._status[places[dims.MODEL][model]][
            [places[dims.SHIFT][shift] for shift in self.shifts]
        ]
        return found

    def whole(self, model: str) -> NDArray[np.bool_]:
        """``(seed,)``: whether all planned cells of the model are done."""
        return np.asarray((self.status(model) == dims.DONE).all(axis=0))

    def by_seed(self, metric: str, model: str, shifts: Sequence[str]) -> NDArray[np.float64]:
        """``(seed,)``: mean over shifts of the mean over the outputs that the task has; NaN where one is missing.

        Of a metric without shifts, its value.
        """
        if metric not in self._tables:
            self._tables[metric] = self._table(metric)
        values = self._tables[metric][self._places[dims.MODEL][model]]
        return values if values.ndim == 1 else _mean(values[[self._places[dims.SHIFT][shift] for shift in shifts]], 0)

    def by_block(self, metric: str, model: str, shifts: Sequence[str]) -> NDArray[np.float64]:
        """``(seed, block)``: what each block of examples contributes to `by_seed`; one block if none were scored."""
        seeds = self.by_seed(metric, model, shifts)
        if self._blocks is None or metric not in self._blocks:
            return seeds[:, np.newaxis]
        if metric not in self._block_tables:
            variable = self._blocks.variables[metric].transpose(*dims.CELL, dims.BLOCK)
            self._block_tables[metric] = np.asarray(variable.values, dtype=np.float64)
        places = self._block_places
        table = self._block_tables[metric][places[dims.MODEL][model]]
        values = _mean(table[[places[dims.SHIFT][shift] for shift in shifts]], 0)
        values[np.isnan(seeds)] = np.nan
        return values

    def _table(self, metric: str) -> NDArray[np.float64]:
        """``(model, shift, seed)``, or without ``shift``: mean over the outputs that the task has."""
        variable = self.scores.variables[metric]
        names = [name for name in (*dims.CELL, dims.OUTPUT) if name in variable.dims]
        values = np.asarray(variable.transpose(*names).values, dtype=np.float64)
        return _mean(values[..., self._outputs], -1) if dims.OUTPUT in names else values

    @cached_property
    def _outputs(self) -> NDArray[np.intp]:
        """Places of the outputs that the task has."""
        counts = self.scores.variables["n_valid"].transpose(*dims.CELL, dims.OUTPUT).values
        there = np.flatnonzero((counts > 0).any(axis=(0, 1, 2)))
        return there if there.size else np.zeros(1, np.intp)

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


def _places(dataset: xr.Dataset) -> dict[str, dict[str, int]]:
    """Dimension to label to place, of models and shifts."""
    return {
        dim: {str(label): place for place, label in enumerate(dataset[dim].values.tolist())}
        for dim in (dims.MODEL, dims.SHIFT)
    }


def _chosen(places: dict[str, int], there: NDArray[np.bool_]) -> list[str]:
    return [label for label, place in places.items() if there[place]]


def _mean(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """The mean, NaN where one is missing; infinities of both signs have none."""
    with np.errstate(invalid="ignore"):
        return np.asarray(values.mean(axis=axis))


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
