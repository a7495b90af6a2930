"""Draw robustness summaries as terminal tables, Markdown, CSV and JSON. Computes no score."""

from __future__ import annotations

import csv
import io
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult

from regharness.board_plain import VALUE_PARTS, as_json, plain_value, safe_cell, value_numbers
from regharness.board_tables import better_text, mean_text, spread_text, value_text, visible
from regharness.render import as_text
from regharness.text_tables import Column, TextTable, drawn, fitting, markdown_table
from regharness_metrics.summary import MEASURES, RobustnessSummary

SCHEMA_VERSION = 1


class SummaryView:
    """A summary that draws itself in a terminal: means alone, so that a row fits."""

    def __init__(self, summary: RobustnessSummary) -> None:
        self.summary = summary

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for table in fitting([_tables(self.summary, spread=False)], options.max_width):
            yield from drawn(table, options.max_width)


def render(summary: RobustnessSummary, form: str) -> str:
    """Draw a summary as ``table``, ``markdown``, ``csv`` or ``json`` text."""
    if form == "json":
        return as_json(plain(summary))
    if form == "csv":
        return _to_csv(summary)
    if form == "markdown":
        return "\n".join(map(markdown_table, _tables(summary, spread=True)))
    return as_text([SummaryView(summary)])


def plain(summary: RobustnessSummary) -> dict[str, Any]:
    """A stable schema of plain values.

    ``{schema_version, name, metric, direction, seeds, rows}``; a row is ``{task, model, reference, worst_shift,
    values}`` with a value for each of `MEASURES`: ``{mean, sd, seeds, low, high}``, or null where it is missing. JSON
    has no infinity: an infinite score is the text "inf" or "-inf".
    """
    return {"schema_version": SCHEMA_VERSION, **plain_value(summary)}


def _to_csv(summary: RobustnessSummary) -> str:
    """One line a task and model; numbers in full."""
    header = ["task", "model", "metric", "reference", "worst_shift"]
    lines: list[list[Any]] = [[*header, *(f"{name}_{part}" for name in MEASURES for part in VALUE_PARTS)]]
    for row in summary.rows:
        facts = [row.task, row.model, summary.metric, row.reference, row.worst_shift]
        lines.append([*facts, *(number for name in MEASURES for number in value_numbers(row.values[name]))])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[safe_cell(cell) for cell in line] for line in lines])
    return text.getvalue()


def _tables(summary: RobustnessSummary, *, spread: bool) -> list[TextTable]:
    shown = value_text if spread else mean_text
    spreads = spread_text(summary.seeds) if spread else f"mean over {summary.seeds} seed{'s'[: summary.seeds != 1]}"
    found = []
    for task in dict.fromkeys(row.task for row in summary.rows):
        rows = [row for row in summary.rows if row.task == task]
        columns = [Column(name.replace("_", " "), tuple(shown(row.values[name]) for row in rows)) for name in MEASURES]
        place = MEASURES.index("worst") + 1
        columns.insert(place, Column("worst shift", tuple(visible(row.worst_shift or "-") for row in rows), "left"))
        models = Column("model", tuple(visible(row.model) for row in rows), "left")
        title = f"{visible(task)}: {visible(summary.metric)}, {better_text(summary.direction)}"
        caption = (spreads, f"mce beside {visible(rows[0].reference)}")
        found.append(TextTable(title, (models, *columns), caption))
    return found
