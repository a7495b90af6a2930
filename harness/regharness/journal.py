"""Write a run's events to ``log.jsonl``, one JSON object a line. Decides nothing.

Behind a URL, where a file grows only by being written anew, events are kept for a few seconds and written together.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from regharness.markers import hookimpl
from regharness.storage import Place, append, is_local
from regharness.storage_faults import storing

FILE = "log.jsonl"
KEPT = 5.0
"""Seconds."""


class Journal:
    """An observer that keeps what the lifecycle hooks tell."""

    def __init__(self, folder: Place) -> None:
        self._path = folder / FILE
        self._kept: list[str] = []
        self._written = 0.0

    @hookimpl
    def regharness_run_started(self, folder: Place, cells: int, done: int) -> None:
        """Note the start."""
        self._note("run_started", cells=cells, done=done)

    @hookimpl
    def regharness_cell_started(self, task: str, model: str, shift: str, seed: int, worker: str) -> None:
        """Note that a worker is at a cell."""
        self._note("cell_started", task=task, model=model, shift=shift, seed=seed, worker=worker)

    @hookimpl
    def regharness_cell_finished(
        self, task: str, model: str, shift: str, seed: int, status: str, reason: str, seconds: float
    ) -> None:
        """Note a cell."""
        self._note(
            "cell_finished",
            task=task,
            model=model,
            shift=shift,
            seed=seed,
            status=status,
            reason=reason,
            seconds=round(seconds, 4),
        )

    @hookimpl
    def regharness_run_finished(self, folder: Place, failed: int, interrupted: bool) -> None:
        """Note the end."""
        self._note("run_finished", failed=failed, interrupted=interrupted)

    def _note(self, event: str, **facts: Any) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._kept.append(json.dumps({"time": now, "event": event, **facts}) + "\n")
        if is_local(self._path) or event == "run_finished" or time.monotonic() - self._written > KEPT:
            self._write()

    def _write(self) -> None:
        lines, self._kept = "".join(self._kept).encode(), []
        if isinstance(self._path, Path):
            with storing(self._path), self._path.open("ab") as file:
                file.write(lines)
        else:
            append(self._path, lines)
        self._written = time.monotonic()
