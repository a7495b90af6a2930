"""Set apart what is damaged of a cube, so that it reads as nothing and is computed again. Finds no damage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from regharness.cube import Cube, read_layout
from regharness.integrity import Damage
from regharness.records import Record, Records, TestSetRecord
from regharness.storage import Place


def set_apart(
    folder: Place, damages: Iterable[Damage], cells: Records[Record], test_sets: Records[TestSetRecord]
) -> None:
    """Record that cells and test sets are damaged, and blank them in chunks that hold sound ones too.

    Parameters
    ----------
    folder
        Of the run, which this process has to itself.
    damages
        As `regharness.integrity.examine` finds them.
    cells, test_sets
        The run's records.
    """
    found = list(damages)
    for records, what in ((cells, "cell"), (test_sets, "test set")):
        _mark(records, {one.name: f"{one.file} is {one.reason}" for one in found if one.what == what})
    for task in {damage.task for damage in found}:
        layout = read_layout(folder, task)
        if layout is None:
            continue
        cube = Cube(folder, task, layout)
        for damage in found:
            if damage.task == task and damage.reason != "missing":
                cube.blank(damage.file, damage.name[1:])
        cube.flush()


def _mark(records: Any, reasons: dict[Any, str]) -> None:
    records.append(replace(records.last(*name), status="damaged", reason=why) for name, why in reasons.items())
