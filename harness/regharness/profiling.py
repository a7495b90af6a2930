"""Own where a run's time goes: stages of the main process, of cells and of workers. Shows nothing."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from pluggy import PluginManager

from regharness.markers import hookimpl

OTHER_IN = "other, in "
OTHER_IN_CELLS = f"{OTHER_IN}cells"
OTHER_IN_TEST_SETS = f"{OTHER_IN}test sets"
OTHER = "other: waiting, overhead"


class Stopwatch:
    """Seconds and calls of the main process's stages. A stage within another counts for itself alone.

    Parameters
    ----------
    clock
        Gives seconds that never go back.

    Attributes
    ----------
    seconds, calls
        Stage to how long it took in all, and how often it was entered.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._inner: list[float] = []
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, int] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what is done within as `name`."""
        began = self._clock()
        self._inner.append(0.0)
        try:
            yield
        finally:
            whole = self._clock() - began
            self.seconds[name] = self.seconds.get(name, 0.0) + whole - self._inner.pop()
            self.calls[name] = self.calls.get(name, 0) + 1
            if self._inner:
                self._inner[-1] += whole


@dataclass(frozen=True)
class StageTime:
    """What a stage took.

    Attributes
    ----------
    where
        ``"main"``, the main process, on which every worker waits; ``"beside"``, the main process while workers compute;
        ``"workers"``; or ``"other"``, what no stage accounts for.
    seconds, calls
        Over all of its calls; no calls where they are not counted.
    share
        Of the wall time of all workers, to which shares add up; none for what is done beside the workers.
    """

    stage: str
    where: str
    seconds: float
    share: float | None
    calls: int | None


@dataclass
class ModelTime:
    """What a model's cells took, and the slowest of them."""

    model: str
    cells: int = 0
    seconds: float = 0.0
    slowest: dict[str, Any] = field(default_factory=dict)
    stages: dict[str, float] = field(default_factory=dict)


@dataclass
class WorkerTime:
    """What a worker did; `share` is that of the wall time in which it was busy with cells and test sets."""

    worker: str
    cells: int = 0
    examples: int = 0
    seconds: float = 0.0
    share: float = 0.0


@dataclass(frozen=True)
class Profile:
    """Where the time of a run went; models from the slowest on."""

    wall_seconds: float
    workers: int
    stages: list[StageTime]
    models: list[ModelTime]
    busy: list[WorkerTime]

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


class Profiler:
    """An observer that adds up what the lifecycle hooks tell, from its making on.

    Attributes
    ----------
    stopwatch
        For the stages of the main process.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.stopwatch = Stopwatch(clock)
        self._clock, self._began = clock, clock()
        # As every worker calls itself.
        self._here = f"{platform.node()}:{os.getpid()}"
        self._told = 1
        self._before: dict[str, float] | None = None
        self._beside: dict[str, float] = {}
        self._stages: dict[str, list[float]] = {}
        self._models: dict[str, ModelTime] = {}
        self._workers: dict[str, WorkerTime] = {}

    @contextmanager
    def hearing(self, observers: PluginManager) -> Iterator[None]:
        """Hear what happens within."""
        observers.register(self)
        try:
            yield
        finally:
            observers.unregister(self)

    @hookimpl
    def regharness_run_started(self, workers: int) -> None:
        """From here on workers compute beside the main process."""
        self._told, self._before = workers, dict(self.stopwatch.seconds)

    @hookimpl
    def regharness_cell_finished(
        self,
        task: str,
        model: str,
        shift: str,
        seed: int,
        seconds: float,
        worker: str,
        examples: int,
        timings: Mapping[str, float],
    ) -> None:
        """Add a cell to its stages, its model and its worker."""
        of_model = self._models.setdefault(model, ModelTime(model))
        parts = self._add(seconds, timings, OTHER_IN_CELLS)
        for stage, took in parts.items():
            of_model.stages[stage] = of_model.stages.get(stage, 0.0) + took
        took = sum(parts.values())
        of_model.cells += 1
        of_model.seconds += took
        if took >= of_model.slowest.get("seconds", 0.0):
            of_model.slowest = {"task": task, "shift": shift, "seed": seed, "seconds": took}
        of_worker = self._workers.setdefault(worker, WorkerTime(worker))
        of_worker.cells += 1
        of_worker.examples += examples
        of_worker.seconds += took

    @hookimpl
    def regharness_test_set_finished(self, seconds: float, worker: str, timings: Mapping[str, float]) -> None:
        """Add a test set to its stages and its worker."""
        parts = self._add(seconds, timings, OTHER_IN_TEST_SETS)
        self._workers.setdefault(worker, WorkerTime(worker)).seconds += sum(parts.values())

    def _add(self, seconds: float, timings: Mapping[str, float], rest: str) -> dict[str, float]:
        parts = {**timings, rest: max(seconds - sum(timings.values()), 0.0)}
        for stage, took in parts.items():
            self._stages.setdefault(stage, []).append(took)
        return parts

    @hookimpl
    def regharness_run_finished(self) -> None:
        """Workers have ended; what the main process did meanwhile was beside them, unless it was the worker."""
        before = self._before or {}
        if not self._computed_here:
            self._beside = {name: s - before.get(name, 0.0) for name, s in self.stopwatch.seconds.items()}
        self._before = None

    @property
    def _computed_here(self) -> bool:
        return self._workers.keys() <= {self._here}

    def profile(self) -> Profile:
        """Where the time went until now."""
        wall = self._clock() - self._began
        workers = max(self._told, len(self._workers))
        rows: list[tuple[str, str, float, float | None, int | None]] = []
        for name, seconds in self.stopwatch.seconds.items():
            beside = self._beside.get(name, 0.0)
            calls = self.stopwatch.calls[name]
            # A stage of the main process is waited for by every worker.
            counted = None if beside > seconds / 2 else seconds * workers
            rows.append((name, "main" if counted is not None else "beside", seconds, counted, calls))
        for name, parts in self._stages.items():
            rows.append((name, "workers", sum(parts), sum(parts), None if name.startswith(OTHER_IN) else len(parts)))
        used = sum(counted or 0.0 for _, _, _, counted, _ in rows)
        whole = max(wall * workers, used, 1e-9)
        rows.append((OTHER, "other", whole - used, whole - used, None))
        stages = [StageTime(n, where, s, None if c is None else c / whole, calls) for n, where, s, c, calls in rows]
        for of_worker in self._workers.values():
            of_worker.share = of_worker.seconds / max(wall, 1e-9)
        models = sorted(self._models.values(), key=lambda found: -found.seconds)
        busy = sorted(self._workers.values(), key=lambda found: found.worker)
        return Profile(wall, workers, stages, models, busy)
