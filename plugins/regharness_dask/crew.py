"""Own the dask workers of a run: who may join, what each is at, and what is lost with one. Starts no worker."""

from __future__ import annotations

import importlib.metadata
import logging
import os
import pickle
import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from distributed import Client, Future
from distributed.scheduler import KilledWorker

from regharness import __version__
from regharness.errors import ExecutorError, InputError
from regharness.jobs import Began, Job, Lost, News
from regharness.scheduling import Schedule
from regharness_dask.calling import Unprepared, call, forget, kill_worker, prepare

LOOK = 0.5
"""Seconds between looks at which workers there are."""
STUBBORN = 10.0
"""Seconds after which a worker that was to be killed is thought to be another at the same address."""

LOST = "its dask worker was lost: killed, crashed or out of reach"

log = logging.getLogger(__name__)


@dataclass
class _Hand:
    """A worker: its address, its name once it is prepared, and the job that it is at.

    It has one at a time, so that it is known which is lost with it.
    """

    address: str
    name: str = ""
    nanny: bool = False
    ready: bool = False
    refused: str = ""
    dying: float | None = None
    job: Job | None = None
    future: Future | None = None
    deadline: float | None = None


class Crew:
    """The workers of one run.

    Parameters
    ----------
    client
        Of their scheduler.
    work
        Pickled.
    limit
        Seconds that a job may take.
    resources
        What each job takes of a worker.
    patience
        Seconds to wait while there is no worker; None to wait as long as a queue takes.
    """

    def __init__(
        self, client: Client, work: bytes, limit: float | None, resources: dict[str, float], patience: float | None
    ) -> None:
        self._client, self._work, self._limit, self._patience = client, work, limit, patience
        self._resources = resources or None
        self._run = uuid4().hex
        self._hands: dict[str, _Hand] = {}
        self._heard: queue.SimpleQueue[tuple[_Hand, Future, str]] = queue.SimpleQueue()
        self._looked = self._had_worker = time.monotonic()
        self._address = client.scheduler.address

    def do(self, schedule: Schedule) -> Iterator[News]:
        """Do all jobs of a schedule."""
        yield from self._look(schedule)
        while schedule.waiting or any(hand.job is not None for hand in self._hands.values()):
            yield from self._hand_out(schedule)
            for hand, future, kind in self._news():
                if self._hands.get(hand.address) is hand:
                    yield from self._hear(hand, future, kind, schedule)
            yield from self._stop_late(schedule)
            if time.monotonic() - self._looked >= LOOK:
                yield from self._look(schedule)

    def leave(self) -> None:
        """Abandon what is not done, and let the workers forget the work."""
        if self._client.status != "running":
            return
        try:
            busy = [hand for hand in self._hands.values() if hand.job is not None]
            self._client.cancel([hand.future for hand in busy], force=True)
            ready = [hand.address for hand in self._hands.values() if hand.ready]
            if ready:
                self._client.run(forget, self._run, workers=ready, wait=False, on_error="ignore")
            for hand in busy:
                self._kill(hand)
        except (OSError, TimeoutError):
            # The scheduler is gone, and all this with it.
            pass

    def _submit(self, hand: _Hand, kind: str, function: Any, *arguments: Any) -> Future:
        future = self._client.submit(
            function,
            *arguments,
            key=f"regharness-{kind}-{uuid4().hex}",
            workers=[hand.address],
            allow_other_workers=False,
            resources=self._resources,
            pure=False,
            retries=0,
        )
        future.add_done_callback(lambda done: self._heard.put((hand, done, kind)))
        return future

    def _look(self, schedule: Schedule) -> Iterator[News]:
        """See who has come and who has gone."""
        try:
            there = set(self._client.nthreads()) if self._client.status == "running" else None
        except (OSError, TimeoutError):
            there = None
        if there is None:
            raise ExecutorError(
                f"the dask scheduler at {self._address} was lost; what was computed is kept, and the same command "
                "goes on from here"
            )
        now = self._looked = time.monotonic()
        for hand in list(self._hands.values()):
            if hand.address not in there:
                yield from self._died(hand, schedule, LOST)
            elif hand.dying is not None and now - hand.dying > STUBBORN:
                del self._hands[hand.address]
        for address in sorted(there - self._hands.keys()):
            hand = self._hands[address] = _Hand(address)
            self._submit(hand, "version", importlib.metadata.version, "regharness")
        self._refuse_to_wait(now)

    def _refuse_to_wait(self, now: float) -> None:
        if any(hand.ready for hand in self._hands.values()):
            self._had_worker = now
        refused = [f"{hand.address} has {hand.refused}" for hand in self._hands.values() if hand.refused]
        if refused and len(refused) == len(self._hands):
            raise InputError(
                f"no dask worker has regharness {__version__}: {', '.join(refused)}",
                help="install the same version in the environment of the workers",
            )
        if self._patience is not None and now - self._had_worker > self._patience + LOOK:
            asked = "".join(f" with {amount:g} {name}" for name, amount in (self._resources or {}).items())
            raise ExecutorError(
                f"the dask scheduler at {self._address} had no worker{asked} for {self._patience:g} s; start some with "
                f"'dask worker {self._address}'"
            )

    def _news(self) -> Iterator[tuple[_Hand, Future, str]]:
        """What has ended; waits for the first until there is something else to look after."""
        ends = [hand.deadline for hand in self._hands.values() if hand.deadline is not None]
        until = min([self._looked + LOOK, *ends])
        try:
            yield self._heard.get(timeout=max(until - time.monotonic(), 0.0))
            while True:
                yield self._heard.get_nowait()
        except queue.Empty:
            return

    def _hear(self, hand: _Hand, future: Future, kind: str, schedule: Schedule) -> Iterator[News]:
        if kind == "job":
            yield from self._job_ended(hand, future, schedule)
            return
        outcome, error = _outcome(future)
        if kind == "version":
            if error is None and outcome == __version__:
                self._submit(hand, "prepare", prepare, self._run, self._work)
                return
            hand.refused = "none" if isinstance(error, ImportError) else str(error or outcome)
            if any(other.ready for other in self._hands.values()):
                log.warning("the dask worker %s has regharness %s, and is left out", hand.address, hand.refused)
        elif error is None:
            (hand.name, hand.nanny), hand.ready = outcome, True
        elif future.status == "error":
            raise ExecutorError(f"the dask worker {hand.address} cannot start: {type(error).__name__}: {error}")

    def _hand_out(self, schedule: Schedule) -> Iterator[News]:
        for hand in self._hands.values():
            if not hand.ready or hand.job is not None:
                continue
            job = schedule.next(hand.address)
            if job is None:
                continue
            try:
                sent = pickle.dumps(job)
            except Exception as error:
                raise ExecutorError(f"the job {job.label} cannot be sent to a dask worker: {error}") from None
            hand.job, hand.future = job, self._submit(hand, "job", call, self._run, sent)
            hand.deadline = None if self._limit is None else time.monotonic() + self._limit
            yield Began(job, hand.name)

    def _job_ended(self, hand: _Hand, future: Future, schedule: Schedule) -> Iterator[News]:
        job = hand.job
        if job is None or hand.future is not future:
            return
        outcome, error = _outcome(future)
        if isinstance(error, (KilledWorker, Unprepared)) or (error is not None and future.status != "error"):
            yield from self._died(hand, schedule, LOST)
            return
        if error is not None:
            raise error
        done, result = outcome
        if not done:
            yield from self._end(hand, schedule, "its worker ran out of memory" + (f" ({result})" if result else ""))
            return
        hand.job = hand.future = hand.deadline = None
        schedule.ended(hand.address, job)
        yield result

    def _stop_late(self, schedule: Schedule) -> Iterator[News]:
        now = time.monotonic()
        for hand in list(self._hands.values()):
            if (
                hand.deadline is not None
                and hand.deadline <= now
                and not (hand.future is not None and hand.future.done())
            ):
                yield from self._end(hand, schedule, f"its worker was stopped after {self._limit:g} s")

    def _end(self, hand: _Hand, schedule: Schedule, reason: str) -> Iterator[News]:
        """End a worker's process; its nanny, or its queue, brings another."""
        yield from self._died(hand, schedule, reason)
        self._hands[hand.address] = _Hand(hand.address, dying=time.monotonic())
        self._kill(hand)

    def _kill(self, hand: _Hand) -> None:
        function, arguments = (kill_worker, ()) if hand.nanny else (os._exit, (1,))
        self._client.run(function, *arguments, workers=[hand.address], nanny=hand.nanny, wait=False, on_error="ignore")

    def _died(self, hand: _Hand, schedule: Schedule, reason: str) -> Iterator[News]:
        del self._hands[hand.address]
        if hand.future is not None:
            hand.future.cancel()
        for job in schedule.gone(hand.address):
            yield Lost(job, reason, hand.name)


def _outcome(future: Future) -> tuple[Any, BaseException | None]:
    """What a future gave, and what went wrong."""
    try:
        return future.result(timeout=10), None
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit)):
            raise
        return None, error
