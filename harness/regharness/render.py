"""Draw leaderboards, matrices and comparisons in terminals, notebooks, Markdown, CSV and JSON. Computes no score."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from regharness.board_plain import Board, as_json, plain, to_csv
from regharness.board_tables import failures, layouts, notes
from regharness.board_tables import visible as visible
from regharness.text_tables import PLAIN_WIDTH, drawn, escape_markdown, fitting, html_table, markdown_table, packed


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
        width = options.max_width
        for table in fitting(layouts(self.board), width):
            yield from drawn(table, width)
        # Nobody searches a pipe for half a sentence.
        whole = not console.is_terminal
        facts: dict[str, Any] = {"no_wrap": True, "overflow": "ignore"} if whole else {}
        said, failed = notes(self.board), failures(self.board)
        for line in said:
            yield from (Text(text, **facts) for text in ([line] if whole else packed(line.split("; "), width)))
        for line in failed:
            yield Text(line, style="bold red" if line is failed[0] else "", **facts)
        if said or failed:
            yield Text()

    def __repr__(self) -> str:
        return as_text([self], shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns).rstrip("\n")

    def _repr_html_(self) -> str:
        whole = next(layouts(self.board))
        below = [Markup("<div>{}</div>").format(line) for line in (*notes(self.board), *failures(self.board))]
        return "\n".join([*map(html_table, whole), *map(str, below)])


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
    return as_text(views)


def as_text(views: Sequence[Any], width: int = PLAIN_WIDTH) -> str:
    """What draws itself in a terminal, as text without colour."""
    text = io.StringIO()
    # In a notebook rich would show it there, whatever the file.
    Console(file=text, width=width, color_system=None, force_jupyter=False).print(*views, crop=False)
    return text.getvalue()


def to_markdown(board: Board) -> str:
    """A table a task, with what is to be said of them below."""
    parts = [markdown_table(table) for table in next(layouts(board))]
    below = [*notes(board), *failures(board)]
    if below:
        parts.append("\n".join(f"- {escape_markdown(line)}" for line in below) + "\n")
    return "\n".join(parts)
