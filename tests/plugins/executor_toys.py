"""Work for executors that does what a job's label says, some of it fatal to the process."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from regharness.jobs import Began, Lost


@dataclass(frozen=True)
class Do:
    """A job: what to do, and a number that tells it from others."""

    deed: str
    number: int = 0
    fit: str = ""
    examples: str = ""

    @property
    def label(self) -> str:
        return f"{self.deed} {self.number}"


class Unsendable(Exception):
    def __init__(self, one, two):
        super().__init__(one)


@dataclass(frozen=True)
class Deeds:
    """Do what a job says; `folder` holds a file for each fatal job that was tried."""

    folder: Path | None = None
    limit: float | None = None
    most: dict[str, Any] = field(default_factory=dict)

    def __call__(self, job: Do) -> Any:
        return getattr(self, job.deed)(job)

    def pid(self, job):
        return job, os.getpid()

    def where(self, job):
        return job, os.getpid(), time.monotonic()

    def die(self, job):
        os.kill(os.getpid(), signal.SIGKILL)

    def crash(self, job):
        ctypes.string_at(0)

    def leave(self, job):
        os._exit(3)

    def exit(self, job):
        sys.exit(4)

    def hang(self, job):
        time.sleep(600)

    def nap(self, job):
        time.sleep(0.05)
        return job, os.getpid()

    def starve(self, job):
        raise MemoryError("no room")

    def gorge(self, job):
        return int(np.ones(2**28).sum())

    def unsendable_result(self, job):
        return lambda: None

    def unsendable_error(self, job):
        raise Unsendable(1, 2)

    def input_error(self, job):
        from regharness.errors import InputError

        raise InputError("bad", help="mend it")

    def interrupt(self, job):
        os.kill(os.getpid(), signal.SIGINT)
        return job, os.getpid()

    def environment(self, job):
        return {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "NUMBA_NUM_THREADS")}

    def modules(self, job):
        return sorted(sys.modules)

    def beat(self, job):
        for _ in range(10_000):
            (self.folder / f"{os.getpid()}").touch()
            time.sleep(0.02)

    def spin(self, job):
        total = 0
        for i in range(3_000_000):
            total += i * i
        return job, total


def sorted_news(news):
    """Results, losses and beginnings of a run."""
    results, lost, began = [], [], []
    for one in news:
        (lost if isinstance(one, Lost) else began if isinstance(one, Began) else results).append(one)
    return results, lost, began
