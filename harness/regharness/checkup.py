"""Check a run's folder against its records, and let what is damaged be computed again. Computes no prediction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from regharness.deliveries import FOLDER, Deliveries
from regharness.integrity import Damage, examine
from regharness.records import Record, cell_records, test_set_records
from regharness.run_folder import Run
from regharness.run_state import mark

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
        Note what is damaged in the records, so that the next run computes it again. Needs the run to oneself.
    """
    cells, test_sets = cell_records(run.folder), test_set_records(run.folder)
    found = [one for task in run.tasks for one in examine(run.folder, task, cells, test_sets, deep=True)]
    if marking:
        mark(found, cells, test_sets)
    hurt = {damage.name for damage in found if damage.what == "cell"}
    states = Counter(dict.fromkeys(STATES, 0))
    for name in _asked_for(run):
        record = cells.last(*name)
        states["damaged" if name in hurt else "missing" if record is None else record.status] += 1
    incoming = run.folder / FOLDER
    waiting = len(Deliveries(incoming).finished()) if incoming.is_dir() else 0
    return Checkup(tuple(found), dict(states), waiting)


def last_record(run: Run, task: str, model: str, shift: str, seed: int) -> Record | None:
    """The record of a cell."""
    return cell_records(run.folder).last(task, model, shift, seed)


def _asked_for(run: Run) -> Iterator[tuple[str, str, str, int]]:
    for task in run.tasks:
        for model in run.models(task):
            for shift in run.shifts(task):
                for seed in run.spec.seeds:
                    yield task, model, shift, seed
