"""Own what passes between a run and its executor: jobs out, results and news of workers back. Runs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Job(Protocol):
    """One piece of work: small, picklable and hashable. Jobs are independent; a run's are its cells and test sets.

    What a job says of its neighbours makes a run quicker and changes no result, so an executor may ignore it.

    Attributes
    ----------
    label
        What a user is told that a worker is at.
    fit
        Jobs with the same text predict with the same fitted model, which a worker keeps; empty without one. The first
        of them to run fits it, so that others are better begun when one has ended.
    examples
        Jobs with the same text look at the same examples, which a worker keeps too.
    """

    @property
    def label(self) -> str:
        """What a user is told that a worker is at."""
        ...

    @property
    def fit(self) -> str:
        """Jobs with the same text predict with the same fitted model."""
        ...

    @property
    def examples(self) -> str:
        """Jobs with the same text look at the same examples."""
        ...


@dataclass(frozen=True)
class Began:
    """A worker has begun a job.

    Parameters
    ----------
    job
        The job.
    worker
        A name of the worker that is the same for all that it does.
    """

    job: Job
    worker: str


@dataclass(frozen=True)
class Lost:
    """A job ended without a result because its worker did: killed, crashed, out of memory, or stopped at the limit.

    Parameters
    ----------
    job
        The job; a run gives it to the executor once more before it counts as failed.
    reason
        What became of the worker, in words that follow "cell failed: ".
    worker
        Its name.
    """

    job: Job
    reason: str
    worker: str = ""


News = Began | Lost | Any
"""What an executor yields: these two, and whatever ``work(job)`` gave."""
