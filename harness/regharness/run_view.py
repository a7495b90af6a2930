"""Show what a run holds and how to go on from it, in a notebook and in one line. Computes no score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product
from typing import TYPE_CHECKING, Literal

import jinja2
from markupsafe import Markup

from regharness.board_tables import visible
from regharness.records import cell_records, test_set_records
from regharness.text_tables import Column, TextTable, html_table

if TYPE_CHECKING:
    from regharness.run_folder import Run

State = Literal["done", "failed", "missing"]
STATES: tuple[State, ...] = ("done", "failed", "missing")


def states(run: Run, task: str) -> Counter[State]:
    """How many cells of a task are done, failed and missing; one that is damaged counts as missing."""
    cells, test_sets = cell_records(run.folder), test_set_records(run.folder)

    def state(model: str, shift: str, seed: int) -> State:
        cell, test_set = cells.last(task, model, shift, seed), test_sets.last(task, shift, seed)
        found = {record.status for record in (cell, test_set) if record is not None}
        if cell is None or "damaged" in found:
            return "missing"
        return "failed" if "failed" in found else "done"

    return Counter(state(*names) for names in product(run.models(task), run.shifts(task), run.spec.seeds))


def to_line(run: Run) -> str:
    """A run in one line."""
    counts = sum((states(run, task) for task in run.tasks), Counter())
    holds = ", ".join(_many(len(labels), kind) for kind, labels in run.labels.items())
    left = [f"{counts[state]} {state}" for state in STATES[1:] if counts[state]]
    told = "; ".join([holds, ", ".join([f"{counts['done']} of {counts.total()} cells done", *left])])
    return visible(f"<regharness.Run '{run.name}' in {run.folder}: {told}>")


def to_html(run: Run) -> str:
    """A run in a notebook: what it holds, its last leaderboard, what to call next. No colour of its own."""
    board = run.last_board
    counts = {task: states(run, task) for task in run.tasks}
    return _PAGE.render(
        tasks=Markup(html_table(_tasks(run, counts))),
        metrics=visible(", ".join(entry.label for entry in run.spec.metrics)),
        board=None if board is None else Markup(board._repr_html_()),
        calls=[(visible(call), gives) for call, gives in _calls(run, sum(counts.values(), Counter()))],
    )


def _many(count: int, kind: str) -> str:
    return f"{count} {kind}{'s' if count != 1 else ''}"


def _tasks(run: Run, counts: Mapping[str, Counter[State]]) -> TextTable:
    columns = [
        Column("task", tuple(map(visible, counts)), "left"),
        Column("models", tuple(str(len(run.models(task))) for task in counts)),
        Column("shifts", tuple(str(len(run.shifts(task))) for task in counts)),
        Column("seeds", (str(len(run.spec.seeds)),) * len(counts)),
        *(Column(f"cells {state}", tuple(str(found[state]) for found in counts.values())) for state in STATES),
    ]
    return TextTable(f"run {visible(run.name)}", tuple(columns), (visible(str(run.folder)),))


def _calls(run: Run, counts: Counter[State]) -> Iterator[tuple[str, str]]:
    """What to call next, and what it gives."""
    if counts["missing"]:
        yield "rh.run(SPEC)", "computes what is missing"
    if counts["failed"]:
        yield "run.failures", "the cells that failed, and why"
    if run.last_board is None:
        yield f"regharness score {run.folder}", "on the command line: scores and leaderboard"
        return
    yield "run.leaderboard(rank_by=...)", "models ranked by another metric, with intervals"
    yield 'run.matrix("shift")', "one metric, shift by shift"
    models = run.models(run.tasks[0])
    if len(models) > 1:
        yield f"run.compare({models[0]!r}, {models[1]!r})", "two models, paired by seed and example"
    yield f"run.cube({run.tasks[0]!r})", "predictions, variances and targets, as an xarray.Dataset"
    yield "run.scores", "every metric of every cell, as an xarray.Dataset"


_PAGE = jinja2.Environment(autoescape=True, trim_blocks=True).from_string(
    """{{ tasks }}
<p>metrics: {{ metrics }}</p>
{% if board is none %}
<p>no leaderboard yet</p>
{% else %}
{{ board }}
{% endif %}
<p>go on with</p>
<ul>
{% for call, gives in calls %}
<li><code>{{ call }}</code> {{ gives }}</li>
{% endfor %}
</ul>
"""
)
