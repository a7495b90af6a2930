"""Own a run's completion records, one JSON line each. A cell or test set counts only when its record says so.

Only the main process appends, after the data are stored; the last record of a cell is the one in force.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Generic, Literal, Protocol, TypeVar

from regharness.storage import Place, append, read, write_whole

CELLS = "cells.jsonl"
TEST_SETS = "test_sets.jsonl"

Status = Literal["done", "failed", "damaged"]
Name = tuple[str | int, ...]


@dataclass(frozen=True)
class Record:
    """How a cell ended.

    Attributes
    ----------
    reason
        Why it failed, in one line; empty when done.
    detail
        The traceback of a failure, for the model's author.
    seconds
        That it took, and `timings` those of each stage: ``examples``, ``fit``, ``load``, ``predict``, ``store``.
    execution
        What ran it: device, framework version.
    parts
        Part of the key to the digest of its facts.
    pieces
        What is stored of it, each with its crc32c.
    examples
        How many were predicted.
    peak_mb
        Most memory that its process had taken until then, in megabytes.
    worker
        Who computed it.
    environment
        Digest of the versions and the machine.
    finished
        When, in seconds since 1970.
    """

    task: str
    model: str
    shift: str
    seed: int
    key: str
    status: Status
    reason: str = ""
    detail: str = ""
    seconds: float = 0.0
    execution: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    pieces: Mapping[str, int] = field(default_factory=dict)
    examples: int = 0
    peak_mb: float | None = None
    worker: str = ""
    environment: str = ""
    finished: float = 0.0

    @property
    def name(self) -> tuple[str, str, str, int]:
        """What tells the cell from others of its run."""
        return self.task, self.model, self.shift, self.seed


@dataclass(frozen=True)
class TestSetRecord:
    """How a test set was made and stored.

    Attributes
    ----------
    examples
        How many it has.
    magnitudes
        How far the shift moved it; a number an output, or one. None for NaN.
    covariates
        Variable to kind, of those that the test set has.
    inputs_sha256
        Digest of its ids and sequences, which tells a benchmark from others; empty of runs of earlier versions.
    """

    __test__ = False

    task: str
    shift: str
    seed: int
    key: str
    status: Status
    reason: str = ""
    detail: str = ""
    seconds: float = 0.0
    timings: Mapping[str, float] = field(default_factory=dict)
    examples: int = 0
    magnitudes: Mapping[str, list[float | None]] = field(default_factory=dict)
    covariates: Mapping[str, Literal["float32", "float64", "text"]] = field(default_factory=dict)
    pieces: Mapping[str, int] = field(default_factory=dict)
    worker: str = ""
    inputs_sha256: str = ""

    @property
    def name(self) -> tuple[str, str, int]:
        """What tells the test set from others of its run."""
        return self.task, self.shift, self.seed


class Named(Protocol):
    """A planned cell or test set."""

    @property
    def name(self) -> Name:
        """What tells it from others of its run, whatever its parameters."""
        ...

    @property
    def key(self) -> str:
        """Sha256 over all that its content depends on."""
        ...


R = TypeVar("R", Record, TestSetRecord)


class Records(Generic[R]):
    """The records of one kind in a run's folder, in the order in which they came.

    Parameters
    ----------
    folder
        The run's.
    file
        Which records: `CELLS` or `TEST_SETS`.
    kind
        Their class.
    """

    def __init__(self, folder: Place, file: str, kind: type[R]) -> None:
        self._path: Place = folder / file
        content = read(self._path) or b""
        self._ragged: bool = bool(content) and not content.endswith(b"\n")
        of: Any = kind
        lines, held = _parsed(content, of)
        self._held: dict[Name, R] = dict(held)
        self._superseded = lines - len(held)

    def __iter__(self) -> Any:
        """The records in force."""
        return iter(self._held.values())

    def last(self, *name: str | int) -> R | None:
        """The last record of a cell or test set, whatever its key."""
        return self._held.get(name)

    def of(self, planned: Named) -> R | None:
        """The record of what is planned; None if it was never computed, or with other parameters."""
        record = self._held.get(planned.name)
        return record if record is not None and record.key == planned.key else None

    def done(self, planned: Named) -> bool:
        """Whether it need not be computed again."""
        record = self.of(planned)
        return record is not None and record.status == "done"

    def failed(self, planned: Iterable[Named]) -> list[R]:
        """The records of those that failed."""
        found = (self.of(one) for one in planned)
        return [record for record in found if record is not None and record.status == "failed"]

    def append(self, records: Iterable[R]) -> None:
        """Add records and make them durable."""
        new = list(records)
        if not new:
            return
        lines = "".join(_line(record) for record in new)
        append(self._path, (b"\n" if self._ragged else b"") + lines.encode())
        self._ragged = False
        for record in new:
            self._superseded += record.name in self._held
            self._held[record.name] = record

    def compact(self) -> None:
        """Drop superseded records from the file, when they are the most of it."""
        if self._superseded > len(self._held):
            write_whole(self._path, "".join(map(_line, self._held.values())).encode())
            self._superseded = 0


@lru_cache(maxsize=2)
def _parsed(content: bytes, kind: Any) -> tuple[int, dict[Name, Any]]:
    """How many lines there are, and the last record of each name; one process reads the same file several times."""
    lines, held = content.splitlines(), {}
    for value in _values(lines):
        try:
            record = kind(**value)
        except TypeError:
            continue
        held[record.name] = record
    return len(lines), held


def _values(lines: list[bytes]) -> list[Any]:
    """What each line holds. A run killed while appending leaves half a line; what it was of is computed again."""
    try:
        # All at once is several times as quick.
        values: list[Any] = json.loads(b"[" + b",".join(lines) + b"]")
        if len(values) == len(lines):
            return values
    except ValueError:
        pass
    values = []
    for line in lines:
        with suppress(ValueError):
            values.append(json.loads(line))
    return values


def _line(record: Any) -> str:
    # What is empty is left out: a hundred thousand cells are a hundred thousand lines.
    return json.dumps({name: value for name, value in vars(record).items() if value not in ("", {}, None)}) + "\n"


def cell_records(folder: Place) -> Records[Record]:
    """Of the cells of a run."""
    return Records(folder, CELLS, Record)


def test_set_records(folder: Place) -> Records[TestSetRecord]:
    """Of the test sets of a run."""
    return Records(folder, TEST_SETS, TestSetRecord)


test_set_records.__test__ = False  # type: ignore[attr-defined]
