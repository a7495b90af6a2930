"""Run jobs in this process. Starts no worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal


class LocalExecutor:
    """Call the work on each job, in order.

    Parameters
    ----------
    workers
        Always 1: this executor is one process.
    """

    def __init__(self, workers: Literal[1] = 1) -> None:
        pass

    def run(self, jobs: Iterable[Any], work: Callable[[Any], Any]) -> Iterator[Any]:
        """Yield each result as soon as it is there."""
        return map(work, jobs)
