"""Show a run on a terminal while it goes: one bar, and a line for each of the busiest workers. Counts nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from regharness.cli.tally import Tally, Worker, cell_name, duration, summary
from regharness.markers import hookimpl

if TYPE_CHECKING:
    from regharness.plan import Cell

SHOWN = 8
"""Workers that have a line of their own, where the terminal is high enough."""

BAR = (8, 40)
"""Columns of the bar: no narrower, no wider."""


class Display:
    """A live display of a run, which leaves failures and a summary behind.

    Parameters
    ----------
    console
        A terminal.
    tally
        What is known of the run.
    """

    def __init__(self, console: Console, tally: Tally | None = None) -> None:
        self._console = console
        self._tally = tally or Tally()
        self._spinner = Spinner("dots", "preparing")
        self._live = Live(console=console, transient=True, refresh_per_second=5, get_renderable=self.frame)
        self._live.start()

    @hookimpl
    def regharness_run_started(self, cells: int, done: int, workers: int) -> None:
        """Set the bar's length."""
        self._tally.start(cells, done, workers)

    @hookimpl
    def regharness_cell_started(self, task: str, model: str, shift: str, seed: int, worker: str) -> None:
        """Show what a worker is at."""
        self._tally.begin(worker, cell_name(task, model, shift, seed))

    def watch(self, cell: Cell, stage: str, share: float) -> None:
        """Show how far the worker in this process is with its cell."""
        self._tally.watch(cell_name(cell.task, cell.model, cell.shift, cell.seed), stage, share)

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
        """Advance the bar, and leave a line for a failure."""
        name = cell_name(task, model, shift, seed)
        self._tally.finish(worker, name, seconds, examples, failed=status == "failed")
        if status == "failed":
            self._leave(f"failed: {name}: {reason}", "red")

    @hookimpl
    def regharness_cell_lost(self, task: str, model: str, shift: str, seed: int, reason: str, again: bool) -> None:
        """Leave a line for a worker that died, where its cell is tried again."""
        self._tally.lose(cell_name(task, model, shift, seed))
        if again:
            self._leave(f"lost: {cell_name(task, model, shift, seed)}: {reason}; it is tried again", "yellow")

    @hookimpl
    def regharness_run_finished(self, failed: int, interrupted: bool) -> None:
        """Leave a summary."""
        self._tally.end()
        for line in summary(self._tally, failed, interrupted=interrupted):
            self._leave(line)
        self._tally.step = ("scoring", 0, 0)

    def step(self, what: str, done: int, total: int) -> None:
        """Show how far scoring and reports are."""
        self._tally.step = (what, done, total)

    def close(self) -> None:
        """Take the display away."""
        self._live.stop()

    def _leave(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style), soft_wrap=True)

    def frame(self) -> Any:
        """The display as it is now; no line of it is wider than the terminal."""
        tally, width = self._tally, self._console.width
        if tally.step is not None:
            what, done, total = tally.step
            return self._bar(what, done, total, [f"{done}/{total} cells"]) if total > 1 else self._spin(what)
        if tally.total is None:
            return self._spin("preparing")
        facts = [f"{tally.done}/{tally.total}", duration(tally.elapsed)]
        left = tally.left()
        facts += [] if left is None else [f"{duration(left)} left"]
        facts += [f"{tally.rate:,.0f} examples/s"] if tally.examples else []
        facts += [f"{tally.failed} failed"] if tally.failed else []
        lines: list[Any] = [self._bar("cells", tally.done, tally.total, facts)]
        workers = tally.workers()
        busy = sorted((worker for worker in workers if worker.at), key=lambda worker: worker.began)
        shown = busy[: max(min(SHOWN, self._console.height - 4), 1)]
        name_width = max((cell_len(worker.name) for worker in shown), default=0) if len(workers) > 1 else 0
        lines += [self._worker(worker, name_width, width) for worker in shown]
        if len(workers) > len(shown) and len(workers) > 1:
            more = len(workers) - len(shown)
            rest = f"  and {more} more worker{'s' * (more > 1)}, {len(busy) - len(shown)} of them at a cell"
            lines.append(_line(rest, width, "dim"))
        return Group(*lines)

    def _spin(self, what: str) -> Any:
        self._spinner.update(text=_line(what, self._console.width - 2))
        return self._spinner

    def _bar(self, label: str, done: int, total: int, facts: list[str]) -> Any:
        width = self._console.width
        # The failed stay in sight; what is left out first is the rate, then the time left.
        while len(facts) > 1 and cell_len("  ".join([label, *facts])) > width - 1:
            facts.pop(-2 if "failed" in facts[-1] and len(facts) > 2 else -1)
        text = "  ".join(facts)
        room = width - cell_len(label) - cell_len(text) - 3
        if room < BAR[0]:
            return _line(f"{label}  {text}", width)
        grid = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=max(total, 1), completed=done, width=min(room, BAR[1]))
        grid.add_row(_line(label, width), bar, _line(text, width))
        return grid

    def _worker(self, worker: Worker, name_width: int, width: int) -> Text:
        name = f"{worker.name:<{name_width}}  " if name_width else ""
        doing = f"fit {worker.share:.0%}" if worker.share >= 0 else worker.stage
        facts = [doing, duration(self._tally.at_for(worker)), f"{worker.cells} cell{'s' * (worker.cells != 1)}"]
        facts += [f"{self._tally.worker_rate(worker):,.0f} examples/s"] if worker.examples else []
        facts = [fact for fact in facts if fact]
        # What it is at is worth more than how fast it was.
        while len(facts) > 1 and cell_len("  ".join(facts)) > width // 2:
            facts.pop()
        right = "  ".join(facts)
        room = width - cell_len(right) - 5
        label = Text(f"{name}{worker.at}", no_wrap=True)
        label.truncate(max(room, 0), overflow="ellipsis", pad=False)
        return _line(f"  {label.plain}  {right}", width)


def _line(text: str, width: int, style: str = "") -> Text:
    line = Text(text, style, no_wrap=True, overflow="ellipsis")
    line.truncate(max(width, 1), overflow="ellipsis")
    return line
