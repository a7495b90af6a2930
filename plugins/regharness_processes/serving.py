"""What a worker process does: take jobs from a pipe and send results back. Starts no process.

Messages to the main process are pickled pairs: ``("ready", name)``, ``("broken", why)``, ``("done", result)``,
``("memory", why)`` and ``("raised", exception)``.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import pickle
import platform
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection, wait
from typing import Any

from regharness.errors import ExecutorError
from regharness.spawning import ignore_interrupts

PARENT_DIED = 1
"""Of `prctl` on Linux: which signal to get when the parent dies."""


def serve(pipe: Connection, work: bytes, memory: int | None) -> None:
    """Do jobs until the main process closes the pipe, or dies."""
    ignore_interrupts()
    _end_with_parent()
    try:
        if memory is not None:
            _limit_memory(memory)
        call = pickle.loads(work)
    except Exception as error:
        pipe.send(("broken", f"{type(error).__name__}: {error}"))
        return
    pipe.send(("ready", f"{platform.node()}:{os.getpid()}"))
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        pipe.send_bytes(_do(call, job))


def _do(call: Any, job: Any) -> bytes:
    try:
        result = call(job)
    except MemoryError as error:
        return pickle.dumps(("memory", str(error)))
    except Exception as error:
        return _raised(error)
    try:
        return pickle.dumps(("done", result))
    except Exception as error:
        said = f"the result of {job.label} cannot be sent to the main process: {type(error).__name__}: {error}"
        return pickle.dumps(("raised", ExecutorError(said)))


def _raised(error: Exception) -> bytes:
    """The exception as it can be raised again; one that does not survive pickling is told in words."""
    error.add_note("in a worker:\n" + "".join(traceback.format_exception(error)))
    try:
        sent = pickle.dumps(("raised", error))
        pickle.loads(sent)
    except Exception:
        return pickle.dumps(("raised", ExecutorError(f"a worker ended with {type(error).__name__}: {error}")))
    return sent


def _limit_memory(most: int) -> None:
    import resource

    # The address space, RLIMIT_AS, would count what PyTorch and CUDA reserve and never touch.
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _end_with_parent() -> None:
    """End at once when the main process does, whatever this one is computing."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    if sys.platform == "linux":
        # Reaches a worker that is inside a library and would not run the thread below.
        ctypes.CDLL(None).prctl(PARENT_DIED, signal.SIGKILL)

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent watch", daemon=True).start()
