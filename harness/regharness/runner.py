"""Compute what a plan lacks, cell by cell, and never lose a finished one. Knows no plugin and no screen."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from regharness.catalog import Catalog
from regharness.cube import Cube
from regharness.dims import DONE, FAILED
from regharness.errors import InputError
from regharness.examples import Examples
from regharness.journal import Journal
from regharness.magnitude import achieved
from regharness.plan import Cell, Plan, Task, select
from regharness.provenance import facts
from regharness.records import Record, Records
from regharness.run_folder import CUBES, MODELS, PROVENANCE, SPEC, read_spec_name, write_spec
from regharness.work import CellWorker, Watch, failure


def execute(
    plan: Plan,
    folder: Path,
    catalog: Catalog,
    *,
    only: Iterable[str] = (),
    fail_fast: bool = False,
    watch: Watch = lambda cell, stage, share: None,
) -> bool:
    """Compute the missing cells of a plan into a run's folder.

    Parameters
    ----------
    plan
        What the run consists of.
    folder
        Made if missing. Holding a run of the same name, it is resumed: a cell whose key is unchanged stays.
    catalog
        What is installed; its observers hear of the run.
    only
        ``KEY=GLOB`` filters; cells outside them are left as they are.
    fail_fast
        Stop at the first failed cell.
    watch
        Told what a worker is at.

    Returns
    -------
    bool
        Whether every selected cell is done.

    Raises
    ------
    InputError
        When the folder belongs to something else or cannot be written.
    KeyboardInterrupt
        Passed on once the state is safe.
    """
    chosen = select(plan.cells, only)
    entry = plan.spec.run.executor
    executor = catalog.create("executor", entry.use, {**entry.with_, "workers": plan.spec.run.workers})
    claim(folder, plan.spec.name)
    write_spec(folder, plan.spec)
    records = Records(folder)
    cubes = {task.name: _cube(plan, task, folder, records) for task in plan.tasks.values()}
    todo = [cell for cell in chosen if not records.done(cell)]
    _write_statuses(plan, cubes, records)
    examples = Examples(plan)
    worker = CellWorker(plan, catalog, cubes, folder / MODELS, examples, watch)
    observers = catalog.plugins.manager
    journal = Journal(folder, plan.spec, facts(catalog.plugins))
    observers.register(journal)
    started, interrupted = time.time(), True
    try:
        observers.hook.regharness_run_started(
            folder=folder, cells=len(chosen), done=len(chosen) - len(todo), workers=plan.spec.run.workers
        )
        with threadpool_limits(1):
            for record in _results(executor, worker, todo, cubes, examples):
                records.append(record)
                _tell(observers.hook, record)
                if fail_fast and record.status == "failed":
                    break
        interrupted = False
    finally:
        _write_statuses(plan, cubes, records)
        for cube in cubes.values():
            cube.consolidate()
        if todo or not (folder / PROVENANCE).exists():
            _write_provenance(folder, plan, catalog, records, started)
        failed = len(records.failed(chosen))
        observers.hook.regharness_run_finished(folder=folder, failed=failed, interrupted=interrupted)
        observers.unregister(journal)
    return all(records.done(cell) for cell in chosen)


def claim(folder: Path, name: str) -> None:
    """Make sure that `folder` is this spec's run, or can become it.

    Raises
    ------
    InputError
        When it holds another run or other files, or cannot be written.
    """
    remedy = "choose another folder with -o"
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file, not a folder", help=remedy)
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / SPEC).is_file():
            raise InputError(f"{folder} is not empty and holds no run", help=remedy)
        held = read_spec_name(folder)
        if held != name:
            raise InputError(f"{folder} holds the run '{held}', not '{name}'", help=remedy)
    try:
        (folder / CUBES).mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}", help=remedy) from None


def _cube(plan: Plan, task: Task, folder: Path, records: Records) -> Cube:
    path = folder / CUBES / f"{task.name}.zarr"
    if not path.exists():
        records.forget(task.name)
        attributes = {
            "task": task.name,
            "data": next(entry.data.use for entry in plan.spec.tasks if entry.name == task.name),
            "unit": task.info.unit,
            "spec": plan.spec.name,
        }
        Cube.create(path, task.info.outputs, task.info.sizes["test"], attributes)
    cube = Cube(path)
    cube.grow(
        [model.name for model in plan.models(task.name)],
        [(shift.label, shift.operator_name, shift.severity) for shift in task.shifts],
        plan.spec.seeds,
        task.info.outputs,
        plan.levels(task.name),
    )
    return cube


def _results(
    executor: Any, worker: CellWorker, todo: list[Cell], cubes: dict[str, Cube], examples: Examples
) -> Iterator[Record]:
    """Prepare the test sets of a (task, seed) just before its cells are handed out, and run them.

    A cell whose test set cannot be made fails here and is never handed out.
    """
    unmade: list[Record] = []

    def jobs() -> Iterator[Cell]:
        for (task, seed), group in groupby(todo, key=lambda cell: (cell.task, cell.seed)):
            cells = list(group)
            reasons: dict[str, Exception] = {}
            for shift in dict.fromkeys(cell.shift for cell in cells):
                try:
                    batch = examples.test_set(task, seed, shift)
                    cubes[task].write_test_set(shift, seed, batch, achieved(examples.dataset(task, seed), batch))
                except Exception as error:
                    reasons[shift] = error
            for cell in cells:
                if cell.shift in reasons:
                    unmade.append(failure(cell, reasons[cell.shift], 0.0))
                else:
                    yield cell

    for record in executor.run(jobs(), worker):
        while unmade:
            yield unmade.pop(0)
        yield record
    yield from unmade


def _tell(hook: Any, record: Record) -> None:
    names = ("task", "model", "shift", "seed", "status", "reason", "seconds")
    facts = {name: getattr(record, name) for name in names}
    hook.regharness_cell_finished(**facts, worker="", examples=0, timings={})


def _write_statuses(plan: Plan, cubes: dict[str, Cube], records: Records) -> None:
    """Bring every cube's status up to the records; a cell with other parameters than planned is missing."""
    found: dict[str, dict[tuple[str, str, int], tuple[int, str]]] = {task: {} for task in cubes}
    for cell in plan.cells:
        record = records.of(cell)
        if record is not None:
            status = DONE if record.status == "done" else FAILED
            found[cell.task][cell.model, cell.shift, cell.seed] = (status, cell.key)
    for task, cube in cubes.items():
        cube.write_status(found[task])


def _write_provenance(folder: Path, plan: Plan, catalog: Catalog, records: Records, started: float) -> None:
    held = [record for cell in plan.cells if (record := records.of(cell)) is not None]
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
    unfinished = folder / f"{PROVENANCE}.part"
    unfinished.write_text(json.dumps(content, indent=2) + "\n")
    os.replace(unfinished, folder / PROVENANCE)
