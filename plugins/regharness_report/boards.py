"""Lay a task's leaderboard out as cells with texts, sort keys and whiskers. Writes no markup, ranks nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from regharness import dims
from regharness.board_tables import mean_text, rank_text
from regharness.leaderboard import Leaderboard, Row
from regharness.metric_protocols import Direction
from regharness.results import Results
from regharness.score_tables import Value
from regharness_report.axes import Axis, close_axis
from regharness_report.cast import Actor
from regharness_report.columns import Cell, Column, metric_column, score_cell, sort_key
from regharness_report.stage import Stage
from regharness_report.task_values import TaskValues

OTHERS = 3
"""Metrics beside the one that ranks; the rest is in the tables of each shift."""
BADGES = ("prospective", "re-run", "re-scored", "self-reported", "control")
"""In the order of trust."""
RANK_WIDTH, SCORE_WIDTH = 56, 92


@dataclass(frozen=True)
class Whisker:
    """An interval and its centre, in drawing units."""

    low: float
    high: float
    at: float


@dataclass(frozen=True)
class BoardRow:
    """A model on the board."""

    actor: Actor
    badge: str
    rank: str
    rank_key: str
    rank_range: Whisker | None
    score_range: Whisker | None
    cells: tuple[Cell, ...]
    note: str


@dataclass(frozen=True)
class Board:
    """The board of a task.

    Attributes
    ----------
    badges
        Those that there are.
    hides
        Whether self-reported rows are hidden until they are asked for.
    only_self_reported
        Whether nobody has checked any of the scores.
    """

    columns: tuple[Column, ...]
    rows: tuple[BoardRow, ...]
    badges: tuple[str, ...]
    hides: bool
    only_self_reported: bool


def board_rows(on: Stage) -> Board:
    """The board of a task."""
    board, entrants = on.standings.board, on.results.entrants
    shown = _shown_metrics(on.values, board)
    ranked = sum(row.rank is not None for row in on.rows)
    ranks = Axis(1, max(ranked, 2), 6, RANK_WIDTH - 6, ())
    scores = close_axis(_ends(on.rows, on.cast), 4, SCORE_WIDTH - 4, margin=0.02)
    unfinished = any(row.seeds_done < row.seeds for row in on.rows)
    badges = {entrants[row.model].badge for row in on.rows}
    alone = "self-reported" in badges and badges <= {"self-reported", "control"}
    return Board(
        columns=tuple(_columns(on.results, board, shown, unfinished=unfinished)),
        rows=tuple(
            BoardRow(
                actor=on.cast[row.model],
                badge=entrants[row.model].badge,
                rank=rank_text(row),
                rank_key="" if row.rank is None else str(row.rank),
                rank_range=_rank_range(row, ranks),
                score_range=_score_range(row.shifted or row.identity, scores),
                cells=tuple(_cells(on, row, shown, unfinished=unfinished)),
                note=_note(on, row),
            )
            for row in on.rows
        ),
        badges=tuple(badge for badge in BADGES if badge in badges),
        hides="self-reported" in badges and not alone,
        only_self_reported=alone,
    )


def _shown_metrics(values: TaskValues, board: Leaderboard) -> list[str]:
    """The first metrics beside the one that ranks, the coverage of intervals always among them."""
    others = [*board.metrics, *board.summaries]
    shown = others[:OTHERS]
    if values.coverage in others and values.coverage not in shown:
        shown[-1] = values.coverage
    return shown


def _columns(results: Results, board: Leaderboard, shown: Sequence[str], *, unfinished: bool) -> Iterable[Column]:
    ranks_by = board.rank_by
    yield metric_column(results, ranks_by, "identity", "on unshifted data")
    yield metric_column(results, ranks_by, "shifted", "mean over the shifts that count; models are ranked by it")
    yield metric_column(results, ranks_by, "worst shift", "at the shift where it is worst")
    for name in shown:
        at = "on identity → at the worst shift" if name in board.metrics else "over all shifts"
        yield metric_column(results, name, what=at)
    if unfinished:
        yield Column("seeds", "seeds whose cells are all done, of those planned", "descending")


def _cells(on: Stage, row: Row, shown: Sequence[str], *, unfinished: bool) -> Iterable[Cell]:
    values, direction = on.values, on.standings.board.direction
    yield Cell(_mean(row.identity), "", sort_key(row.identity, direction), values.seen(row.model, dims.IDENTITY))
    yield score_cell(row.shifted, direction)
    worst = row.worst_shift or ""
    yield Cell(_mean(row.worst), worst, sort_key(row.worst, direction), values.seen(row.model, worst))
    for name in shown:
        of_metric: Direction = on.results.scores[name].attrs["direction"]
        if name in row.metrics:
            spots = row.metrics[name]
            text = f"{_mean(spots.identity)} → {_mean(spots.worst)}" if spots.identity or spots.worst else "–"
            yield Cell(text, "", sort_key(spots.worst or spots.identity, of_metric))
        else:
            yield score_cell(row.summaries[name], of_metric)
    if unfinished:
        yield Cell(f"{row.seeds_done}/{row.seeds}", "", str(row.seeds_done))


def _mean(value: Value | None) -> str:
    return "–" if value is None else mean_text(value)


def _ends(rows: Sequence[Row], cast: Mapping[str, Actor]) -> list[float]:
    """All that the whiskers of everyone but the controls show."""
    shown = [row.shifted or row.identity for row in rows if cast[row.model].stretches]
    return [
        end for value in shown if value is not None for end in (value.mean, value.low, value.high) if end is not None
    ]


def _rank_range(row: Row, ranks: Axis) -> Whisker | None:
    if row.rank is None:
        return None
    low, high = row.rank_low or row.rank, row.rank_high or row.rank
    return Whisker(ranks(low), ranks(high), ranks(row.rank))


def _score_range(value: Value | None, scores: Axis) -> Whisker | None:
    """The interval on the drawing; what lies outside it is cut at its edge."""
    if value is None or not math.isfinite(value.mean) or not scores.holds(value.mean):
        return None
    low, high = (value.mean if end is None else end for end in (value.low, value.high))
    return Whisker(max(scores(low), scores.start), min(scores(high), scores.stop), scores(value.mean))


def _note(on: Stage, row: Row) -> str:
    """Why a row has no rank, or what of it is greyed."""
    seen = sum(on.values.seen(row.model, shift) for shift in on.values.shifts)
    why = on.standings.aside.get((row.task, row.model), "")
    if why == "seen":
        return f"not ranked: has seen {seen} shifts"
    if row.rank is None and not why:
        return "not ranked: cells are missing"
    return f"has seen {seen} shift{'' if seen == 1 else 's'}" if seen else ""
