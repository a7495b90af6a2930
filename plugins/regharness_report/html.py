"""Write a run as HTML. Computes no score; the template draws, Jinja2 escapes."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from regharness import dims
from regharness.board_tables import interval_text, rank_text, value_text, visible
from regharness.leaderboard import Leaderboard, Row, build, matrix
from regharness.run_folder import Run
from regharness.score_tables import metric_names, pick_metric
from regharness_report.figures import heat_rows, severity_plots

FAILURES_SHOWN = 20
MOVED = {
    dims.GC_MOVED: "+.3f",
    dims.EFFECTIVE_SIZE: ",.0f",
    dims.ORACLE_CORRELATION: ".2f",
    dims.TARGET_SD: ".2f",
    dims.NOISE_SD: ".2f",
}
"""What is told of each test set, and how its numbers are written."""


class HtmlReport:
    """One file a run: ranks, what every shift costs, how scores and coverage fall with severity."""

    suffix = ".html"

    def write(self, run: Run, path: Path) -> None:
        """Write the report; equal runs give equal bytes, but for their timings."""
        path.write_text(_template().render(**_content(run)), encoding="utf-8")


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
    )
    environment.filters.update(score=value_text, interval=interval_text, rank=rank_text)
    return environment.from_string((files("regharness_report") / "report.html.jinja").read_text())


def _shown(value: Any) -> Any:
    """Escape control characters of plain text; what is no text, or is markup already, stays as it is."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _content(run: Run) -> dict[str, Any]:
    scores = run.scores
    metric = pick_metric(scores, None, by_shift=False)
    board = build(scores, blocks=run.blocks(metric), failures=run.failures)
    # Ranked by one value of all shifts, models are followed by the first metric that has one a shift.
    ranked = matrix(scores, "shift", metric=metric if dims.SHIFT in scores[metric].dims else board.metrics[0])
    # Others, such as the gap of coverages, may be called alike.
    coverages = [name for name in metric_names(scores) if re.fullmatch(r"coverage_\d+", name)]
    coverage = matrix(scores, "shift", metric=coverages[-1]) if coverages else None
    nominal = float(coverages[-1].removeprefix("coverage_")) / 100 if coverages else None
    tasks = [
        {
            "name": task,
            "info": run.task_infos.get(task, {}),
            "rows": [row for row in board.rows if row.task == task],
            "summary": _summary(board, task),
            "columns": ranked.columns[task],
            "heat": heat_rows(ranked, task),
            "moved": _moved(scores.sel({dims.TASK: task}), ranked.columns[task]),
            "curves": severity_plots(ranked, task),
            "coverage": severity_plots(coverage, task, nominal) if coverage else [],
        }
        for task in board.tasks
    ]
    return {
        "run": run,
        "board": board,
        "better": f"{board.direction} is better"
        if isinstance(board.direction, str)
        else f"best at {board.direction:g}",
        "coverage": coverages[-1] if coverages else None,
        "nominal": nominal,
        "tasks": tasks,
        "failures": run.failures[:FAILURES_SHOWN],
        "more_failures": max(len(run.failures) - FAILURES_SHOWN, 0),
        "provenance": run.provenance,
    }


def _moved(scores: xr.Dataset, shifts: Sequence[str]) -> list[tuple[str, list[str]]]:
    """How far each test set is from identity: its magnitudes, averaged over seeds and outputs."""
    rows = []
    for shift in shifts:
        part = scores.sel({dims.SHIFT: shift})
        rows.append((shift, [_mean(part[name].values, form) for name, form in MOVED.items()]))
    return rows


def _mean(values: NDArray[np.float64], form: str) -> str:
    known = values[np.isfinite(values)]
    return format(known.mean(), form) if len(known) else "-"


def _summary(board: Leaderboard, task: str) -> str:
    """What the table says, in a sentence."""
    ranked = [row for row in board.rows if row.task == task and row.rank is not None]
    if not ranked:
        return "No model finished every cell of this task, so none is ranked."
    best = ranked[0]
    if best.worst is None or best.identity is None:
        return f"{best.model} ranks {_first(best)}."
    return (
        f"{best.model} ranks {_first(best)}: {board.rank_by} is {value_text(best.identity)} on unshifted data and "
        f"{value_text(best.worst)} at its worst shift, {best.worst_shift}."
    )


def _first(row: Row) -> str:
    """Whether the data tell the best model apart from the next."""
    return "first" if row.rank_high in (None, row.rank) else "first, though not beyond chance"
