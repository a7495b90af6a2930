"""One worker process as the main process sees it. Decides nothing."""

from __future__ import annotations

import multiprocessing.context
import signal
import time
from typing import Any

from regharness.jobs import Job
from regharness.spawning import ONE_THREAD, spawning
from regharness_processes.serving import serve

PATIENCE = 5.0
"""Seconds that a process which has nothing left to do may take to leave."""


class Worker:
    """A process, its pipe, and the job that it is at.

    Parameters
    ----------
    context
        How processes start.
    slot
        Its place among the workers; the one that replaces it has the same.
    work
        Pickled.
    memory
        Most bytes of data.
    gpu
        The one that it may see; None for all.
    """

    def __init__(
        self, context: multiprocessing.context.SpawnContext, slot: int, work: bytes, memory: int | None, gpu: str | None
    ) -> None:
        self.slot = slot
        self.name = f"worker {slot}"
        self.ready = False
        self.job: Job | None = None
        self.deadline: float | None = None
        self._pipe, theirs = context.Pipe()
        environment = {**ONE_THREAD} if gpu is None else {**ONE_THREAD, "CUDA_VISIBLE_DEVICES": gpu}
        # A daemon, so that no exit of the main process waits for it.
        self._process = context.Process(target=serve, args=(theirs, work, memory), daemon=True)
        with spawning(environment):
            self._process.start()
        theirs.close()

    @property
    def handles(self) -> list[Any]:
        """What is ready when the worker has said something or died."""
        return [self._pipe, self._process.sentinel]

    def give(self, job: Job, limit: float | None) -> bool:
        """Let it begin a job; False when it is dead."""
        try:
            self._pipe.send(job)
        except OSError:
            return False
        self.job = job
        self.deadline = None if limit is None else time.monotonic() + limit
        return True

    def has_spoken(self) -> bool:
        """Whether there is something to hear, or an end."""
        return self._pipe.poll()

    def hear(self) -> tuple[str, Any] | None:
        """What it says; None when it has died."""
        try:
            # What it said before it died is still there.
            return self._pipe.recv() if self._pipe.poll() else None
        except (EOFError, OSError):
            return None

    def epitaph(self) -> str:
        """How it ended, in words that follow "cell failed: "."""
        self._process.join(PATIENCE)
        code = self._process.exitcode
        if code is None:
            return "its worker closed its pipe"
        if code >= 0:
            return f"its worker exited with status {code}"
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        if -code == signal.SIGSEGV:
            return "its worker crashed: segmentation fault"
        if name == "SIGKILL":
            return "its worker was killed by SIGKILL, perhaps for want of memory"
        return f"its worker was killed by {name}"

    def kill(self) -> None:
        """End it now."""
        self._process.kill()

    def dismiss(self) -> None:
        """Let it leave, if it is idle; else end it."""
        if self.ready:
            self._pipe.close()
        else:
            self.kill()

    def bury(self) -> None:
        """Wait for its end, and let go of what it held."""
        self._process.join(PATIENCE)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
        self._process.close()
        self._pipe.close()
