"""Run jobs in this process. Starts no worker."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator
from typing import Literal

from regharness.interfaces import Executor, Work
from regharness.jobs import Began, Job, Lost, News


class LocalExecutor(Executor):
    """Call the work on each job, in order.

    Parameters
    ----------
    workers
        Always 1: this executor is one process.
    """

    enforces_limit = False

    def __init__(self, workers: Literal[1] = 1) -> None:
        pass

    def run(self, jobs: Iterable[Job], work: Work) -> Iterator[News]:
        """Yield each result as soon as it is there."""
        name = f"{platform.node()}:{os.getpid()}"
        for job in jobs:
            yield Began(job, name)
            try:
                result = work(job)
            except MemoryError as error:
                yield Lost(job, f"it ran out of memory ({error})" if str(error) else "it ran out of memory", name)
            else:
                yield result
