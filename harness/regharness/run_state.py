"""Own what a run's folder holds of its plan: cubes, records and deliveries. Computes nothing.

The main process alone changes any of it, in an order that a kill can end anywhere: what was delivered is moved into the
cube, then recorded, then dropped from the deliveries.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any
from urllib.parse import unquote

from regharness.cube import Cube, open_or_begin
from regharness.deliveries import FOLDER, Deliveries, ticket
from regharness.dims import COVARIATE
from regharness.integrity import Damage, examine, lost, seal
from regharness.layout import Kind, Layout
from regharness.plan import Cell, Plan, TestSet
from regharness.profiling import Stopwatch
from regharness.quarantine import set_apart
from regharness.records import Record, TestSetRecord, cell_records, test_set_records
from regharness.storage import Place

AT_ONCE = 256
"""Most deliveries that wait, to be moved into the cube together, so that a chunk of many cells is written once."""
SHARE = 0.05
"""Of the time that moving may take, of which follows how long deliveries wait."""

Result = Record | TestSetRecord


class RunState:
    """What there is of a plan in a run's folder.

    Parameters
    ----------
    plan
        What the run consists of.
    folder
        Its folder, which this process has to itself.
    stopwatch
        Measures the moving into the cubes.
    check
        Called before anything is moved: raises when the folder is another run's by now.

    Attributes
    ----------
    cells, test_sets
        Records of what was computed.
    """

    def __init__(self, plan: Plan, folder: Place, stopwatch: Stopwatch, check: Callable[[], None]) -> None:
        self._plan, self._folder = plan, folder
        self._stopwatch, self._check = stopwatch, check
        self.cells, self.test_sets = cell_records(folder), test_set_records(folder)
        self._deliveries = Deliveries(folder / FOLDER)
        self._deliveries.prepare()
        self._cubes: dict[str, Cube] = {}
        for task in plan.tasks.values():
            self._cubes[task.name], new = open_or_begin(plan, task, folder)
            if new:
                gone = lost(task.name, self.cells, self.test_sets)
                set_apart(folder, gone, self.cells, self.test_sets)
        self._waiting: list[Result] = []
        self._due = 0.0

    @property
    def layouts(self) -> dict[str, Layout]:
        """Task to where things lie in its cube."""
        return {task: cube.layout for task, cube in self._cubes.items()}

    def recover(self) -> None:
        """Move in what was finished and is not in the cubes yet, since its worker or an earlier run was killed.

        What the plan has with other parameters is dropped; what it does not have at all waits until it has it again.
        """
        jobs: list[Cell | TestSet] = [*self._plan.cells, *self._plan.test_sets]
        planned, names = {ticket(one.key, one.name): one for one in jobs}, {one.name for one in jobs}
        spared = set()
        for number, content in self._deliveries.finished().items():
            record = _record(content)
            if record is None:
                continue
            if number in planned:
                self._waiting.append(_of_job(record, planned[number]))
            elif record.name not in names:
                spared.add(number)
        self.settle()
        self._deliveries.sweep(spared)

    def delivered(self, job: Cell | TestSet) -> Result | None:
        """What a worker had finished of a job before it died; None if it had not."""
        content = self._deliveries.one(ticket(job.key, job.name))
        record = None if content is None else _record(content)
        return None if record is None else _of_job(record, job)

    def look_over(self, *, deep: bool) -> list[Damage]:
        """Find what is damaged of the cubes, and let it be computed again."""
        found = [
            damage
            for task in self._cubes
            for damage in examine(self._folder, task, self.cells, self.test_sets, deep=deep)
        ]
        set_apart(self._folder, found, self.cells, self.test_sets)
        return found

    def todo(self, chosen: Sequence[Cell]) -> list[Cell | TestSet]:
        """What is missing of the chosen cells: by task and seed, test sets first."""
        cells = [cell for cell in chosen if not self.cells.done(cell)]
        wanted = {(cell.task, cell.shift, cell.seed) for cell in chosen}
        sets = [one for one in self._plan.test_sets if one.name in wanted and not self.test_sets.done(one)]
        order = {name: i for i, name in enumerate(dict.fromkeys((c.task, c.seed) for c in self._plan.cells))}
        return sorted([*sets, *cells], key=lambda job: order[job.task, job.seed])

    def failed(self, chosen: Sequence[Cell]) -> int:
        """How many of the chosen cells have failed, or have no test set to be held against."""
        unmade = {record.name for record in self.test_sets.failed(self._plan.test_sets)}
        failed = {record.name for record in self.cells.failed(chosen)}
        return sum(cell.name in failed or (cell.task, cell.shift, cell.seed) in unmade for cell in chosen)

    def take(self, result: Result) -> None:
        """Take what a worker says of its job; a delivery is moved in when some have gathered, or with time."""
        self._waiting.append(result)
        if len(self._waiting) >= AT_ONCE or time.monotonic() >= self._due:
            started = time.monotonic()
            self.settle()
            self._due = time.monotonic() + (time.monotonic() - started) / SHARE

    def settle(self) -> None:
        """Move in and record all that was taken."""
        self._check()
        with self._stopwatch.stage("moving into the cube"):
            self._settle()

    def _settle(self) -> None:
        done = [result for result in self._waiting if result.status == "done"]
        stored = [self._kept(result) for result in done]
        for cube in self._cubes.values():
            cube.flush()
        settled = [*stored, *(result for result in self._waiting if result.status != "done")]
        self.test_sets.append([result for result in settled if isinstance(result, TestSetRecord)])
        self.cells.append([result for result in settled if isinstance(result, Record)])
        for result in done:
            self._deliveries.remove(ticket(result.key, result.name), result.pieces)
        self._waiting.clear()

    def write_metadata(self) -> None:
        """Write the cubes' small files, and seal them."""
        keys: dict[str, dict[Any, str]] = {task: {} for task in self._cubes}
        for cell in self._plan.cells:
            keys[cell.task][self._cubes[cell.task].layout.cell(cell.model, cell.shift, cell.seed)] = cell.key
        for task, cube in self._cubes.items():
            cube.write_metadata(self.cells, self.test_sets, keys[task])
            seal(self._folder, task, cube.written)

    def close(self) -> None:
        """Move in what is left, and leave everything in order."""
        self.settle()
        self.recover()
        with self._stopwatch.stage("moving into the cube"):
            self.write_metadata()
            self.cells.compact()
            self.test_sets.compact()

    def _kept(self, result: Result) -> Result:
        """A delivery once it is in its cube, or why it cannot be."""
        if isinstance(result, TestSetRecord):
            held = self._cubes[result.task].layout.covariates
            for name, kind in result.covariates.items():
                if held.get(name, kind) != kind:
                    called = unquote(name.removeprefix(COVARIATE))
                    kinds = ("text", "a number") if kind == "text" else ("a number", "text")
                    reason = f"covariate '{called}' is {kinds[0]}, elsewhere {kinds[1]}"
                    return replace(result, status="failed", reason=reason, pieces={})
        if not self._store(result):
            # Who was killed while dropping a delivery left a part of one that is in the cube, and recorded, already.
            recorded = self._recorded(result)
            if recorded is not None:
                return recorded
            return replace(result, status="failed", reason="what was computed could not be read back", pieces={})
        return result

    def _recorded(self, result: Result) -> Result | None:
        """The record in force of what a delivery is of, if it is done."""
        held: Result | None
        if isinstance(result, Record):
            held = self.cells.of(result)
        else:
            held = self.test_sets.of(result)
        return held if held is not None and held.status == "done" else None

    def _store(self, result: Result) -> bool:
        cube = self._cubes[result.task]
        if isinstance(result, Record):
            return cube.store_cell(self._deliveries, result, self.cells.last(*result.name))
        covariates: dict[str, Kind] = {**cube.layout.covariates, **result.covariates}
        length = max(cube.layout.length, result.examples)
        cube.grow(replace(cube.layout, covariates=covariates, length=length))
        return cube.store_test_set(self._deliveries, result, self.test_sets.last(*result.name))


def _of_job(record: Result, job: Any) -> Result:
    """A record as the job wants it: what is sent to a worker, and comes from it, is as small as can be."""
    return replace(record, parts=job.parts) if isinstance(record, Record) else record


def _record(content: dict[str, Any]) -> Result | None:
    kind: type[Result] = Record if content.pop("kind", "") == "cell" else TestSetRecord
    known = {field.name for field in fields(kind)}
    try:
        return kind(**{name: value for name, value in content.items() if name in known})
    except TypeError:
        return None
