"""Own which job a free worker does next. Starts no process and keeps no time.

Any executor with several workers may use it. Equal calls give equal answers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from regharness.jobs import Job

LOOK_AHEAD = 4096


@dataclass
class _Group:
    """Waiting jobs of one fit, or of the same examples where no model is fitted."""

    name: tuple[str, str]
    by_examples: dict[str, deque[Job]] = field(default_factory=dict)
    waiting: int = 0
    workers: dict[str, None] = field(default_factory=dict)


class Schedule:
    """Answer what a free worker should do next.

    Jobs of a fit stay with the worker that has fitted it. Until the first of them has ended no other is handed out;
    from then on idle workers help: first with jobs whose examples they hold, then with the fit that has most left.
    Before it helps, a worker begins a fit that nobody is at.

    Parameters
    ----------
    jobs
        Read as workers become free, and at most `look_ahead` jobs before they are handed out.
    look_ahead
        How many jobs may wait here.
    """

    def __init__(self, jobs: Iterable[Job], look_ahead: int = LOOK_AHEAD) -> None:
        self._jobs: Iterator[Job] = iter(jobs)
        self._look_ahead = look_ahead
        self._groups: dict[tuple[str, str], _Group] = {}
        self._free: dict[tuple[str, str], None] = {}
        self._free_with: dict[str, dict[tuple[str, str], None]] = {}
        self._fitting: set[str] = set()
        self._fitted: set[str] = set()
        self._at: dict[str, _Group] = {}
        self._holds: dict[str, str] = {}
        self._out: dict[str, list[Job]] = {}
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """How many jobs are known and not handed out: what more workers could be started for."""
        self._read()
        return self._waiting

    def next(self, worker: str) -> Job | None:
        """The job that `worker` should do; None while there is none for it, so ask again when another has ended.

        A worker that still has a job may ask too; it then gets one of the same fit, once that is fitted, or none.
        """
        self._read()
        group = self._group_for(worker)
        if group is None:
            return None
        self._join(worker, group)
        held = self._holds.get(worker, "")
        if held in group.by_examples:
            examples = held
        else:
            # Whoever comes to help begins at the other end, so that two workers do not make the same examples.
            ends = iter(group.by_examples) if len(group.workers) == 1 else reversed(group.by_examples)
            examples = next(ends)
        job = self._take(group, examples)
        self._holds[worker] = examples
        self._out.setdefault(worker, []).append(job)
        if job.fit and job.fit not in self._fitted:
            self._fitting.add(job.fit)
        return job

    def ended(self, worker: str, job: Job) -> None:
        """Hear that `worker` has done `job`, well or not: its fit is now there for all."""
        self._out[worker].remove(job)
        if job.fit:
            self._fitting.discard(job.fit)
            self._fitted.add(job.fit)

    def gone(self, worker: str) -> list[Job]:
        """Hear that `worker` is no more, and learn which jobs it had, in order. A fit that it had begun is open again.

        None of these jobs is handed out again, save what is given to `again`.
        """
        had = self._out.pop(worker, [])
        for job in had:
            self._fitting.discard(job.fit)
        self._holds.pop(worker, None)
        self._leave(worker)
        return had

    def again(self, job: Job) -> None:
        """Take back a job that a worker which is `gone` had not begun."""
        self._add(job, first=True)

    def _read(self) -> None:
        for job in islice(self._jobs, max(self._look_ahead - self._waiting, 0)):
            self._add(job)

    def _add(self, job: Job, first: bool = False) -> None:
        examples = job.examples
        name = (job.fit, "" if job.fit else examples)
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = _Group(name)
        queue = group.by_examples.setdefault(examples, deque())
        if first:
            queue.appendleft(job)
        else:
            queue.append(job)
        group.waiting += 1
        self._waiting += 1
        if not group.workers:
            self._offer(group, (examples,))

    def _group_for(self, worker: str) -> _Group | None:
        own = self._at.get(worker)
        if own is not None and own.waiting and own.name[0] not in self._fitting:
            return own
        if self._out.get(worker):
            return None
        held = self._free_with.get(self._holds.get(worker, ""))
        for names in (held, self._free):
            if names:
                return self._groups[next(iter(names))]
        return self._to_help(worker)

    def _to_help(self, worker: str) -> _Group | None:
        """Of the fits that others are at, which are no more than there are workers, the one to help with."""
        held = self._holds.get(worker, "")
        best: _Group | None = None
        for group in self._at.values():
            if not group.waiting or group.name[0] in self._fitting:
                continue
            rank = (held in group.by_examples, group.waiting)
            if best is None or rank > (held in best.by_examples, best.waiting):
                best = group
        return best

    def _take(self, group: _Group, examples: str) -> Job:
        queue = group.by_examples[examples]
        job = queue.popleft()
        if not queue:
            del group.by_examples[examples]
        group.waiting -= 1
        self._waiting -= 1
        return job

    def _join(self, worker: str, group: _Group) -> None:
        if self._at.get(worker) is group:
            return
        self._leave(worker)
        self._at[worker] = group
        group.workers[worker] = None
        if self._free.pop(group.name, 0) is None:
            for examples in group.by_examples:
                names = self._free_with[examples]
                del names[group.name]
                if not names:
                    del self._free_with[examples]

    def _leave(self, worker: str) -> None:
        group = self._at.pop(worker, None)
        if group is None:
            return
        del group.workers[worker]
        if group.workers:
            return
        if group.waiting:
            self._offer(group, tuple(group.by_examples))
        else:
            del self._groups[group.name]

    def _offer(self, group: _Group, examples: tuple[str, ...]) -> None:
        """Let any worker begin with a group that nobody is at."""
        self._free[group.name] = None
        for one in examples:
            self._free_with.setdefault(one, {})[group.name] = None
