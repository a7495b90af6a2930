"""What happens in a dask worker: keep the work of a run, and do jobs with it. Connects to nothing."""

from __future__ import annotations

import os
import pickle
import platform
import signal
from typing import Any

from distributed import Nanny, get_worker

_WORK: dict[str, Any] = {}


class Unprepared(Exception):
    """This process has not got the work: it took the place, and the address, of one that had."""


def prepare(run: str, work: bytes) -> tuple[str, bool]:
    """Keep the work of a run in place of an earlier one's; give this process's name, and whether it has a nanny."""
    _WORK.clear()
    _WORK[run] = pickle.loads(work)
    return f"{platform.node()}:{os.getpid()}", get_worker().nanny is not None


def call(run: str, job: bytes) -> tuple[bool, Any]:
    """Do a job: true with its result, or false with why memory ran out."""
    if run not in _WORK:
        raise Unprepared
    try:
        return True, _WORK[run](pickle.loads(job))
    except MemoryError as error:
        return False, str(error)


def forget(run: str) -> None:
    """Let go of the work, and of what it keeps."""
    _WORK.pop(run, None)


def kill_worker(dask_worker: Nanny) -> None:
    """In a nanny: end its worker's process now; the nanny starts another."""
    if dask_worker.pid is not None:
        os.kill(dask_worker.pid, signal.SIGKILL)
