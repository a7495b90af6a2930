"""Lay leaderboards, matrices and comparisons out as tables of text that is safe to show. Draws nothing.

Names come from strangers: no character of theirs reaches a terminal as a control sequence.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from regharness.board_plain import Board
from regharness.comparison import Comparison, Contrast, TaskComparison
from regharness.leaderboard import Leaderboard, Matrix, Row
from regharness.metric_protocols import Direction
from regharness.score_tables import Value

FAILURES_SHOWN = 5
# Beside the ranked metric, what tells most about trust; the rest is in the other formats.
SHOWN_METRICS = 4
WORDS = ("#", "model", "worst shift", "shift", "severity", "better")
"""Headers of columns that are read, not compared digit by digit."""


@dataclass(frozen=True)
class TextTable:
    """A table of text.

    Attributes
    ----------
    best
        Whether its first row is the best.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    best: bool = False


def tables(board: Board, metrics: int = SHOWN_METRICS) -> Iterator[TextTable]:
    """A table a task; of a leaderboard with so many of the other metrics, unless a reader chose which."""
    if isinstance(board, Matrix):
        return _matrix_tables(board)
    if isinstance(board, Comparison):
        return _comparison_tables(board)
    return _leaderboard_tables(board, metrics)


def notes(board: Board) -> list[str]:
    """Lines to read below the tables."""
    if isinstance(board, Leaderboard):
        return [*_rank_notes(board), *_failures(board)]
    return [_summary(board, part) for part in board.tasks] if isinstance(board, Comparison) else []


def visible(text: str) -> str:
    """Escape control, format and line-separator characters, which a terminal would act on."""
    risky = ("Cc", "Cf", "Zl", "Zp", "Cs")
    return "".join(ascii(c)[1:-1] if unicodedata.category(c) in risky else c for c in text)


def _matrix_tables(board: Matrix) -> Iterator[TextTable]:
    for task, labels in board.columns.items():
        title = f"{visible(task)}: {visible(board.metric)} by {board.by}, {better_text(board.direction)}; "
        models = {model: values for (owner, model), values in board.values.items() if owner == task}
        rows = [
            (visible(label), *(value_text(values[index]) for values in models.values()))
            for index, label in enumerate(labels)
        ]
        yield TextTable(title + spread_text(board.seeds), (board.by, *map(visible, models)), tuple(rows))


def _leaderboard_tables(board: Leaderboard, metrics: int) -> Iterator[TextTable]:
    shown = board.columns or (*board.metrics, *board.summaries)[:metrics]
    for task in board.tasks:
        title = f"{visible(task)}: {visible(board.rank_by)}, {better_text(board.direction)}; {spread_text(board.seeds)}"
        title += f", 95% intervals over {board.over}" if board.seeds > 1 else " and no interval"
        title += "; others on identity → at the worst shift" if any(name in board.metrics for name in shown) else ""
        header = ("#", "model", "identity", "shifted", "worst", "worst shift", *map(visible, shown), "seeds")
        rows = tuple(_cells(row, shown) for row in board.rows if row.task == task)
        yield TextTable(title, header, rows, best=True)


def _cells(row: Row, shown: tuple[str, ...]) -> tuple[str, ...]:
    return (
        rank_text(row),
        visible(row.model),
        value_text(row.identity),
        interval_text(row.shifted),
        mean_text(row.worst),
        visible(row.worst_shift or "-"),
        *(
            f"{mean_text(row.metrics[name].identity)} → {mean_text(row.metrics[name].worst)}"
            if name in row.metrics
            else value_text(row.summaries[name])
            for name in shown
        ),
        f"{row.seeds_done}/{row.seeds}",
    )


def rank_text(row: Row) -> str:
    """A rank, or the range of ranks that the data allow."""
    if row.rank is None:
        return "-"
    if row.rank_low is None or row.rank_low == row.rank_high:
        return str(row.rank)
    return f"{row.rank_low}–{row.rank_high}"


def _rank_notes(board: Leaderboard) -> list[str]:
    if any("–" in rank_text(row) for row in board.rows):
        how = "paired tests, 5%, Holm" if board.ranking == "tests" else "95% of paired resamples of seeds and examples"
        return [f"A range of ranks: the data cannot tell the models in it apart ({how})."]
    return []


def _failures(board: Leaderboard) -> list[str]:
    if not board.failures:
        return []
    lines = [f"failed cells: {len(board.failures)}"]
    for failure in board.failures[:FAILURES_SHOWN]:
        where = f"{failure['task']}: {failure['model']}, {failure['shift']}, seed {failure['seed']}"
        lines.append(visible(f"  {where}: {failure['reason']}"))
    if len(board.failures) > FAILURES_SHOWN:
        lines.append(f"  and {len(board.failures) - FAILURES_SHOWN} more, in cells.jsonl")
    return lines


def _comparison_tables(board: Comparison) -> Iterator[TextTable]:
    first, second = map(visible, board.models)
    for part in board.tasks:
        title = f"{visible(part.task)}: {visible(board.metric)}, {better_text(board.direction)}; {first} less {second}"
        title += f", 95% intervals over {board.over}" if board.seeds > 1 else "; one seed, so no interval and no test"
        rows = [_contrast(contrast, contrast.shift) for contrast in part.shifts]
        if len(part.shifts) > 1:
            rows.append(_contrast(part.overall, "all shifts"))
        yield TextTable(title, ("shift", first, second, "difference", "interval", "p", "better"), tuple(rows))


def _contrast(contrast: Contrast, label: str) -> tuple[str, ...]:
    ends = contrast.low, contrast.high
    return (
        visible(label),
        mean_text(contrast.first),
        mean_text(contrast.second),
        "-" if contrast.difference is None else _signed(contrast.difference),
        "-" if ends[0] is None or ends[1] is None else f"[{_signed(ends[0])}, {_signed(ends[1])}]",
        _probability(contrast.p_adjusted),
        "-" if contrast.p_adjusted is None else visible(contrast.better or "cannot tell"),
    )


def _summary(board: Comparison, part: TaskComparison) -> str:
    first, second = board.models
    found = part.improvement
    if found.estimate != found.estimate:
        return visible(f"{part.task}: the two models have no shift in common")
    text = f"{part.task}: a run of {first} is better than one of {second} with probability {found.estimate:.2f}"
    if found.low is not None and found.high is not None:
        text += f" [{found.low:.2f}, {found.high:.2f}]"
    if part.signed_rank.pairs > 1:
        text += f"; over {part.signed_rank.pairs} shifts: signed-rank p {_probability(part.signed_rank.p_value)}"
        text += f"; probability that {first} is better by over 1% {part.bayesian.first_better:.2f}"
        text += f", {second} {part.bayesian.second_better:.2f}, neither {part.bayesian.equivalent:.2f}"
    return visible(text + ".")


def better_text(direction: Direction) -> str:
    """Which scores are better."""
    return f"{direction} is better" if isinstance(direction, str) else f"best at {direction:g}"


def spread_text(seeds: int) -> str:
    """What stands behind a score."""
    return f"mean ± sd over {seeds} seeds" if seeds > 1 else "one seed, so no spread"


def _number(value: float) -> str:
    text = f"{value:.3g}" if abs(value) >= 100 else f"{value:.3f}"
    return text.removeprefix("-") if text == "-0.000" else text


def _signed(value: float) -> str:
    text = _number(value)
    return text if text.startswith("-") or text == "0.000" else f"+{text}"


def _probability(value: float | None) -> str:
    if value is None or value != value:
        return "-"
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def mean_text(value: Value | None) -> str:
    """A score, a dash where there is none."""
    return "-" if value is None else _number(value.mean)


def value_text(value: Value | None) -> str:
    """A score with its spread over seeds."""
    if value is None:
        return "-"
    return _number(value.mean) + ("" if value.sd is None else f" ± {_number(value.sd)}")


def interval_text(value: Value | None) -> str:
    """A score with its interval, or with its spread where there is none."""
    if value is None or value.low is None or value.high is None:
        return value_text(value)
    return f"{_number(value.mean)} [{_number(value.low)}, {_number(value.high)}]"
