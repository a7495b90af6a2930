"""Check a run's folder against its records, and let what is damaged be computed again. Computes no prediction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from regharness.deliveries import FOLDER, Deliveries
from regharness.errors import InputError, unknown_name
from regharness.integrity import Damage, examine
from regharness.quarantine import set_apart
from regharness.records import Record, cell_records, test_set_records
from regharness.run_folder import Run

STATES = ("done", "failed", "damaged", "missing")


@dataclass(frozen=True)
class Checkup:
    """How a run's folder is.

    Attributes
    ----------
    damages
        What is not as it was stored.
    states
        How many of the cells that the spec asks for are done, failed, damaged, or missing since they were never
        computed or lost their record.
    waiting
        How many cells and test sets were finished and wait to be moved into the cubes, which the next run does.
    """

    damages: tuple[Damage, ...]
    states: dict[str, int]
    waiting: int

    @property
    def damaged_cells(self) -> list[tuple[str | int, ...]]:
        """Names ``(task, model, shift, seed)`` of damaged cells."""
        return sorted({damage.name for damage in self.damages if damage.what == "cell"}, key=str)


def check_up(run: Run, *, marking: bool) -> Checkup:
    """Read and check everything that a run has stored.

    Parameters
    ----------
    run
        The run.
    marking
        Set apart what is damaged, so that the next run computes it again. Needs the run to oneself.
    """
    cells, test_sets = cell_records(run.folder), test_set_records(run.folder)
    found = [one for task in run.tasks for one in examine(run.folder, task, cells, test_sets, deep=True)]
    if marking:
        set_apart(run.folder, found, cells, test_sets)
    hurt = {damage.name for damage in found if damage.what == "cell"}
    states = Counter(dict.fromkeys(STATES, 0))
    for name in _asked_for(run):
        record = cells.last(*name)
        states["damaged" if name in hurt else "missing" if record is None else record.status] += 1
    incoming = run.folder / FOLDER
    waiting = len(Deliveries(incoming).finished()) if incoming.is_dir() else 0
    return Checkup(tuple(found), dict(states), waiting)


def last_record(run: Run, cell: str) -> Record:
    """The last record of a cell.

    Parameters
    ----------
    run
        The run.
    cell
        ``TASK/MODEL/SHIFT/SEED``.

    Raises
    ------
    InputError
        When the run has no record of it.
    """
    records = {"/".join(map(str, record.name)): record for record in cell_records(run.folder)}
    if cell not in records:
        message, choices = unknown_name("cell", cell, records, listed="computed")
        raise InputError(message, help=choices)
    found: Record = records[cell]
    return found


def _asked_for(run: Run) -> Iterator[tuple[str, str, str, int]]:
    for task in run.tasks:
        for model in run.models(task):
            for shift in run.shifts(task):
                for seed in run.spec.seeds:
                    yield task, model, shift, seed
