"""Write a run's events to ``log.jsonl``, one JSON object a line. Decides nothing.

Behind a URL, where a file grows only by being written anew, events are kept for a few seconds and written together.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pluggy

from regharness.events import (
    CellFinished,
    CellLost,
    CellRetried,
    CellStarted,
    Event,
    RunFinished,
    RunInterrupted,
    RunStarted,
    Scored,
    name_of,
)
from regharness.markers import hookimpl
from regharness.spec import BenchmarkSpec
from regharness.storage import Place, append, is_local
from regharness.storage_faults import storing

if TYPE_CHECKING:
    from regharness.run_folder import Run

FILE = "log.jsonl"
KEPT = 5.0
"""Seconds."""


class Journal:
    """An observer that keeps what the lifecycle hooks tell.

    Parameters
    ----------
    folder
        Of the run.
    spec
        What is run.
    facts
        Versions, as `regharness.provenance.facts` gives them.
    """

    def __init__(self, folder: Place, spec: BenchmarkSpec, facts: Mapping[str, Any]) -> None:
        self._folder, self._spec, self._facts = folder, spec, facts
        self._kept: list[bytes] = []
        self._written = 0.0

    @hookimpl
    def regharness_run_started(self, cells: int, done: int, workers: int) -> None:
        """Note the start."""
        versions = {
            **{name: self._facts[name] for name in ("regharness", "python")},
            **self._facts["libraries"],
            **self._facts["plugins"],
        }
        run = self._spec.run
        use = run.executor.use
        self._note(RunStarted(self._spec.name, cells, done, use, workers, run.device, platform.node(), versions))

    @hookimpl
    def regharness_cell_started(self, task: str, model: str, shift: str, seed: int, worker: str) -> None:
        """Note that a worker is at a cell."""
        self._note(CellStarted(task, model, shift, seed, worker))

    @hookimpl
    def regharness_cell_finished(
        self,
        task: str,
        model: str,
        shift: str,
        seed: int,
        status: Any,
        reason: str,
        seconds: float,
        worker: str,
        examples: int,
        timings: Mapping[str, float],
    ) -> None:
        """Note a cell."""
        rounded = {stage: round(took, 4) for stage, took in timings.items()}
        self._note(CellFinished(task, model, shift, seed, status, reason, round(seconds, 4), worker, examples, rounded))

    @hookimpl
    def regharness_cell_lost(
        self, task: str, model: str, shift: str, seed: int, reason: str, worker: str, again: bool
    ) -> None:
        """Note that a worker ended, and what becomes of its cell."""
        kind = CellRetried if again else CellLost
        self._note(kind(task, model, shift, seed, reason, worker))

    @hookimpl
    def regharness_run_finished(self, failed: int, interrupted: bool) -> None:
        """Note the end."""
        self._note(RunInterrupted(failed) if interrupted else RunFinished(failed))

    def _note(self, event: Event) -> None:
        self._kept.append(_line(event))
        ended = isinstance(event, (RunInterrupted, RunFinished))
        if is_local(self._folder) or ended or time.monotonic() - self._written > KEPT:
            lines, self._kept = b"".join(self._kept), []
            _write(self._folder, lines)
            self._written = time.monotonic()


class ScoringJournal:
    """An observer that keeps what is told of scoring, of whichever run."""

    @hookimpl
    def regharness_scoring_finished(self, run: Run, cells: int, seconds: float) -> None:
        """Note that a run was scored."""
        note(run.folder, Scored(cells, round(seconds, 4)))


def note(folder: Place, event: Event) -> None:
    """Add an event to the log of the run in `folder`, with the time.

    Raises
    ------
    StorageError
        When it cannot be written.
    """
    _write(folder, _line(event))


@contextmanager
def hearing(manager: pluggy.PluginManager, journal: Journal | ScoringJournal) -> Iterator[Any]:
    """The hooks of all observers, a journal among them."""
    manager.register(journal)
    try:
        yield manager.hook
    finally:
        manager.unregister(journal)


def _line(event: Event) -> bytes:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    facts = {"time": now, "event": name_of(type(event)), **asdict(event)}
    return json.dumps(facts, allow_nan=False).encode() + b"\n"


def _write(folder: Place, lines: bytes) -> None:
    path = folder / FILE
    if not isinstance(path, Path):
        append(path, lines)
        return
    with storing(path), path.open("a+b") as file:
        _drop_half_line(file)
        file.write(lines)


def _drop_half_line(file: IO[Any]) -> None:
    """Take away what a process left that was killed while it wrote its last line."""
    end = file.seek(0, 2)
    if not end:
        return
    file.seek(end - 1)
    if file.read(1) != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
