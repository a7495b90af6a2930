"""Choose how a run is shown while it goes: live on a terminal, as plain lines elsewhere. Decides nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

import click

from regharness.cli.tally import Tally, cell_name, duration, summary
from regharness.markers import hookimpl

if TYPE_CHECKING:
    from regharness.catalog import Catalog
    from regharness.plan import Cell
    from regharness.storage import Place

HEARTBEAT = 30.0


class Progress(Protocol):
    """What a run is watched with."""

    def watch(self, cell: Cell, stage: str, share: float) -> None:
        """Hear what the worker in this process is at."""

    def step(self, what: str, done: int, total: int) -> None:
        """Hear how far a stage after the cells is."""


@contextmanager
def make_progress(catalog: Catalog, *, quiet: bool) -> Iterator[Progress]:
    """The display that fits where stderr goes, registered as an observer of the run."""
    if quiet:
        yield Silent()
        return
    progress: Any = _display() or Lines()
    catalog.plugins.manager.register(progress)
    try:
        yield progress
    finally:
        catalog.plugins.manager.unregister(progress)
        progress.close()


def _display() -> Any:
    """A live display; None where stderr is no terminal, or one that cannot move its cursor."""
    if not sys.stderr.isatty():
        return None
    from rich.console import Console

    from regharness.cli.display import Display

    console = Console(stderr=True)
    return None if console.is_dumb_terminal else Display(console)


class Silent:
    """No display."""

    def watch(self, cell: Cell, stage: str, share: float) -> None:
        """Show nothing."""

    def step(self, what: str, done: int, total: int) -> None:
        """Show nothing."""


class Lines:
    """One line when a model and seed begin, one for each failure, a sign of life in between, and how it ended."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._spoke = time.monotonic()
        self._begun: set[tuple[str, str, int]] = set()

    @hookimpl
    def regharness_run_started(self, folder: Place, cells: int, done: int, workers: int) -> None:
        """Say what there is to do."""
        self._tally.start(cells, done, workers)
        many = f", {workers} workers" if workers > 1 else ""
        self._say(f"{folder}: {cells} cells, {done} done before{many}")

    @hookimpl
    def regharness_cell_started(self, task: str, model: str, shift: str, seed: int, worker: str) -> None:
        """Say which model a worker has begun."""
        self._tally.begin(worker, cell_name(task, model, shift, seed))
        self._begin(task, model, seed, f"predict {shift}")

    def watch(self, cell: Cell, stage: str, share: float) -> None:
        """Say which model is fitted or predicts now."""
        self._tally.watch(cell_name(cell.task, cell.model, cell.shift, cell.seed), stage, share)
        self._begin(cell.task, cell.model, cell.seed, f"fit {share:.0%}" if stage == "fit" else f"{stage} {cell.shift}")

    @hookimpl
    def regharness_cell_finished(
        self,
        task: str,
        model: str,
        shift: str,
        seed: int,
        status: str,
        reason: str,
        seconds: float,
        worker: str,
        examples: int,
    ) -> None:
        """Count the cell, and say why it failed."""
        name = cell_name(task, model, shift, seed)
        self._tally.finish(worker, name, seconds, examples, failed=status == "failed")
        if status == "failed":
            self._say(f"failed: {name}: {reason}")
        elif self._silent_for_long():
            self._say(f"{self._done()} cells{self._pace()}")

    @hookimpl
    def regharness_cell_lost(self, task: str, model: str, shift: str, seed: int, reason: str, again: bool) -> None:
        """Say that a worker died, and what becomes of its cell."""
        self._tally.lose(cell_name(task, model, shift, seed))
        if again:
            self._say(f"lost: {task}: {model}, {shift}, seed {seed}: {reason}; it is tried again")

    @hookimpl
    def regharness_run_finished(self, failed: int, interrupted: bool) -> None:
        """Say how it ended, and how fast it went."""
        self._tally.end()
        for line in summary(self._tally, failed, interrupted=interrupted):
            self._say(line)

    def step(self, what: str, done: int, total: int) -> None:
        """Give a sign of life while scores and reports are made."""
        if self._silent_for_long():
            self._say(step_name(what, done, total))

    def close(self) -> None:
        """Nothing is open."""

    def _begin(self, task: str, model: str, seed: int, doing: str) -> None:
        if (task, model, seed) not in self._begun:
            self._begun.add((task, model, seed))
            self._say(f"{self._done()} {task}: {model}, seed {seed}")
        elif self._silent_for_long():
            self._say(f"{self._done()} {task}: {model}, seed {seed}, {doing}{self._pace()}")

    def _done(self) -> str:
        return f"[{self._tally.done}/{self._tally.total}]"

    def _pace(self) -> str:
        left = self._tally.left()
        rate = f", {self._tally.rate:,.0f} examples/s" if self._tally.examples else ""
        return rate if left is None else f"{rate}, about {duration(left)} left"

    def _silent_for_long(self) -> bool:
        return time.monotonic() - self._spoke > HEARTBEAT

    def _say(self, text: str) -> None:
        self._spoke = time.monotonic()
        # Whoever read these lines may have gone; the run goes on without them.
        with suppress(BrokenPipeError):
            click.echo(text, err=True)


def step_name(what: str, done: int, total: int) -> str:
    """A stage after the cells, with how far it is where it has several steps."""
    return f"{what}: {done}/{total} cells" if total > 1 else what
