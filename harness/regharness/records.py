"""Own a run's completion records, one JSON line a cell. A cell counts only when its record says so.

Only the main process appends, after the cell's data are stored; the last record of a cell is the one in force.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from regharness.plan import Cell
from regharness.storage import Place

FILE = "cells.jsonl"


@dataclass(frozen=True)
class Record:
    """How a cell ended.

    Attributes
    ----------
    reason
        Why it failed, in one line; empty when done.
    detail
        The traceback of a failure, for the model's author.
    execution
        What ran it: device, framework version.
    parts
        Name of each part of the key to the digest of its facts.
    """

    task: str
    model: str
    shift: str
    seed: int
    key: str
    status: Literal["done", "failed"]
    reason: str = ""
    detail: str = ""
    seconds: float = 0.0
    execution: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> tuple[str, str, str, int]:
        """What tells the cell from others of its run."""
        return self.task, self.model, self.shift, self.seed


class Records:
    """The records of a run's folder."""

    def __init__(self, folder: Place) -> None:
        self._path = folder / FILE
        self._held: dict[tuple[str, str, str, int], Record] = {}
        for line in self._path.read_bytes().splitlines() if self._path.exists() else ():
            try:
                record = Record(**json.loads(line))
            except ValueError:
                # A run killed while appending leaves half a line; its cell is computed again.
                continue
            self._held[record.name] = record

    def last(self, task: str, model: str, shift: str, seed: int) -> Record:
        """The last record of a cell, whatever its key."""
        return self._held[task, model, shift, seed]

    def of(self, cell: Cell) -> Record | None:
        """The record of a cell as it is now planned; None if it was never computed, or with other parameters."""
        record = self._held.get(cell.name)
        return record if record is not None and record.key == cell.key else None

    def done(self, cell: Cell) -> bool:
        """Whether the cell need not be computed again."""
        record = self.of(cell)
        return record is not None and record.status == "done"

    def failed(self, cells: Iterable[Cell]) -> list[Record]:
        """The records of those `cells` that failed."""
        found = (self.of(cell) for cell in cells)
        return [record for record in found if record is not None and record.status == "failed"]

    def append(self, record: Record) -> None:
        """Add a record and make it durable."""
        line = json.dumps(asdict(record), separators=(",", ":")).encode() + b"\n"
        with self._path.open("ab") as file:
            if file.tell() and not self._ends_with_newline():
                line = b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self._held[record.name] = record

    def forget(self, task: str) -> None:
        """Drop a task's records from memory: its cube is gone, so none of its cells is done."""
        self._held = {name: record for name, record in self._held.items() if name[0] != task}

    def _ends_with_newline(self) -> bool:
        with self._path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"
