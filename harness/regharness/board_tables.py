"""Lay leaderboards, matrices and comparisons out as tables of text that is safe to show. Draws nothing.

Names come from strangers: no character of theirs reaches a terminal as a control sequence.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from regharness.board_plain import Board
from regharness.comparison import Comparison, Contrast, TaskComparison
from regharness.leaderboard import Leaderboard, Matrix, Row
from regharness.metric_protocols import Direction
from regharness.score_tables import Value
from regharness.text_tables import Column, TextTable

FAILURES_SHOWN = 5
# Beside the ranked metric, what tells most about trust; the rest is in the other formats.
SHOWN_METRICS = 4


def layouts(board: Board) -> Iterator[list[TextTable]]:
    """Its tables, one a task, from the layout that tells most to the one that is narrowest."""
    if isinstance(board, Matrix):
        yield from (_matrix_tables(board, spread) for spread in ((True, False) if board.seeds > 1 else (True,)))
    elif isinstance(board, Comparison):
        yield from (_comparison_tables(board, level) for level in range(3))
    else:
        # What a reader chose is shown whatever its width.
        for metrics in range(0 if board.columns else SHOWN_METRICS, -1, -1):
            shown = board.columns or (*board.metrics, *board.summaries)[:metrics]
            yield _leaderboard_tables(board, shown)
        if board.seeds > 1:
            yield _leaderboard_tables(board, board.columns, spread=False)


def notes(board: Board) -> list[str]:
    """Lines to read below the tables."""
    if isinstance(board, Leaderboard):
        return _rank_notes(board)
    return [_summary(board, part) for part in board.tasks] if isinstance(board, Comparison) else []


def failures(board: Board) -> list[str]:
    """What failed, in lines: how many cells, then the first of them."""
    if not isinstance(board, Leaderboard) or not board.failures:
        return []
    lines = [f"failed cells: {len(board.failures)}"]
    for failure in board.failures[:FAILURES_SHOWN]:
        where = f"{failure['task']}: {failure['model']}, {failure['shift']}, seed {failure['seed']}"
        lines.append(visible(f"  {where}: {failure['reason']}"))
    if len(board.failures) > FAILURES_SHOWN:
        lines.append(f"  and {len(board.failures) - FAILURES_SHOWN} more, in cells.jsonl")
    return lines


def visible(text: str) -> str:
    """Escape control, format and line-separator characters, which a terminal would act on."""
    risky = ("Cc", "Cf", "Zl", "Zp", "Cs")
    return "".join(ascii(c)[1:-1] if unicodedata.category(c) in risky else c for c in text)


def _matrix_tables(board: Matrix, spread: bool) -> list[TextTable]:
    shown = value_text if spread else mean_text
    found = []
    for task, labels in board.columns.items():
        title = f"{visible(task)}: {visible(board.metric)} by {board.by}, {better_text(board.direction)}"
        models = {model: values for (owner, model), values in board.values.items() if owner == task}
        columns = [Column(board.by, tuple(map(visible, labels)), "left" if board.by == "shift" else "right")]
        columns += [Column(visible(model), tuple(map(shown, values))) for model, values in models.items()]
        found.append(TextTable(title, tuple(columns), (_spread(board.seeds, spread),)))
    return found


def _leaderboard_tables(board: Leaderboard, shown: Sequence[str], spread: bool = True) -> list[TextTable]:
    caption = ["one seed, so no spread and no interval"]
    if board.seeds > 1:
        caption = [_spread(board.seeds, spread), f"95% intervals over {board.over}"]
    if any(name in board.metrics for name in shown):
        caption.append("others on identity → at the worst shift")
    found = []
    for task in board.tasks:
        rows = [row for row in board.rows if row.task == task]
        title = f"{visible(task)}: {visible(board.rank_by)}, {better_text(board.direction)}"
        best = frozenset(index for index, row in enumerate(rows) if row.rank == 1)
        found.append(TextTable(title, tuple(_columns(rows, shown, spread)), tuple(caption), best, kept=2))
    return found


def _columns(rows: Sequence[Row], shown: Sequence[str], spread: bool) -> Iterator[Column]:
    yield Column("#", tuple(map(_place, rows)), "right")
    yield Column("model", tuple(visible(row.model) for row in rows), "left")
    yield Column("identity", tuple((value_text if spread else mean_text)(row.identity) for row in rows))
    yield Column("shifted", tuple(interval_text(row.shifted) for row in rows))
    yield Column("worst", tuple(mean_text(row.worst) for row in rows))
    yield Column("worst shift", tuple(visible(row.worst_shift or "-") for row in rows), "left")
    for name in shown:
        yield Column(visible(name), tuple(_metric_text(row, name) for row in rows))
    if any(row.seeds_done < row.seeds for row in rows):
        yield Column("seeds", tuple(f"{row.seeds_done}/{row.seeds}" for row in rows), "right")


def _metric_text(row: Row, name: str) -> str:
    if name not in row.metrics:
        return value_text(row.summaries[name])
    return f"{mean_text(row.metrics[name].identity)} → {mean_text(row.metrics[name].worst)}"


def _place(row: Row) -> str:
    """The rank in a table: a star where the range alone does not tell which model is first."""
    return f"*{rank_text(row)}" if row.rank == 1 and "–" in rank_text(row) else rank_text(row)


def rank_text(row: Row) -> str:
    """A rank, or the range of ranks that the data allow."""
    if row.rank is None:
        return "-"
    if row.rank_low is None or row.rank_low == row.rank_high:
        return str(row.rank)
    return f"{row.rank_low}–{row.rank_high}"


def _rank_notes(board: Leaderboard) -> list[str]:
    if any("–" in rank_text(row) for row in board.rows):
        told = "A range of ranks: the data cannot tell the models in it apart"
        how = "paired tests, 5%, Holm" if board.ranking == "tests" else "95% of paired resamples of seeds and examples"
        return [f"{told}; {how}; * is the best mean."]
    return []


def _comparison_tables(board: Comparison, level: int) -> list[TextTable]:
    first, second = map(visible, board.models)
    caption = [f"{first} less {second}"]
    caption += [f"95% intervals over {board.over}" if board.seeds > 1 else "one seed, so no interval and no test"]
    caption += ([], ["p left out to fit"], ["p and scores left out to fit"])[level]
    found = []
    for part in board.tasks:
        title = f"{visible(part.task)}: {visible(board.metric)}, {better_text(board.direction)}"
        rows = [*part.shifts, *([part.overall] if len(part.shifts) > 1 else [])]
        columns = [
            Column("shift", tuple(visible(row.shift or "all shifts") for row in rows), "left"),
            Column(first, tuple(mean_text(row.first) for row in rows)),
            Column(second, tuple(mean_text(row.second) for row in rows)),
            Column("difference", tuple(map(_difference, rows))),
            Column("p", tuple(_probability(row.p_adjusted) for row in rows)),
            Column("better", tuple(map(_better, rows)), "left"),
        ]
        kept = [columns[place] for place in ((0, 1, 2, 3, 4, 5), (0, 1, 2, 3, 5), (0, 3, 5))[level]]
        found.append(TextTable(title, tuple(kept), tuple(caption)))
    return found


def _difference(contrast: Contrast) -> str:
    if contrast.difference is None:
        return "-"
    text = _signed(contrast.difference)
    if contrast.low is None or contrast.high is None:
        return text
    return f"{text} [{_signed(contrast.low)}, {_signed(contrast.high)}]"


def _better(contrast: Contrast) -> str:
    return "-" if contrast.p_adjusted is None else visible(contrast.better or "cannot tell")


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


def _spread(seeds: int, shown: bool) -> str:
    return spread_text(seeds) if shown else f"mean over {seeds} seeds, its spread left out to fit"


def _number(value: float) -> str:
    text = f"{value:.3g}" if abs(value) >= 1000 else f"{value:.3f}"
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
