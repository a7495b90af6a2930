"""Check that the metrics of a spec can be computed beside each other, before anything is. Computes no score."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from regharness.catalog import Catalog
from regharness.errors import InputError, Problem, unknown_name
from regharness.spec import BenchmarkSpec


def metric_problems(spec: BenchmarkSpec, catalog: Catalog) -> Iterator[Problem]:
    """What is wrong with the metrics of a checked spec, and with what its leaderboard asks of them."""
    made: dict[str, Any] = {}
    for entry in spec.metrics:
        try:
            made[entry.label] = catalog.create("metric", entry.use, entry.with_)
        except InputError as error:
            for problem in error.problems:
                text = f"metric '{entry.label}': {problem.message}"
                yield Problem(text, problem.where, problem.source, problem.column, problem.help)
    numbers = [name for name, metric in made.items() if not getattr(metric, "dimension", "")]
    comparable = [name for name in numbers if not hasattr(made[name], "compare")]
    models = [model.name for model in spec.models]
    for name, metric in made.items():
        if not hasattr(metric, "compare"):
            continue
        of = metric.of or spec.rank_by
        if of not in comparable:
            message, choices = unknown_name("metric", of, comparable, listed="of the spec's")
            yield Problem(f"metric '{name}' compares scores of '{of}', but there is {message}", help=choices)
        reference = getattr(metric, "reference", "")
        if reference and reference not in models:
            message, choices = unknown_name("model", reference, models, listed="models")
            yield Problem(f"metric '{name}' compares with '{reference}', but there is {message}", help=choices)
    board = spec.leaderboard
    for key, names in (("rank_by", [spec.rank_by]), ("columns", board.columns), ("by_shift", board.by_shift)):
        for name in names:
            if name in made and name not in numbers:
                yield Problem(
                    f"leaderboard: {key}: '{name}' gives a curve, not one number",
                    help=f"choose of: {', '.join(numbers)}",
                )
