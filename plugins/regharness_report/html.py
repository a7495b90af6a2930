"""Write a run as one HTML file. Computes no score."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from regharness.results import Results
from regharness.run_folder import Run
from regharness.run_results import results_of
from regharness.standings import board_of
from regharness_report.addresses import anchor
from regharness_report.rendering import page
from regharness_report.stage import stage_of
from regharness_report.task_view import task_view

FAILURES_SHOWN = 20


class HtmlReport:
    """One file a run: ranks, what every shift costs, and whether models know when not to be trusted."""

    suffix = ".html"

    def write(self, run: Run, path: Path) -> None:
        """Write the report; equal runs give equal bytes, but for their timings."""
        path.write_text(report_of(results_of(run)), encoding="utf-8")


def report_of(results: Results) -> str:
    """All of some results on one page."""
    return page("report.html.jinja", **_content(results))


def _content(results: Results) -> dict[str, Any]:
    standings = board_of(results)
    tasks = [task_view(stage_of(results, standings, task), partial(_drawer, task)) for task in standings.board.tasks]
    return {
        "results": results,
        "board": standings.board,
        "tasks": tasks,
        "metrics": metric_meanings(results),
        "failures": results.failures[:FAILURES_SHOWN],
        "more_failures": max(len(results.failures) - FAILURES_SHOWN, 0),
        "anchor": anchor,
        "model_href": lambda model: "",
        "operator_href": _drawer,
    }


def _drawer(task: str, operator: str) -> str:
    """Where on the page a shift operator is shown."""
    return "#" + anchor(task, operator)


def metric_meanings(results: Results) -> list[tuple[str, str]]:
    """What each metric is."""
    scores = results.scores
    return [(name, scores[name].attrs.get("long_name", "")) for name in scores.attrs["metrics"] if name in scores]
