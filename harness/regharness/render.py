"""Draw leaderboards, matrices and comparisons in terminals, notebooks and Markdown. Computes no score.

Names come from strangers: no character of theirs is read as markup.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import jinja2
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from regharness.board_plain import Board, as_json, plain, to_csv
from regharness.board_tables import SHOWN_METRICS, WORDS, TextTable, notes, tables
from regharness.board_tables import visible as visible
from regharness.leaderboard import Leaderboard

GAP = 2
"""Blanks between two columns of a terminal table."""


class BoardView:
    """A leaderboard, matrix or comparison that draws itself in a terminal and in a notebook."""

    def __init__(self, board: Board) -> None:
        self.board = board

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Rows of a leaderboard or matrix, tasks of a comparison, as plain values."""
        values = plain(self.board)
        rows: list[dict[str, Any]] = values["rows"] if "rows" in values else values["tasks"]
        return rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for table in self._fitting(console, options):
            yield Text(table.title, style="bold")
            yield rich_table(table)
            yield Text()
        failed = isinstance(self.board, Leaderboard) and bool(self.board.failures)
        for line in notes(self.board):
            yield Text(line, style="red" if failed and not line.startswith("A range") else "dim")

    def _fitting(self, console: Console, options: ConsoleOptions) -> Iterator[TextTable]:
        """Tables no wider than the terminal: nothing is cut."""
        shown = range(SHOWN_METRICS, -1, -1) if isinstance(self.board, Leaderboard) and not self.board.columns else [0]
        wide = options.update(max_width=10_000)
        for metrics in shown:
            found = list(tables(self.board, metrics))
            widths = [Measurement.get(console, wide, rich_table(table)).maximum for table in found]
            if max(widths, default=0) <= options.max_width:
                yield from found
                return
        if isinstance(self.board, Leaderboard) and not self.board.columns:
            # The words of a leaderboard wrap.
            yield from found
            return
        for table in found:
            yield from split_table(table, options.max_width)

    def _repr_html_(self) -> str:
        return _NOTEBOOK.render(tables=list(tables(self.board)), notes=notes(self.board))


def render(views: Sequence[BoardView], form: str) -> str:
    """Draw views as ``table``, ``markdown``, ``csv`` or ``json`` text; several follow one another.

    JSON of one view is an object, of several a list of them.
    """
    boards = [view.board for view in views]
    if form == "json":
        values = [plain(board) for board in boards]
        return as_json(values[0] if len(values) == 1 else values)
    if form == "csv":
        return "".join(to_csv(board) for board in boards)
    if form == "markdown":
        return "\n".join(to_markdown(board) for board in boards)
    text = io.StringIO()
    Console(file=text, width=160).print(*views)
    return text.getvalue()


def to_markdown(board: Board) -> str:
    """A table a task, with what is to be said of them below."""
    parts = [markdown_table(table) for table in tables(board)]
    below = notes(board)
    if below:
        parts.append("\n".join(f"- {escape_markdown(line)}" for line in below) + "\n")
    return "\n".join(parts)


def markdown_table(table: TextTable) -> str:
    """A table in Markdown, its title above it."""
    lines = [f"**{escape_markdown(table.title)}**", "", "| " + " | ".join(map(escape_markdown, table.header)) + " |"]
    lines.append("|" + "|".join("---" if name in WORDS else "---:" for name in table.header) + "|")
    lines += ["| " + " | ".join(map(escape_markdown, row)) + " |" for row in table.rows]
    return "\n".join(lines) + "\n"


def rich_table(table: TextTable) -> Table:
    """A table for a terminal, without its title."""
    drawn = Table(box=None, pad_edge=False)
    for name in table.header:
        words = name in WORDS and name not in ("#", "severity")
        drawn.add_column(Text(name), justify="left" if words else "right", no_wrap=not words, overflow="fold")
    for index, row in enumerate(table.rows):
        style = "bold" if table.best and index == 0 and row[0] != "-" else ""
        drawn.add_row(*(Text(cell, style=style) for cell in row))
    return drawn


def split_table(table: TextTable, width: int) -> Iterator[TextTable]:
    """A table as several, each with the first columns and as many of the others as fit, one at least."""
    columns = list(zip(table.header, *table.rows, strict=True))
    widths = [max(map(cell_len, column)) + GAP for column in columns]
    kept = 2 if table.best else 1
    start = kept
    while start < len(columns):
        stop = start + 1
        while stop < len(columns) and sum(widths[:kept]) + sum(widths[start : stop + 1]) - GAP <= width:
            stop += 1
        shown = [*range(kept), *range(start, stop)]
        whole = table.title if start == kept else f"{table.title} (continued)"
        rows = tuple(tuple(row[i] for i in shown) for row in table.rows)
        yield TextTable(whole, tuple(table.header[i] for i in shown), rows, table.best)
        start = stop


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join("\\" + c if c in "\\`*[]<>|~&" else c for c in text)


_NOTEBOOK = jinja2.Environment(autoescape=True).from_string(
    """{% for table in tables %}<p><b>{{ table.title }}</b></p>
<table><thead><tr>{% for name in table.header %}<th>{{ name }}</th>{% endfor %}</tr></thead>
<tbody>{% for row in table.rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</tbody>
</table>
{% endfor %}{% for line in notes %}<p>{{ line }}</p>
{% endfor %}"""
)
