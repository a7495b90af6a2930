"""Look up the scores of one task by metric, model and shift, as pages need them. Ranks nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from regharness import dims
from regharness.directions import badness
from regharness.errors import InputError
from regharness.metric_protocols import Direction
from regharness.results import Results
from regharness.score_tables import TaskScores, Value, metric_names
from regharness.standings import Standings

ByShift = Mapping[str, Mapping[str, Value | None]]
"""Model to shift to score."""


class TaskValues:
    """The scores of a task.

    Attributes
    ----------
    task
        Its name.
    shifts
        Labels of its shifts, identity first.
    metric
        By which models are followed from shift to shift: the one that ranks, or, where that is one value of all shifts,
        the first other.
    coverage
        The widest scored coverage of intervals; None if there is none.
    """

    def __init__(self, results: Results, standings: Standings, task: str) -> None:
        self.task = task
        self._results = results
        self._part = TaskScores(results.scores, task, results.blocks)
        self.shifts = self._part.shifts
        self.models = self._part.models
        by_shift = [name for name in metric_names(results.scores) if dims.SHIFT in results.scores[name].dims]
        self.metrics = tuple(by_shift)
        if not by_shift:
            raise InputError(
                "no metric that has a value a shift was scored", help="regharness score RUN --metrics default"
            )
        ranks_by = standings.board.rank_by
        self.metric = ranks_by if ranks_by in by_shift else by_shift[0]
        # Others, such as the gap of coverages, may be called alike.
        covers = [name for name in by_shift if re.fullmatch(r"coverage_\d+", name)]
        self.coverage = max(covers, key=nominal, default=None)
        self._found: dict[str, ByShift] = {}

    def direction(self, metric: str) -> Direction:
        """Which scores of a metric are better."""
        found: Direction = self._results.scores[metric].attrs["direction"]
        return found

    def of(self, metric: str) -> ByShift:
        """Every score of a metric; of the one that models are followed by with intervals."""
        if metric not in self._found:
            ends = metric == self.metric
            self._found[metric] = {
                model: {shift: self._part.value(metric, model, [shift], ends=ends) for shift in self.shifts}
                for model in self.models
            }
        return self._found[metric]

    def cost(self, model: str, shift: str) -> float:
        """How much worse a model is under a shift than on identity; NaN where either is missing."""
        values, direction = self.of(self.metric)[model], self.direction(self.metric)
        at, before = values[shift], values.get(dims.IDENTITY)
        if at is None or before is None:
            return math.nan
        return float(badness(at.mean, direction) - badness(before.mean, direction))

    def seen(self, model: str, shift: str) -> bool:
        """Whether a model's makers say that it has seen the test set of a shift."""
        return shift in self._results.entrants[model].seen.get(self.task, ())


def nominal(coverage: str) -> float:
    """The share of targets that intervals promise to hold, of a metric such as ``coverage_95``."""
    return float(coverage.removeprefix("coverage_")) / 100


def mean_of(value: Value | None) -> float:
    """The mean of a score; NaN where there is none."""
    return math.nan if value is None else value.mean
