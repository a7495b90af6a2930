"""Own what all figures and tables of a task are drawn from. Writes no markup, computes no score."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from regharness.leaderboard import Row
from regharness.results import Results
from regharness.shift_labels import by_operator
from regharness.standings import Standings
from regharness_report.cast import Cast, cast_of, drawn_of
from regharness_report.shades import Shade, shade_of
from regharness_report.task_values import TaskValues


@dataclass(frozen=True)
class Stage:
    """A task of some results, and how its models look."""

    results: Results
    standings: Standings
    values: TaskValues
    cast: Cast
    shade: Shade

    @property
    def task(self) -> str:
        """The task's name."""
        return self.values.task

    @cached_property
    def rows(self) -> list[Row]:
        """The rows of its board."""
        return [row for row in self.standings.board.rows if row.task == self.task]

    @cached_property
    def ranked(self) -> list[str]:
        """Models that are not set aside, best first."""
        return [model for model, actor in self.cast.items() if not actor.aside]

    @cached_property
    def drawn(self) -> Cast:
        """Models that figures show: not those whose scores nobody has checked, where those of others have been."""
        return drawn_of(self.cast)

    @cached_property
    def operators(self) -> dict[str, dict[int, str]]:
        """Shift operator to severity to label."""
        return by_operator(self.values.shifts)

    def strongest(self, operator: str) -> str:
        """The label of an operator's highest severity."""
        return list(self.operators[operator].values())[-1]


def stage_of(results: Results, standings: Standings, task: str) -> Stage:
    """Set the stage for a task."""
    values = TaskValues(results, standings, task)
    cast = cast_of(results, standings, task)
    return Stage(results, standings, values, cast, shade_of(values, drawn_of(cast)))
