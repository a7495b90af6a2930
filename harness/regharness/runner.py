"""Compute what a plan lacks with an executor, and never lose a finished cell. Knows no plugin and no screen."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from regharness.catalog import Catalog
from regharness.cube import CUBES
from regharness.errors import InputError
from regharness.fitting import MODELS
from regharness.interfaces import Executor
from regharness.jobs import Began, Lost
from regharness.journal import Journal, hearing
from regharness.plan import Cell, Plan, TestSet, select
from regharness.profiling import Stopwatch
from regharness.provenance import facts
from regharness.records import Record, TestSetRecord
from regharness.run_folder import PROVENANCE, SPEC, read_spec_name, write_spec
from regharness.run_scores import Step
from regharness.run_state import RunState
from regharness.staleness import Facts
from regharness.storage import Place, make_folder, write_whole
from regharness.storage_faults import reading
from regharness.whole_folders import sweep
from regharness.work import Order, RunWork, Watch, put_away


def execute(
    plan: Plan,
    folder: Place,
    catalog: Catalog,
    *,
    only: Iterable[str] = (),
    fail_fast: bool = False,
    watch: Watch | None = None,
    stopwatch: Stopwatch | None = None,
    check: Callable[[], None] = lambda: None,
    step: Step = lambda what, done, total: None,
) -> bool:
    """Compute the missing cells of a plan into a run's folder, which this process has to itself.

    Parameters
    ----------
    plan
        What the run consists of.
    folder
        Of the run: `claim` has found it to be this spec's. A cell whose key is unchanged stays.
    catalog
        What is installed; its observers hear of the run.
    only
        ``KEY=GLOB`` filters; cells outside them are left as they are.
    fail_fast
        Stop at the first failed cell.
    watch
        Told what a worker in this process is at.
    stopwatch
        Measures what this process does beside computing cells.
    check
        Called before anything is stored: raises when the folder is another run's by now.
    step
        Told that what is stored is checked, which takes long where that is much.

    Returns
    -------
    bool
        Whether everything that was stored before has been read and checked.

    Raises
    ------
    InputError
        When nothing matches `only`, or the executor cannot run.
    StorageError
        When the folder cannot be written any more; what was finished is kept.
    KeyboardInterrupt
        Passed on once the state is safe.
    """
    chosen = select(plan.cells, only)
    entry = plan.spec.run.executor
    executor = catalog.create("executor", entry.use, {**entry.with_, "workers": plan.spec.run.workers})
    stopwatch = stopwatch or Stopwatch()
    with stopwatch.stage("looking over the folder"):
        make_folder(folder)
        write_spec(folder, plan.spec)
        if isinstance(folder, Path):
            sweep(folder)
            sweep(folder / MODELS)
            sweep(folder / CUBES, below=True)
        state = RunState(plan, folder, stopwatch, check)
        state.recover()
        damages = state.look_over(deep=False)
        checked = bool(damages or state.todo(chosen))
        if checked:
            step("checking what is stored", 0, 1)
            damages += state.look_over(deep=True)
        todo = state.todo(chosen)
        if todo:
            Facts(folder).keep(plan.facts)
        if todo or damages:
            state.write_metadata()
    started, interrupted = time.time(), True
    journal = Journal(folder, plan.spec, facts(catalog.plugins))
    with hearing(catalog.plugins.manager, journal) as hook:
        try:
            done = len(chosen) - sum(isinstance(job, Cell) for job in todo)
            workers = plan.spec.run.workers
            hook.regharness_run_started(folder=folder, cells=len(chosen), done=done, workers=workers)
            # Workers elsewhere have another working directory.
            where = folder.absolute() if isinstance(folder, Path) else folder
            order = Order(plan.spec, where, frozenset(catalog.plugins.disabled), state.layouts, uuid4().hex)
            work = RunWork(order, watch, plan.tasks)
            _Rounds(state, hook, fail_fast).run(executor, work, todo, plan.spec.run.retries)
            interrupted = False
        finally:
            put_away()
            if todo or not (folder / PROVENANCE).exists():
                state.close()
                _write_provenance(folder, plan, catalog, state, started)
            failed = state.failed(chosen)
            hook.regharness_run_finished(folder=folder, failed=failed, interrupted=interrupted)
    return checked


def claim(folder: Place, name: str) -> None:
    """Make sure that `folder` is this spec's run, or can become it.

    Raises
    ------
    InputError
        When it holds another run or other files.
    """
    remedy = "choose another folder with -o"
    with reading(folder):
        is_file = folder.is_file()
        filled = folder.is_dir() and any(not one.name.startswith(".") for one in folder.iterdir())
    if is_file:
        raise InputError(f"{folder} is a file, not a folder", help=remedy)
    if filled:
        if not (folder / SPEC).is_file():
            raise InputError(f"{folder} is not empty and holds no run", help=remedy)
        held = read_spec_name(folder)
        if held != name:
            raise InputError(f"{folder} holds the run '{held}', not '{name}'", help=remedy)


class _Rounds:
    """Hand jobs to an executor and take what comes back, until none is left to be tried."""

    def __init__(self, state: RunState, hook: Any, fail_fast: bool) -> None:
        self._state, self._hook, self._fail_fast = state, hook, fail_fast
        self._lost: Counter[Any] = Counter()

    def run(self, executor: Executor, work: RunWork, jobs: Sequence[Cell | TestSet], retries: int) -> None:
        """Run jobs; those whose worker died are tried again, so often as `retries` says."""
        while jobs:
            left: dict[Any, Any] = {job.name: job for job in jobs}
            lost: list[Lost] = []
            news = executor.run(iter(jobs), work)
            try:
                for one in news:
                    if isinstance(one, Began):
                        self._began(one)
                    elif isinstance(one, Lost):
                        self._fell(one, left, lost)
                    else:
                        self._ended(one, left)
                        if self._fail_fast and one.status == "failed":
                            return
            finally:
                close = getattr(news, "close", None)
                if close is not None:
                    close()
            for job in list(left.values()):
                self._fell(Lost(job, "the executor gave no result"), left, lost)
            jobs = [one.job for one in lost if self._again(one, retries)]  # type: ignore[misc]

    def _began(self, news: Began) -> None:
        job = news.job
        if isinstance(job, Cell):
            self._hook.regharness_cell_started(
                task=job.task, model=job.model, shift=job.shift, seed=job.seed, worker=news.worker
            )

    def _ended(self, result: Record | TestSetRecord, left: dict[Any, Any]) -> None:
        job = left.pop(result.name, None)
        if isinstance(result, Record):
            # What is sent to a worker is as small as can be.
            result = replace(result, parts=job.parts if job is not None else result.parts)
        self._state.take(result)
        told = ("task", "shift", "seed", "status", "reason", "seconds", "worker", "timings")
        facts = {name: getattr(result, name) for name in told}
        if isinstance(result, Record):
            self._hook.regharness_cell_finished(**facts, model=result.model, examples=result.examples)
        else:
            self._hook.regharness_test_set_finished(**facts)

    def _fell(self, news: Lost, left: dict[Any, Any], lost: list[Lost]) -> None:
        """Note a job whose worker died, unless the worker had finished it."""
        job = left.get(getattr(news.job, "name", None))
        if job is None:
            return
        result = self._state.delivered(job)
        if result is not None:
            self._ended(result, left)
            return
        del left[job.name]
        lost.append(news)

    def _again(self, lost: Lost, retries: int) -> bool:
        """Whether a job whose worker died is tried once more; else what hangs on it has failed."""
        job: Any = lost.job
        self._lost[job.name] += 1
        again = self._lost[job.name] <= retries
        if isinstance(job, Cell):
            named = {"task": job.task, "model": job.model, "shift": job.shift, "seed": job.seed}
            self._hook.regharness_cell_lost(**named, reason=lost.reason, worker=lost.worker, again=again)
        if again:
            return True
        tried = f"{lost.reason}; tried {self._lost[job.name]} times" if retries else lost.reason
        if isinstance(job, Cell):
            self._fail(job, tried, lost.worker)
            return False
        self._state.take(TestSetRecord(job.task, job.shift, job.seed, job.key, "failed", tried))
        return False

    def _fail(self, cell: Cell, reason: str, worker: str) -> None:
        self._ended(Record(*cell.name, cell.key, "failed", reason, parts=cell.parts, worker=worker), {})


def _write_provenance(folder: Place, plan: Plan, catalog: Catalog, state: RunState, started: float) -> None:
    held = [record for cell in plan.cells if (record := state.cells.of(cell)) is not None]
    executions = {record.model: dict(record.execution) for record in held if record.execution}
    content = {
        "spec": plan.spec.name,
        **facts(catalog.plugins),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "wall_seconds": round(time.time() - started, 3),
        "cell_seconds": round(sum(record.seconds for record in held), 3),
        "models": executions,
        "tasks": {
            name: {
                "outputs": list(task.info.outputs),
                "unit": task.info.unit,
                "length": task.info.length,
                "sizes": dict(task.info.sizes),
                "warnings": list(task.info.warnings),
            }
            for name, task in plan.tasks.items()
        },
    }
    write_whole(folder / PROVENANCE, json.dumps(content, indent=2).encode() + b"\n")
