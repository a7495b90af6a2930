"""Own how many threads a computation of ours may use, and how their results are ordered. Computes nothing."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

LIMIT = "OMP_NUM_THREADS"
"""The variable by which numerical programs are told how many threads to use."""


def thread_count() -> int:
    """Threads to use: what ``OMP_NUM_THREADS`` says, else the processors that this process may run on."""
    told = os.environ.get(LIMIT, "").split(",")[0].strip()
    if told.isdigit() and int(told) > 0:
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered_map(function: Callable[[T], R], items: Iterable[T], threads: int | None = None) -> Iterator[R]:
    """Call `function` on every item in several threads and give the results in the items' order.

    At most two results a thread wait to be taken, so that what streams through never piles up.
    """
    count = threads or thread_count()
    if count == 1:
        yield from map(function, items)
        return
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(count) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= 2 * count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
