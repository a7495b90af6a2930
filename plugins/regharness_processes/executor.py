"""Run jobs in worker processes of this machine, and survive those that die. Decides no order: `Schedule` does."""

from __future__ import annotations

import multiprocessing
import pickle
import time
from collections.abc import Iterable, Iterator
from multiprocessing.connection import wait
from typing import Any

from regharness.errors import ExecutorError
from regharness.interfaces import Executor, Work
from regharness.jobs import Began, Job, Lost, News
from regharness.scheduling import Schedule
from regharness_processes.parameters import as_bytes
from regharness_processes.worker import Worker

MOST_STILLBORN = 20
"""Workers that die in a row before any was ready: then it is no accident."""


class ProcessExecutor(Executor):
    """Spawned workers, one thread each.

    Parameters
    ----------
    workers
        How many compute.
    memory
        Most memory that the data of one may take, such as ``4 GB``.
    gpus
        Dealt out to the workers in turn.
    """

    enforces_limit = True

    def __init__(self, workers: int = 1, memory: str | None = None, gpus: list[int | str] | None = None) -> None:
        self._workers = workers
        self._memory = None if memory is None else as_bytes(memory)
        self._gpus = gpus or []

    def run(self, jobs: Iterable[Job], work: Work) -> Iterator[News]:
        """Yield news and results as they come; closing the iterator kills the workers."""
        try:
            sent = pickle.dumps(work)
        except Exception as error:
            raise ExecutorError(f"the work cannot be sent to worker processes: {error}") from None
        crew = _Crew(self._workers, sent, work.limit, self._memory, self._gpus)
        try:
            yield from crew.do(Schedule(jobs))
        except BaseException:
            crew.kill()
            raise
        crew.dismiss()


class _Crew:
    """The workers of one run."""

    def __init__(self, most: int, work: bytes, limit: float | None, memory: int | None, gpus: list[int | str]) -> None:
        self._most, self._work, self._limit, self._memory = most, work, limit, memory
        self._gpus = gpus
        self._workers: dict[int, Worker] = {}
        self._stillborn = 0
        self._context = multiprocessing.get_context("spawn")

    def do(self, schedule: Schedule) -> Iterator[News]:
        """Do all jobs of a schedule."""
        while True:
            yield from self._hand_out(schedule)
            self._hire(schedule)
            if not schedule.waiting and not any(worker.job is not None for worker in self._workers.values()):
                return
            for worker in self._stirred():
                yield from self._hear(worker, schedule)
            yield from self._stop_late(schedule)

    def kill(self) -> None:
        """End all workers, whatever they are at."""
        for worker in self._workers.values():
            worker.kill()
        for worker in self._workers.values():
            worker.bury()

    def dismiss(self) -> None:
        """Let workers that have nothing to do leave by themselves; those still starting are not waited for."""
        for worker in self._workers.values():
            worker.dismiss()
        for worker in self._workers.values():
            worker.bury()

    def _hire(self, schedule: Schedule) -> None:
        """Start workers, no more than there are jobs for."""
        idle = sum(worker.job is None for worker in self._workers.values())
        wanted = min(self._most - len(self._workers), schedule.waiting - idle)
        for slot in [slot for slot in range(self._most) if slot not in self._workers][: max(wanted, 0)]:
            gpu = None if not self._gpus else str(self._gpus[slot % len(self._gpus)])
            self._workers[slot] = Worker(self._context, slot, self._work, self._memory, gpu)

    def _hand_out(self, schedule: Schedule) -> Iterator[News]:
        for worker in list(self._workers.values()):
            if not worker.ready or worker.job is not None:
                continue
            job = schedule.next(worker.name)
            if job is None:
                continue
            if worker.give(job, self._limit):
                yield Began(job, worker.name)
            else:
                # It died while it was idle; that is no fault of the job.
                self._fell(worker)
                for had in schedule.gone(worker.name):
                    schedule.again(had)

    def _stirred(self) -> list[Worker]:
        """Wait until a worker says something, dies, or must be stopped."""
        ends = [worker.deadline for worker in self._workers.values() if worker.deadline is not None]
        timeout = max(min(ends) - time.monotonic(), 0.0) if ends else None
        handles = {handle: worker for worker in self._workers.values() for handle in worker.handles}
        stirred = wait(list(handles), timeout)
        return list(dict.fromkeys(handles[handle] for handle in stirred))

    def _hear(self, worker: Worker, schedule: Schedule) -> Iterator[News]:
        said = worker.hear()
        if said is None:
            yield from self._died(worker, schedule, worker.epitaph())
            return
        kind, content = said
        if kind == "ready":
            self._stillborn = 0
            worker.name, worker.ready = content, True
        elif kind == "broken":
            raise ExecutorError(f"a worker process cannot start: {content}")
        elif kind == "memory":
            worker.kill()
            yield from self._died(worker, schedule, f"its worker ran out of memory{_told(content)}")
        else:
            job, worker.job, worker.deadline = worker.job, None, None
            assert job is not None
            if kind == "raised":
                raise content
            schedule.ended(worker.name, job)
            yield content

    def _stop_late(self, schedule: Schedule) -> Iterator[News]:
        now = time.monotonic()
        for worker in list(self._workers.values()):
            if worker.deadline is not None and worker.deadline <= now and not worker.has_spoken():
                worker.kill()
                yield from self._died(worker, schedule, f"its worker was stopped after {self._limit:g} s")

    def _died(self, worker: Worker, schedule: Schedule, reason: str) -> Iterator[News]:
        self._fell(worker)
        if not worker.ready:
            self._stillborn += 1
            if self._stillborn == MOST_STILLBORN:
                raise ExecutorError(f"{MOST_STILLBORN} workers in a row ended before they were ready: {reason}")
        for job in schedule.gone(worker.name):
            yield Lost(job, reason, worker.name)

    def _fell(self, worker: Worker) -> None:
        worker.bury()
        del self._workers[worker.slot]


def _told(content: Any) -> str:
    return f" ({content})" if content else ""
