"""Gather what a page shows of one model: who made it, and how it does under every shift. Writes no markup."""

from __future__ import annotations

from dataclasses import dataclass

from regharness.board_tables import interval_text, mean_text, rank_text
from regharness_report.curves import CurveGroup, model_curves
from regharness_report.profile import Profile, profile
from regharness_report.shades import cost_text
from regharness_report.stage import Stage


@dataclass(frozen=True)
class ShiftCell:
    """A score under a shift, shaded by what the shift costs."""

    text: str
    small: str
    shade: str
    tip: str


@dataclass(frozen=True)
class ModelTask:
    """A model in a task.

    Attributes
    ----------
    rank, ranked
        Its rank, empty without one, and how many have one.
    severities
        Columns of `scores`.
    scores
        Operator to a cell for each severity; None where it has none.
    """

    name: str
    rank: str
    ranked: int
    summary: str
    metric: str
    profile: Profile
    severities: tuple[int, ...]
    scores: tuple[tuple[str, tuple[ShiftCell | None, ...]], ...]
    curves: tuple[CurveGroup, ...]


def model_task(on: Stage, model: str) -> ModelTask:
    """Gather how a model does in a task."""
    row = next(row for row in on.rows if row.model == model)
    ranks_by = on.standings.board.rank_by
    summary = f"{ranks_by} is {mean_text(row.identity)} on unshifted data, {interval_text(row.shifted)} under shift"
    if row.worst_shift is not None:
        summary += f", and {mean_text(row.worst)} at its worst, {row.worst_shift}"
    severities = tuple(sorted({number for numbers in on.operators.values() for number in numbers}))
    return ModelTask(
        name=on.task,
        rank="" if row.rank is None else rank_text(row),
        ranked=sum(one.rank is not None for one in on.rows),
        summary=summary + ".",
        metric=on.values.metric,
        profile=profile(on, model),
        severities=severities,
        scores=tuple(
            (operator, tuple(_cell(on, model, labels.get(number)) for number in severities))
            for operator, labels in on.operators.items()
        ),
        curves=tuple(model_curves(on, model)),
    )


def _cell(on: Stage, model: str, shift: str | None) -> ShiftCell | None:
    if shift is None:
        return None
    text, _, small = interval_text(on.values.of(on.values.metric)[model][shift]).partition(" ")
    cost = on.values.cost(model, shift)
    seen = on.values.seen(model, shift)
    tip = f"{shift}: {cost_text(cost)} beside identity" + (", seen" if seen else "")
    return ShiftCell("–" if text == "-" else text, small, "seen" if seen else on.shade(cost), tip)
