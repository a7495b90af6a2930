"""Make the pages of a community leaderboard as text, one after the other. Writes no file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from regharness.results import Entrant, Results
from regharness.standings import Standings, board_of
from regharness_report.cards import BADGES, facts
from regharness_report.downloads import board_csv, board_json
from regharness_report.html import metric_meanings
from regharness_report.model_view import model_task
from regharness_report.rendering import page
from regharness_report.site_places import ABOUT, INDEX, Places, link, places_of
from regharness_report.stage import Stage, stage_of
from regharness_report.task_view import TaskView, task_view


@dataclass(frozen=True)
class Benchmark:
    """The results of a benchmark, made ready to be shown."""

    results: Results
    standings: Standings
    places: Places
    stages: tuple[Stage, ...]
    views: tuple[TaskView, ...]


def site_pages(results: Sequence[Results]) -> Iterator[tuple[str, str]]:
    """Place and text of every page, the first results first on the index."""
    benchmarks = [_benchmark(one, places) for one, places in zip(results, places_of(results), strict=True)]
    yield INDEX, _page("index.html.jinja", INDEX, benchmarks=benchmarks)
    meanings = {name: text for one in results for name, text in metric_meanings(one)}
    yield ABOUT, _page("about.html.jinja", ABOUT, badges=BADGES, metrics=meanings)
    for benchmark in benchmarks:
        yield from _pages_of(benchmark)


def _benchmark(results: Results, places: Places) -> Benchmark:
    standings = board_of(results)
    stages = tuple(stage_of(results, standings, task) for task in standings.board.tasks)
    views = tuple(task_view(stage, partial(_operator_page, places, stage.task)) for stage in stages)
    return Benchmark(results, standings, places, stages, views)


def _operator_page(places: Places, task: str, operator: str) -> str:
    """How the page of a task leads to that of a shift operator."""
    return link(places.task(task), places.operator(task, operator))


def _pages_of(benchmark: Benchmark) -> Iterator[tuple[str, str]]:
    results, places = benchmark.results, benchmark.places
    yield places.csv, board_csv(results, benchmark.standings)
    yield places.json, board_json(results, benchmark.standings)
    for view in benchmark.views:
        at = places.task(view.name)
        yield at, _page("task_page.html.jinja", at, benchmark=benchmark, view=view)
        for number, operator in enumerate(view.operators):
            at = places.operator(view.name, operator.name)
            beside = {
                "before": view.operators[number - 1] if number else None,
                "after": view.operators[number + 1] if number + 1 < len(view.operators) else None,
            }
            yield at, _page("shift_page.html.jinja", at, benchmark=benchmark, view=view, operator=operator, **beside)
    for model, entrant in results.entrants.items():
        yield places.model(model), _model_page(benchmark, model, entrant)


def _model_page(benchmark: Benchmark, model: str, entrant: Entrant) -> str:
    at = benchmark.places.model(model)
    tasks = [model_task(stage, model) for stage in benchmark.stages if model in stage.cast]
    return _page(
        "model_page.html.jinja",
        at,
        benchmark=benchmark,
        entrant=entrant,
        facts=facts(entrant),
        meaning=BADGES.get(entrant.badge, ""),
        tasks=tasks,
    )


def _page(template: str, at: str, **content: Any) -> str:
    """A page, whose template finds its way by `to`."""
    return page(template, to=partial(link, at), index=INDEX, about=ABOUT, **content)
