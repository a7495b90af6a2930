"""Turn leaderboards, matrices and comparisons into plain values, JSON and CSV. Formats no number for reading."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from collections.abc import Mapping
from typing import Any

from regharness.comparison import Comparison, Contrast
from regharness.leaderboard import Leaderboard, Matrix
from regharness.score_tables import Value

SCHEMA_VERSION = 1

Board = Leaderboard | Matrix | Comparison


def plain(board: Board) -> dict[str, Any]:
    """Plain values of a stable schema, which `regharness schema --kind leaderboard` and its like print.

    Field names are those of `Leaderboard`, `Row`, `Value`, `Matrix` and `Comparison`, whose docstrings say what they
    mean. What is not there is null. JSON has no infinity: an infinite score is the text "inf" or "-inf".
    """
    head: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "name": board.name}
    if isinstance(board, Matrix):
        rows = [
            {
                "task": task,
                "model": model,
                "values": dict(zip(board.columns[task], map(plain_value, values), strict=True)),
            }
            for (task, model), values in board.values.items()
        ]
        facts = {"metric": board.metric, "direction": board.direction, "seeds": board.seeds, "by": board.by}
        return {**head, **facts, "rows": rows}
    return {**head, **plain_value(board)}


def to_json(board: Board) -> str:
    """JSON text of `plain`."""
    return as_json(plain(board))


def as_json(value: Any) -> str:
    """JSON text of plain values."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def to_csv(board: Board) -> str:
    """One line a model, a model and column of a matrix, or a shift of a comparison; numbers in full.

    A text that a spreadsheet would run is quoted.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    rows = _matrix_lines(board) if isinstance(board, Matrix) else None
    if isinstance(board, Leaderboard):
        rows = _leaderboard_lines(board)
    elif isinstance(board, Comparison):
        rows = _comparison_lines(board)
    writer.writerows([[safe_cell(cell) for cell in row] for row in rows or []])
    return text.getvalue()


VALUE_PARTS = ("mean", "sd", "low", "high")
"""What CSV has of a score, each in a column."""


def _matrix_lines(board: Matrix) -> list[list[Any]]:
    header = ["task", "model", board.by, *(f"{board.metric}_{part}" for part in VALUE_PARTS), "seeds"]
    return [
        header,
        *(
            [task, model, column, *value_numbers(value), None if value is None else value.seeds]
            for (task, model), values in board.values.items()
            for column, value in zip(board.columns[task], values, strict=True)
        ),
    ]


def _leaderboard_lines(board: Leaderboard) -> list[list[Any]]:
    facts = ("task", "rank", "rank_low", "rank_high", "model", "rank_by", "worst_shift")
    counts = ("seeds_done", "seeds", "cells_failed", "cells_missing")
    ranked = ("identity", "shifted", "worst")
    header = [*facts, *counts, *(f"{name}_{part}" for name in ranked for part in VALUE_PARTS)]
    header += [f"{name}_{where}" for name in board.metrics for where in ("identity", "worst")]
    lines: list[list[Any]] = [[*header, *board.summaries]]
    for row in board.rows:
        line = [board.rank_by if name == "rank_by" else getattr(row, name) for name in (*facts, *counts)]
        line += [number for name in ranked for number in value_numbers(getattr(row, name))]
        spots = [row.metrics[name] for name in board.metrics]
        line += [_mean(value) for spot in spots for value in (spot.identity, spot.worst)]
        lines.append([*line, *(_mean(row.summaries[name]) for name in board.summaries)])
    return lines


def _comparison_lines(board: Comparison) -> list[list[Any]]:
    numbers = ("difference", "low", "high", "p_value", "p_adjusted", "better")
    lines: list[list[Any]] = [["task", "shift", "metric", "first", "second", "first_mean", "second_mean", *numbers]]

    def line(task: str, shift: str, contrast: Contrast) -> list[Any]:
        means = [_mean(contrast.first), _mean(contrast.second)]
        return [task, shift, board.metric, *board.models, *means, *(getattr(contrast, name) for name in numbers)]

    for part in board.tasks:
        lines += [line(part.task, contrast.shift, contrast) for contrast in part.shifts]
        lines.append(line(part.task, "all shifts", part.overall))
    return lines


def _mean(value: Value | None) -> float | None:
    return None if value is None else value.mean


def value_numbers(value: Value | None) -> list[float | None]:
    """The `VALUE_PARTS` of a score; None where it is missing."""
    return [None] * len(VALUE_PARTS) if value is None else [getattr(value, part) for part in VALUE_PARTS]


def plain_value(value: Any) -> Any:
    """Dataclasses and the like as plain values; an infinite number as a text, a NaN as None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain_value(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {name: plain_value(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return [plain_value(part) for part in value]
    if isinstance(value, float):
        if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        return None if math.isnan(value) else value
    return value


def safe_cell(value: Any) -> Any:
    """A cell of CSV; a text that a spreadsheet would run is quoted."""
    text = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return "'" + value if text else value
