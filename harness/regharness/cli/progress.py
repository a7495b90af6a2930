"""Show how a run goes: a live display on a terminal, plain lines elsewhere. Decides nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from regharness.markers import hookimpl

if TYPE_CHECKING:
    from regharness.catalog import Catalog
    from regharness.plan import Cell

HEARTBEAT = 30.0


class Progress(Protocol):
    """What a run is watched with."""

    def watch(self, cell: Cell, stage: str, share: float) -> None:
        """Hear what the worker is at."""


@contextmanager
def make_progress(catalog: Catalog, *, quiet: bool) -> Iterator[Progress]:
    """The display that fits where stderr goes, registered as an observer of the run."""
    if quiet:
        yield Silent()
        return
    progress: Any = Live() if sys.stderr.isatty() else Lines()
    catalog.plugins.manager.register(progress)
    try:
        yield progress
    finally:
        catalog.plugins.manager.unregister(progress)
        progress.close()


class Silent:
    """No display."""

    def watch(self, cell: Cell, stage: str, share: float) -> None:
        """Show nothing."""


class Lines:
    """One line when a model and seed begin, one for each failure, and a sign of life in between."""

    def __init__(self) -> None:
        self._total = self._done = self._computed = 0
        self._started = self._spoke = time.monotonic()
        self._at: tuple[str, str, int] | None = None

    @hookimpl
    def regharness_run_started(self, folder: Path, cells: int, done: int) -> None:
        """Say what there is to do."""
        self._total, self._done = cells, done
        self._say(f"{folder}: {cells} cells, {done} done before")

    def watch(self, cell: Cell, stage: str, share: float) -> None:
        """Say which model is fitted or predicts now."""
        at = cell.task, cell.model, cell.seed
        if at != self._at:
            self._at = at
            self._say(f"[{self._done}/{self._total}] {cell.task}: {cell.model}, seed {cell.seed}")
        elif time.monotonic() - self._spoke > HEARTBEAT:
            doing = f"{stage} {share:.0%}" if stage == "fit" else f"{stage} {cell.shift}"
            self._say(
                f"[{self._done}/{self._total}] {cell.task}: {cell.model}, seed {cell.seed}, {doing}{self._left()}"
            )

    @hookimpl
    def regharness_cell_finished(self, task: str, model: str, shift: str, seed: int, status: str, reason: str) -> None:
        """Count the cell, and say why it failed."""
        self._done += 1
        self._computed += 1
        if status == "failed":
            self._say(f"failed: {task}: {model}, {shift}, seed {seed}: {reason}")

    @hookimpl
    def regharness_run_finished(self, failed: int, interrupted: bool) -> None:
        """Say how it ended."""
        end = "interrupted" if interrupted else "finished"
        self._say(f"{end}: {self._done}/{self._total} cells, {failed} failed")

    def close(self) -> None:
        """Nothing is open."""

    def _left(self) -> str:
        if not self._computed:
            return ""
        seconds = (time.monotonic() - self._started) / self._computed * (self._total - self._done)
        return f", about {seconds / 60:.0f} min left" if seconds > 90 else f", about {seconds:.0f} s left"

    def _say(self, text: str) -> None:
        self._spoke = time.monotonic()
        # Whoever read these lines may have gone; the run goes on without them.
        with suppress(BrokenPipeError):
            click.echo(text, err=True)


class Live:
    """A bar with the current cell, its stage, and the time left."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress

        self._escape = escape
        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._cells = self._bar.add_task("preparing", total=None)
        self._fit = self._bar.add_task("", total=1.0, visible=False)
        self._bar.start()

    @hookimpl
    def regharness_run_started(self, cells: int, done: int) -> None:
        """Set the bar's length."""
        self._bar.update(self._cells, total=cells, completed=done, description="cells")

    def watch(self, cell: Cell, stage: str, share: float) -> None:
        """Show the current cell."""
        name = self._escape(f"{cell.task}: {cell.model}, seed {cell.seed}")
        fitting = stage == "fit"
        self._bar.update(self._cells, description=f"{name}, {self._escape(cell.shift)}" if not fitting else name)
        self._bar.update(self._fit, description="  fit", completed=share, visible=fitting)

    @hookimpl
    def regharness_cell_finished(self, task: str, model: str, shift: str, seed: int, status: str, reason: str) -> None:
        """Advance the bar, and leave a line for a failure."""
        self._bar.advance(self._cells)
        if status == "failed":
            self._bar.console.print(self._escape(f"failed: {task}: {model}, {shift}, seed {seed}: {reason}"))

    def close(self) -> None:
        """Take the display away."""
        self._bar.stop()
