"""Own how an executor's processes come into being: one thread a library, without the user's script. Starts none."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType

ONE_THREAD: Mapping[str, str] = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
    ),
    "1",
)
"""What a worker's environment says before it imports anything: as many threads as workers, not their square."""


@contextmanager
def spawning(environment: Mapping[str, str] = ONE_THREAD) -> Iterator[None]:
    """Start processes with `multiprocessing`'s ``spawn`` in here.

    They get `environment`, hear no Ctrl-C before they have said what to do with it, and do not import the program that
    started them: a script that calls ``regharness.run`` would otherwise begin again in each.
    """
    before = {name: os.environ.get(name) for name in environment}
    main = sys.modules["__main__"]
    os.environ.update(environment)
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        with _no_interrupt():
            yield
    finally:
        sys.modules["__main__"] = main
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _no_interrupt() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ignore_interrupts() -> None:
    """In a new process: leave Ctrl-C, which the terminal sends to all, to the process that started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
