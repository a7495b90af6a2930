"""Own what a display knows of a run: what is done, what each worker is at, how fast, how long still. Shows nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

RECENT = 20
"""At least as many of the last cells tell how fast a run goes now, or half of them where they are more."""


@dataclass
class Worker:
    """A worker, since it was first heard of.

    Attributes
    ----------
    at, began, stage
        What it is at, since when, and what stage that is in; empty when it is at nothing.
    share
        How much of a fit is done; below zero where nothing tells.
    """

    name: str
    since: float
    cells: int = 0
    examples: int = 0
    at: str = ""
    began: float = 0.0
    stage: str = ""
    share: float = -1.0


class Tally:
    """Counts of a run, told by one thread and read by another.

    Parameters
    ----------
    clock
        Gives seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._began, self._ended = clock(), 0.0
        self._ends: list[float] = []
        self._seconds = 0.0
        self._wanted = 1
        self._workers: dict[str, Worker] = {}
        self.total: int | None = None
        self.before = self.failed = self.examples = 0
        self.step: tuple[str, int, int] | None = None

    def start(self, cells: int, done: int, workers: int) -> None:
        """A run begins, of so many cells, of which some were done before."""
        with self._lock:
            self.total, self.before, self._wanted = cells, done, workers
            self._began = self._clock()

    def begin(self, name: str, at: str) -> None:
        """A worker begins a cell."""
        with self._lock:
            worker = self._worker(name)
            worker.at, worker.began, worker.stage, worker.share = at, self._clock(), "", -1.0

    def watch(self, at: str, stage: str, share: float) -> None:
        """The worker in this process tells how far it is with a cell."""
        with self._lock:
            worker = self._at(at)
            if worker is None:
                worker = self._worker(next(iter(self._workers), ""))
                worker.at, worker.began = at, self._clock()
            worker.stage, worker.share = stage, share if stage == "fit" else -1.0

    def finish(self, name: str, at: str, seconds: float, examples: int, *, failed: bool) -> None:
        """A worker ends a cell; it may call itself otherwise than who gave it the cell does."""
        with self._lock:
            self._ends.append(self._clock())
            self._seconds += seconds
            self.examples += examples
            self.failed += failed
            # One that is first heard of now has been there for as long as the cell took.
            worker = self._at(at) or self._worker(name, self._clock() - seconds)
            worker.cells += 1
            worker.examples += examples
            worker.at = worker.stage = ""

    def lose(self, at: str) -> None:
        """The worker that was at a cell is gone."""
        with self._lock:
            worker = self._at(at)
            if worker is not None:
                worker.at = worker.stage = ""

    def end(self) -> None:
        """Every cell is computed, or the run was interrupted."""
        with self._lock:
            self._ended = self._clock()
            for worker in self._workers.values():
                worker.at = worker.stage = ""

    @property
    def done(self) -> int:
        """Cells that need no more work, those done before included."""
        return self.before + len(self._ends)

    @property
    def computed(self) -> int:
        """Cells that this run computed."""
        return len(self._ends)

    @property
    def elapsed(self) -> float:
        """Seconds since the run began, until its end."""
        return (self._ended or self._clock()) - self._began

    @property
    def rate(self) -> float:
        """Examples a second."""
        return self.examples / self.elapsed if self.elapsed > 0 else 0.0

    def workers(self) -> list[Worker]:
        """Every worker, in the order in which they were heard of."""
        with self._lock:
            return [replace(worker) for worker in self._workers.values()]

    def worker_rate(self, worker: Worker) -> float:
        """Examples a second of a worker, since it was first heard of."""
        seconds = (self._ended or self._clock()) - worker.since
        return worker.examples / seconds if seconds > 0 else 0.0

    def at_for(self, worker: Worker) -> float:
        """Seconds for which a worker has been at its cell."""
        return self._clock() - worker.began if worker.at else 0.0

    def left(self) -> float | None:
        """Seconds until every cell is computed; None before anything tells.

        Cells that were done before tell nothing, and of those of this run the last count, since models differ. While
        few have ended, what workers are at counts by how long it takes on average.
        """
        with self._lock:
            count, now = len(self._ends), self._clock()
            if not count or self.total is None:
                return None
            mean = self._seconds / count
            begun = sum(min((now - w.began) / mean, 1.0) for w in self._workers.values() if w.at) if mean > 0 else 0.0
            recent = max(RECENT, 4 * max(self._wanted, len(self._workers)), count // 2)
            if recent < count:
                rate = recent / max(now - self._ends[-recent - 1], 1e-9)
            else:
                rate = (count + begun) / max(now - self._began, 1e-9)
            return max(self.total - self.before - count - begun, 0.0) / rate

    def _at(self, at: str) -> Worker | None:
        return next((worker for worker in self._workers.values() if worker.at == at), None)

    def _worker(self, name: str, since: float | None = None) -> Worker:
        if name not in self._workers:
            self._workers[name] = Worker(name, self._clock() if since is None else since)
        return self._workers[name]


def cell_name(task: str, model: str, shift: str, seed: int) -> str:
    """What a cell is called while a worker is at it."""
    return f"{task}: {model}, {shift}, seed {seed}"


def duration(seconds: float) -> str:
    """Minutes and seconds, and hours where there are any."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def summary(tally: Tally, failed: int, *, interrupted: bool) -> list[str]:
    """How a run ended: its rate, and that of every worker, or their range where they are many."""
    cells = f"{'interrupted' if interrupted else 'finished'}: {tally.done}/{tally.total} cells, {failed} failed"
    if not tally.computed:
        return [cells]
    speed = f"{tally.computed / tally.elapsed:,.1f} cells/s" if tally.elapsed > 0 else ""
    pace = [duration(tally.elapsed), speed, *([f"{tally.rate:,.0f} examples/s"] if tally.examples else [])]
    lines = [f"{cells}, in {', '.join(pace)}"]
    workers = [worker for worker in tally.workers() if worker.cells]
    if len(workers) < 2:
        return lines
    if len(workers) <= 8:
        return lines + [
            f"  {worker.name}: {worker.cells} cells, {tally.worker_rate(worker):,.0f} examples/s" for worker in workers
        ]
    rates = sorted(tally.worker_rate(worker) for worker in workers)
    spread = f"{rates[0]:,.0f} to {rates[-1]:,.0f} examples/s, median {rates[len(rates) // 2]:,.0f}"
    return [*lines, f"  {len(workers)} workers: {spread}"]
