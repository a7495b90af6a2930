"""Draw leaderboards as terminal tables, Markdown, CSV, JSON and notebook HTML. Computes no score.

Names come from strangers: no character of theirs is read as markup, formula or control sequence.
"""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import jinja2
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from regharness.leaderboard import Direction, Leaderboard, Matrix, Row, Value

SCHEMA_VERSION = 1
FAILURES_SHOWN = 5
# Beside the ranked metric, what tells most about trust; the rest is in the other formats.
SHOWN_METRICS = 4
GAP = 2
"""Blanks between two columns of a terminal table."""


class LeaderboardView:
    """A leaderboard or matrix that draws itself in a terminal and in a notebook."""

    def __init__(self, board: Leaderboard | Matrix) -> None:
        self.board = board

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Rows as plain values."""
        rows: list[dict[str, Any]] = plain(self.board)["rows"]
        return rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # As many of the other metrics as fit: nothing is cut.
        for metrics in range(SHOWN_METRICS, -1, -1):
            tables = [_rich_table(*parts) for parts in _tables(self.board, metrics)]
            wide = options.update(max_width=10_000)
            if max((Measurement.get(console, wide, table).maximum for table in tables), default=0) <= options.max_width:
                break
        if isinstance(self.board, Matrix):
            tables = [_rich_table(*part) for parts in _tables(self.board) for part in _split(*parts, options.max_width)]
        for table in tables:
            yield table
            yield Text()
        if isinstance(self.board, Leaderboard):
            for line in _failures(self.board):
                yield Text(line, style="red")

    def _repr_html_(self) -> str:
        return _NOTEBOOK.render(tables=list(_tables(self.board)))


def render(views: Sequence[LeaderboardView], form: str) -> str:
    """Draw views as ``table``, ``markdown``, ``csv`` or ``json`` text; several follow one another.

    JSON of one view is an object, of several a list of them.
    """
    boards = [view.board for view in views]
    if form == "json":
        values = [plain(board) for board in boards]
        return json.dumps(values[0] if len(values) == 1 else values, indent=2, ensure_ascii=False) + "\n"
    if form == "csv":
        return "".join(to_csv(board) for board in boards)
    if form == "markdown":
        return "\n".join(to_markdown(board) for board in boards)
    text = io.StringIO()
    Console(file=text, width=160).print(*views)
    return text.getvalue()


def to_json(board: Leaderboard | Matrix) -> str:
    """JSON text of `plain`."""
    return json.dumps(plain(board), indent=2, ensure_ascii=False) + "\n"


def plain(board: Leaderboard | Matrix) -> dict[str, Any]:
    """A stable schema of plain values.

    A leaderboard is ``{schema_version, name, rank_by, direction, seeds, rows, failures}``; a row is ``{task,
    model, rank, identity, shifted, worst, worst_shift, metrics: {name: {identity, worst}}, seeds_done, seeds,
    cells_failed, cells_missing}``; a value is ``{mean, sd, seeds}`` or null. A matrix is ``{schema_version,
    name, metric, direction, seeds, by, rows}`` with rows ``{task, model, values: {column: value}}``. JSON has
    no infinity: an infinite score is the text "inf" or "-inf".
    """
    head: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "name": board.name}
    if isinstance(board, Matrix):
        rows = [
            {"task": task, "model": model, "values": dict(zip(board.columns[task], map(_plain, values), strict=True))}
            for (task, model), values in board.values.items()
        ]
        facts = {"metric": board.metric, "direction": board.direction, "seeds": board.seeds, "by": board.by}
        return {**head, **facts, "rows": rows}
    facts = {"rank_by": board.rank_by, "direction": board.direction, "seeds": board.seeds}
    return {**head, **facts, "rows": [_plain_row(row) for row in board.rows], "failures": list(board.failures)}


def to_csv(board: Leaderboard | Matrix) -> str:
    """One line a model and, of a matrix, column; numbers in full. A text that a spreadsheet would run is quoted."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if isinstance(board, Matrix):
        writer.writerow(["task", "model", board.by, f"{board.metric}_mean", f"{board.metric}_sd", "seeds"])
        for (task, model), values in board.values.items():
            for column, value in zip(board.columns[task], values, strict=True):
                writer.writerow([_cell(task), _cell(model), _cell(column), *_numbers(value)])
        return text.getvalue()
    columns = ["identity", "shifted", "worst"]
    header = ["task", "rank", "model", "rank_by", "worst_shift", "seeds_done", "seeds", "cells_failed", "cells_missing"]
    header += [f"{name}_{part}" for name in columns for part in ("mean", "sd")]
    header += [f"{name}_{where}" for name in board.metrics for where in ("identity", "worst")]
    writer.writerow(header)
    for row in board.rows:
        facts: list[Any] = [_cell(row.task), row.rank, _cell(row.model), board.rank_by, _cell(row.worst_shift or "")]
        facts += [row.seeds_done, row.seeds, row.cells_failed, row.cells_missing]
        for value in (row.identity, row.shifted, row.worst):
            facts += _numbers(value)[:2]
        for name in board.metrics:
            facts += [None if value is None else value.mean for value in row.metrics[name]]
        writer.writerow(facts)
    return text.getvalue()


def to_markdown(board: Leaderboard | Matrix) -> str:
    """A table a task, with the failures below."""
    parts = []
    for title, header, rows in _tables(board):
        lines = [f"**{_markdown(title)}**", "", "| " + " | ".join(map(_markdown, header)) + " |"]
        left = ("#", "model", "worst shift", "shift", "severity")
        lines.append("|" + "|".join("---" if name in left else "---:" for name in header) + "|")
        lines += ["| " + " | ".join(map(_markdown, row)) + " |" for row in rows]
        parts.append("\n".join(lines) + "\n")
    if isinstance(board, Leaderboard) and board.failures:
        parts.append("\n".join(f"- {_markdown(line)}" for line in _failures(board)) + "\n")
    return "\n".join(parts)


def _rich_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=Text(title), title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in header:
        words = name in ("model", "worst shift", "shift")
        table.add_column(Text(name), justify="left" if words else "right", no_wrap=not words, overflow="fold")
    for row in rows:
        # Only a leaderboard has ranks, and its best row is the first.
        style = "bold" if header[0] == "#" and row[0] == "1" else ""
        table.add_row(*(Text(cell, style=style) for cell in row))
    return table


def _split(
    title: str, header: list[str], rows: list[list[str]], width: int
) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """A table as several, each with the first column and as many of the others as fit, one at least."""
    columns = list(zip(header, *rows, strict=True))
    widths = [max(map(cell_len, column)) + GAP for column in columns]
    start = 1
    while start < len(columns):
        stop = start + 1
        while stop < len(columns) and widths[0] + sum(widths[start : stop + 1]) - GAP <= width:
            stop += 1
        shown = [0, *range(start, stop)]
        whole = title if start == 1 else f"{title} (continued)"
        yield whole, [header[i] for i in shown], [[row[i] for i in shown] for row in rows]
        start = stop


def _tables(
    board: Leaderboard | Matrix, metrics: int = SHOWN_METRICS
) -> Iterable[tuple[str, list[str], list[list[str]]]]:
    """Title, header and cells of each task's table, as text that is safe to show."""
    over = f"mean ± sd over {board.seeds} seeds" if board.seeds > 1 else "one seed, so no spread"
    if isinstance(board, Matrix):
        for task, labels in board.columns.items():
            title = f"{visible(task)}: {visible(board.metric)} by {board.by}, {_better(board.direction)}; {over}"
            models = {model: values for (owner, model), values in board.values.items() if owner == task}
            rows = [
                [visible(label), *(_text(values[index]) for values in models.values())]
                for index, label in enumerate(labels)
            ]
            yield title, [board.by, *map(visible, models)], rows
        return
    shown = board.metrics[:metrics]
    for task in board.tasks:
        title = f"{visible(task)}: {visible(board.rank_by)}, {_better(board.direction)}; {over}"
        title += "; others on identity → at the worst shift" if shown else ""
        header = ["#", "model", "identity", "shifted", "worst", "worst shift", *map(visible, shown), "seeds"]
        yield title, header, [_cells(row, shown) for row in board.rows if row.task == task]


def _cells(row: Row, shown: Sequence[str]) -> list[str]:
    others = [" → ".join(map(_mean, row.metrics[name])) for name in shown]
    return [
        "-" if row.rank is None else str(row.rank),
        visible(row.model),
        _text(row.identity),
        _text(row.shifted),
        _text(row.worst),
        visible(row.worst_shift or "-"),
        *others,
        f"{row.seeds_done}/{row.seeds}",
    ]


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


def _better(direction: Direction) -> str:
    return f"{direction} is better" if isinstance(direction, str) else f"best at {direction:g}"


def _plain_row(row: Row) -> dict[str, Any]:
    values = {name: _plain(getattr(row, name)) for name in ("identity", "shifted", "worst")}
    metrics = {
        name: {"identity": _plain(identity), "worst": _plain(worst)} for name, (identity, worst) in row.metrics.items()
    }
    names = ("task", "model", "rank", "worst_shift", "seeds_done", "seeds", "cells_failed", "cells_missing")
    return {**{name: getattr(row, name) for name in names}, **values, "metrics": metrics}


def _plain(value: Value | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {key: _finite(number) for key, number in asdict(value).items()}


def _finite(number: float | int | None) -> float | int | str | None:
    if isinstance(number, float) and number in (float("inf"), float("-inf")):
        return "inf" if number > 0 else "-inf"
    return None if number is None or number != number else number


def _numbers(value: Value | None) -> list[float | int | None]:
    return [None, None, None] if value is None else [value.mean, value.sd, value.seeds]


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) >= 100 else f"{value:.3f}"


def _mean(value: Value | None) -> str:
    return "-" if value is None else _number(value.mean)


def _text(value: Value | None) -> str:
    if value is None:
        return "-"
    return _number(value.mean) + ("" if value.sd is None else f" ± {_number(value.sd)}")


def visible(text: str) -> str:
    """Escape control, format and line-separator characters, which a terminal would act on."""
    risky = ("Cc", "Cf", "Zl", "Zp", "Cs")
    return "".join(ascii(c)[1:-1] if unicodedata.category(c) in risky else c for c in text)


def _markdown(text: str) -> str:
    return "".join("\\" + c if c in "\\`*[]<>|" else c for c in text)


def _cell(text: str) -> str:
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


_NOTEBOOK = jinja2.Environment(autoescape=True).from_string(
    """{% for title, header, rows in tables %}<p><b>{{ title }}</b></p>
<table><thead><tr>{% for name in header %}<th>{{ name }}</th>{% endfor %}</tr></thead>
<tbody>{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</tbody></table>
{% endfor %}"""
)
