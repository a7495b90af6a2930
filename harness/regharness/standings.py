"""Own who is ranked among entrants whose scores do not all count, and on which shifts. Tests nothing, draws nothing.

Ranks stand on the shifts of a task that no ranked entrant says it has seen, at least half of them: those that have seen
the fewest are ranked first, and one that would leave less than half is shown without a rank. So saying what a model has
seen costs at most its own rank, and can never empty the board.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import xarray as xr

from regharness import dims
from regharness.directions import badness
from regharness.leaderboard import Leaderboard, Row, build
from regharness.results import Entrant, Results
from regharness.score_tables import TaskScores, pick_metric, pick_tasks

Aside = Literal["control", "self-reported", "seen"]
"""Why an entrant has no rank: it is there to read the others by, nobody has checked it, or it has seen too much."""


@dataclass(frozen=True)
class Standings:
    """The leaderboard of some results.

    Attributes
    ----------
    board
        Its rows over the shifts that count, by task and place; without a rank where the entrant is set aside.
    counted
        Task to the shifts that ranks and summaries stand on, identity first.
    aside
        ``(task, model)`` to why it has no rank.
    """

    board: Leaderboard
    counted: Mapping[str, tuple[str, ...]]
    aside: Mapping[tuple[str, str], Aside]


def board_of(results: Results, tasks: Sequence[str] | None = None, metric: str | None = None) -> Standings:
    """Rank the entrants of some results.

    Parameters
    ----------
    results
        Scores of models, and who those are.
    tasks
        Only these.
    metric
        In place of the one that the results rank by. One that is a single value of all shifts ranks nobody who says
        they have seen any.

    Raises
    ------
    InputError
        For an unknown metric or task.
    """
    name = pick_metric(results.scores, metric, by_shift=False)
    boards: list[Leaderboard] = []
    counted: dict[str, tuple[str, ...]] = {}
    aside: dict[tuple[str, str], Aside] = {}
    for task in pick_tasks(results.scores, tasks):
        part = TaskScores(results.scores, task)
        by_shift = dims.SHIFT in results.scores[name].dims
        seen, of_task = _set_aside(results.entrants, task, part, by_shift=by_shift)
        counted[task] = tuple(shift for shift in part.shifts if shift not in seen)
        aside |= {(task, model): why for model, why in of_task.items()}
        boards.append(_of_task(results, task, name, _masked(results.scores, task, seen), of_task))
    first = boards[0]
    board = replace(
        first,
        name=results.name,
        rows=tuple(row for one in boards for row in one.rows),
        concordance={task: found for one in boards for task, found in one.concordance.items()},
        failures=tuple(failure for one in boards for failure in one.failures),
    )
    return Standings(board, counted, aside)


def _set_aside(
    entrants: Mapping[str, Entrant], task: str, part: TaskScores, *, by_shift: bool
) -> tuple[set[str], dict[str, Aside]]:
    """Shifts that do not count, and models without a rank, to why."""
    checked = any(entrants[model].badge not in ("self-reported", "control") for model in part.models)
    aside: dict[str, Aside] = {}
    seen: dict[str, frozenset[str]] = {}
    asked = frozenset(part.beyond or [dims.IDENTITY])
    for model in part.models:
        badge = entrants[model].badge
        if badge == "control" or (badge == "self-reported" and checked):
            aside[model] = badge
        else:
            seen[model] = entrants[model].seen.get(task, frozenset()) & asked
    limit = len(asked) // 2 if by_shift else 0
    dropped: set[str] = set()
    for model in sorted(seen, key=lambda model: (len(seen[model]), model)):
        if len(dropped | seen[model]) <= limit:
            dropped |= seen[model]
        else:
            aside[model] = "seen"
    return dropped, aside


def _masked(scores: xr.Dataset, task: str, seen: set[str]) -> xr.Dataset:
    """The scores of a task as if the shifts in `seen` had never been asked for."""
    part = scores.sel({dims.TASK: [task]})
    if not seen:
        return part
    counts = ~xr.DataArray(np.isin(part[dims.SHIFT].values, list(seen)), dims=dims.SHIFT)
    masked = part.assign({dims.STATUS: part[dims.STATUS].where(counts, dims.ABSENT).transpose(*part[dims.STATUS].dims)})
    # One value of all shifts stands on those that do not count too.
    of_all = [name for name, v in part.data_vars.items() if "direction" in v.attrs and dims.SHIFT not in v.dims]
    return masked.assign({name: part[name].where(False).assign_attrs(part[name].attrs) for name in of_all})


def _of_task(results: Results, task: str, metric: str, scores: xr.Dataset, aside: Mapping[str, Aside]) -> Leaderboard:
    """One board of the ranked, and among them, at their place, those who are set aside."""
    models = [str(model) for model in scores[dims.MODEL].values]
    groups = [[model for model in models if (model in aside) == apart] for apart in (False, True)]
    boards = [
        build(
            scores.sel({dims.MODEL: group}),
            rank_by=metric,
            blocks=results.blocks,
            failures=results.failures,
            ranking=results.ranking,
        )
        for group in groups
        if group
    ]
    rows = [row for board in boards for row in board.rows]
    rows = [replace(row, rank=None, rank_low=None, rank_high=None) if row.model in aside else row for row in rows]
    return replace(boards[0], rows=tuple(sorted(rows, key=lambda row: _place(row, boards[0]))))


def _place(row: Row, board: Leaderboard) -> tuple[bool, float]:
    """Where a row stands: by what models are ranked by; those that lack a seed come last."""
    value = row.shifted or row.identity
    if value is None or row.seeds_done < row.seeds or value.mean != value.mean:
        return True, 0.0
    return False, float(badness(value.mean, board.direction))
