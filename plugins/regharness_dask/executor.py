"""Run jobs on dask workers. Decides no order, and imports dask only to run."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from regharness.errors import ExecutorError
from regharness.interfaces import Executor, Work
from regharness.jobs import Job, News
from regharness.scheduling import Schedule

if TYPE_CHECKING:
    from regharness_dask.parameters import ClusterParameters


class DaskExecutor(Executor):
    """Workers of dask.distributed.

    Parameters
    ----------
    workers
        How many to start, where any are.
    scheduler
        Address of a running scheduler.
    cluster
        One to start; without one, and without a scheduler, processes of this machine.
    resources
        What each job takes of a worker.
    timeout
        Seconds to wait for the scheduler, and for its first worker.
    """

    enforces_limit = True

    def __init__(
        self,
        workers: int = 1,
        scheduler: str | None = None,
        cluster: ClusterParameters | None = None,
        resources: dict[str, float] | None = None,
        timeout: float = 10.0,
    ) -> None:
        self._workers, self._scheduler, self._cluster = workers, scheduler, cluster
        self._resources, self._timeout = resources or {}, timeout

    def run(self, jobs: Iterable[Job], work: Work) -> Iterator[News]:
        """Yield news and results as they come; closing the iterator abandons what is running."""
        from regharness_dask.connecting import connected
        from regharness_dask.crew import Crew

        schedule = Schedule(jobs)
        if not schedule.waiting:
            return
        try:
            sent = pickle.dumps(work)
        except Exception as error:
            raise ExecutorError(f"the work cannot be sent to dask workers: {error}") from None
        with connected(self._workers, self._scheduler, self._cluster, self._resources, self._timeout) as client:
            patience = self._timeout if self._cluster is None else None
            crew = Crew(client, sent, work.limit, self._resources, patience)
            try:
                yield from crew.do(schedule)
            finally:
                crew.leave()
