"""Own tables of text: what one is, and how a terminal, Markdown and a notebook show it. Reads no score.

Names come from strangers: no character of theirs is read as markup. Colours are the reader's own: a table is told by
bold type, a rule and alignment alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import jinja2
from rich.box import Box
from rich.cells import cell_len, chop_cells
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

PLAIN_WIDTH = 100
"""Columns of what is shown on no terminal, but in a file or a pipe."""
GAP = 2
"""Blanks between two columns of a terminal table."""
FOLDED = 12
"""A name is never folded to less than so many columns of a terminal."""

_RULED = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
_NUMBER = re.compile(r"([+<-]?(?:\d[\d.]*(?:e[+-]\d+)?|inf|nan)|-)")
_SYLLABLE = re.compile(r"@?[^_@+./: -]*[_+./: -]?")


@dataclass(frozen=True)
class Column:
    """A column of text.

    Attributes
    ----------
    align
        ``"left"`` for words, ``"right"``, or ``"parts"`` for numbers whose parts, such as the ends of an interval,
        stand below each other in a terminal.
    """

    name: str
    cells: tuple[str, ...]
    align: Literal["left", "right", "parts"] = "parts"

    @property
    def words(self) -> bool:
        """Whether it is read, not compared digit by digit."""
        return self.align == "left"


@dataclass(frozen=True)
class TextTable:
    """A table of text.

    Attributes
    ----------
    caption
        Phrases below its title.
    best
        Rows that stand out.
    kept
        How many of the first columns are said again where the others do not fit beside each other.
    """

    title: str
    columns: tuple[Column, ...]
    caption: tuple[str, ...] = ()
    best: frozenset[int] = frozenset()
    kept: int = 1

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """Its cells, row by row."""
        return list(zip(*(column.cells for column in self.columns), strict=True))


def fitting(layouts: Iterable[Sequence[TextTable]], width: int) -> list[TextTable]:
    """The first of several layouts of the same tables that is no wider than a terminal.

    Where none is, long names are folded, and where that is not enough, the last layout is cut into tables below each
    other.
    """
    tried = [[_aligned(table) for table in layout] for layout in layouts]
    # The narrowest first: in it names are folded least.
    folded = ([_squeezed(table, width) for table in layout] for layout in reversed(tried))
    for layout in (*tried, *folded):
        if all(_width(table) <= width for table in layout):
            return layout
    return [part for table in tried[-1] for part in _split(table, width)]


def drawn(table: TextTable, width: int) -> Iterator[RenderableType]:
    """What a terminal shows of a table, its title and caption above it."""
    yield Text(table.title, style="bold")
    for line in packed(table.caption, width):
        yield Text(line)
    shown = Table(box=_RULED, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0), header_style="")
    for column in table.columns:
        shown.add_column(Text(column.name), justify="left" if column.words else "right", overflow="fold")
    for index, row in enumerate(table.rows):
        shown.add_row(*(Text(cell) for cell in row), style="bold" if index in table.best else "")
    yield shown
    yield Text()


def packed(phrases: Sequence[str], width: int) -> list[str]:
    """Phrases as lines that break between them, not within, where one is no longer than a line."""
    lines: list[str] = []
    for phrase in phrases:
        if lines and cell_len(lines[-1]) + cell_len(phrase) + 2 <= width:
            lines[-1] += f"; {phrase}"
        else:
            lines.append(phrase)
    return lines


def markdown_table(table: TextTable) -> str:
    """A table in Markdown, its title and caption above it."""
    title = f"**{escape_markdown(table.title)}**"
    if table.caption:
        title += f"; {escape_markdown('; '.join(table.caption))}"
    header = [escape_markdown(column.name) for column in table.columns]
    lines = [title, "", "| " + " | ".join(header) + " |"]
    lines.append("|" + "|".join("---" if column.words else "---:" for column in table.columns) + "|")
    lines += ["| " + " | ".join(map(escape_markdown, row)) + " |" for row in table.rows]
    return "\n".join(lines) + "\n"


def html_table(table: TextTable) -> str:
    """A table in HTML for a notebook: no colour of its own, no character of a name read as markup."""
    return _HTML.render(table=table, caption="; ".join(table.caption))


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join("\\" + c if c in "\\`*[]<>|~&" else c for c in text)


def _aligned(table: TextTable) -> TextTable:
    """The table with the numbers of a column below each other, each part of a cell below the same part."""
    return replace(
        table,
        columns=tuple(
            replace(column, cells=_in_line(column.cells)) if column.align == "parts" else column
            for column in table.columns
        ),
    )


def _in_line(cells: tuple[str, ...]) -> tuple[str, ...]:
    # Each is text, number, text, ..., text.
    parts = [_NUMBER.split(cell) for cell in cells]
    shape = max(parts, key=len, default=[])
    alike = [part[::2] == shape[::2] or (not part[-1] and part[:-1:2] == shape[: len(part) - 1 : 2]) for part in parts]
    widths = [
        max((len(part[i]) for part, same in zip(parts, alike, strict=True) if same and i < len(part)), default=0)
        for i in range(len(shape))
    ]
    whole = sum(widths)
    return tuple(
        "".join(text.rjust(widths[i]) for i, text in enumerate(part)).ljust(whole) if same else cell
        for part, same, cell in zip(parts, alike, cells, strict=True)
    )


def _widths(table: TextTable) -> list[int]:
    return [
        max(cell_len(line) for text in (column.name, *column.cells) for line in text.split("\n"))
        for column in table.columns
    ]


def _width(table: TextTable) -> int:
    widths = _widths(table)
    return sum(widths) + GAP * (len(widths) - 1)


def _squeezed(table: TextTable, width: int) -> TextTable:
    """The table with its longest names folded, so far as that helps it to fit."""
    widths = _widths(table)
    least = [
        min(now, max(FOLDED, 0 if column.words else max(map(cell_len, column.cells), default=0)))
        for now, column in zip(widths, table.columns, strict=True)
    ]
    while sum(widths) + GAP * (len(widths) - 1) > width and widths != least:
        room = [i for i, low in enumerate(least) if low < widths[i]]
        widths[max(room, key=lambda i: widths[i])] -= 1
    return _folded_to(table, widths)


def _folded_to(table: TextTable, widths: Sequence[int]) -> TextTable:
    columns = [
        replace(
            column,
            name=_folded(column.name, wide),
            cells=tuple(_folded(cell, wide) for cell in column.cells) if column.words else column.cells,
        )
        for column, wide in zip(table.columns, widths, strict=True)
    ]
    return replace(table, columns=tuple(columns))


def _folded(text: str, width: int) -> str:
    """A name in lines, broken after punctuation where it can be."""
    if cell_len(text) <= width:
        return text
    lines = [""]
    for syllable in filter(None, _SYLLABLE.findall(text)):
        for piece in chop_cells(syllable, width):
            if cell_len(lines[-1]) + cell_len(piece) > width:
                lines.append("")
            lines[-1] += piece
    return "\n".join(lines)


def _split(table: TextTable, width: int) -> Iterator[TextTable]:
    """The table as several, each with the first columns and its share of the others, one at least."""
    table = _folded_to(table, [max(FOLDED, width // 3)] * len(table.columns))
    head, rest = table.columns[: table.kept], table.columns[table.kept :]

    def part(start: int, stop: int) -> TextTable:
        shown = replace(table, columns=(*head, *rest[start:stop]))
        return replace(shown, title=f"{table.title} (continued)", caption=()) if start else shown

    def fit(start: int, stop: int) -> bool:
        return stop - start == 1 or _width(part(start, stop)) <= width

    ends = [0]
    while ends[-1] < len(rest):
        stop = ends[-1] + 1
        while stop < len(rest) and fit(ends[-1], stop + 1):
            stop += 1
        ends.append(stop)
    share = math.ceil(len(rest) / (len(ends) - 1))
    even = [*range(0, len(rest), share), len(rest)]
    ends = even if all(map(fit, even[:-1], even[1:])) else ends
    yield from map(part, ends[:-1], ends[1:])


_HTML = jinja2.Environment(autoescape=True, trim_blocks=True).from_string(
    """<table style="border-collapse:collapse;margin:.5em 0;font-size:inherit;font-variant-numeric:tabular-nums">
<caption style="caption-side:top;text-align:left;color:inherit;padding:0"><b>{{ table.title }}</b>
{%- if caption %}<br>{{ caption }}{% endif %}</caption>
<thead><tr style="border-bottom:1px solid currentColor">
{% for column in table.columns %}
<th scope="col" style="padding:.15em .6em;text-align:{{ "left" if column.words else "right" }}">{{ column.name }}</th>
{% endfor %}
</tr></thead>
<tbody>
{% for row in table.rows %}
<tr{% if loop.index0 in table.best %} style="font-weight:bold"{% endif %}>
{% for cell in row %}
{% set words = table.columns[loop.index0].words %}
<td style="padding:.15em .6em;text-align:{{ "left" if words else "right;white-space:nowrap" }}">{{ cell }}</td>
{% endfor %}
</tr>
{% endfor %}
</tbody>
</table>
"""
)
