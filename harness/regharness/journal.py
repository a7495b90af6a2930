"""Write a run's events to ``log.jsonl``, one JSON object a line. Decides nothing."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from regharness.markers import hookimpl

FILE = "log.jsonl"


class Journal:
    """An observer that keeps what the lifecycle hooks tell."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    @hookimpl
    def regharness_run_started(self, folder: Path, cells: int, done: int) -> None:
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
    def regharness_run_finished(self, folder: Path, failed: int, interrupted: bool) -> None:
        """Note the end."""
        self._note("run_finished", failed=failed, interrupted=interrupted)

    def _note(self, event: str, **facts: Any) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with self._path.open("a") as file:
            file.write(json.dumps({"time": now, "event": event, **facts}) + "\n")
