"""Listen to a run, and tell a tracker. Knows the hooks, and nothing of MLflow.

Whatever the tracker does, the run goes on: the first failure is told once, and from then on the tracker is left alone.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from regharness import hookimpl

if TYPE_CHECKING:
    from regharness import Run
    from regharness.storage import Place
    from regharness_mlflow.tracking import TrackedRun

LOG = logging.getLogger("regharness_mlflow")
PAUSE = 2.0
"""Seconds between two requests, however many cells end in them."""


class Observer:
    """Follow one run after another, each from its first cell on: one with nothing to do leaves no trace."""

    def __init__(self) -> None:
        self._folder: Place | None = None
        self._tracked: TrackedRun | None = None
        self._gave_up = False
        self._counts: Counter[str] = Counter()
        self._told = 0.0

    @hookimpl
    def regharness_run_started(self, folder: Place, done: int) -> None:
        """Remember which run this is."""
        self._folder, self._tracked, self._gave_up = folder, None, False
        self._counts = Counter(cells_done=done)

    @hookimpl
    def regharness_cell_finished(self, status: str, seconds: float) -> None:
        """Count a cell."""
        self._counts[f"cells_{status}"] += 1
        self._attempt(lambda run: self._count(run, {**self._progress(), "cell_seconds": seconds}))

    @hookimpl
    def regharness_cell_lost(self) -> None:
        """Count a worker that ended without a result."""
        self._counts["workers_lost"] += 1

    @hookimpl
    def regharness_test_set_finished(self, status: str) -> None:
        """Count a test set that could not be made."""
        if status == "failed":
            self._counts["test_sets_failed"] += 1

    @hookimpl
    def regharness_run_finished(self, failed: int, interrupted: bool) -> None:
        """Tell how the run ended, if anything of it was computed."""
        if self._tracked is not None:
            status = "KILLED" if interrupted else "FAILED" if failed else "FINISHED"
            self._attempt(lambda run: run.end(status))

    @hookimpl
    def regharness_scoring_finished(self, run: Run, files: Sequence[Place]) -> None:
        """Add the scores, the leaderboard and the reports."""
        if self._folder != run.folder:
            self._folder, self._tracked, self._gave_up = run.folder, None, False
        self._attempt(lambda tracked: tracked.add_scores(run, files))

    def _progress(self) -> dict[str, float]:
        return {"cells_failed": 0, **self._counts}

    def _count(self, run: TrackedRun, values: dict[str, float]) -> None:
        run.measure(values, step=self._counts["cells_done"] + self._counts["cells_failed"])
        if time.monotonic() - self._told > PAUSE:
            run.send()
            self._told = time.monotonic()

    def _attempt(self, action: Callable[[TrackedRun], None]) -> None:
        if self._gave_up or self._folder is None:
            return
        try:
            if self._tracked is None:
                # MLflow takes a second to import, and is needed only here.
                from regharness_mlflow.tracking import TrackedRun

                self._tracked = TrackedRun(self._folder)
            action(self._tracked)
        except Exception as error:
            self._gave_up = True
            LOG.warning("MLflow does not follow this run: %s", " ".join(str(error).split())[:300])
