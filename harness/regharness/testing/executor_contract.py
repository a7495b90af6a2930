"""The contract of an executor, as tests that a plugin's author subclasses. Needs pytest."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from regharness.interfaces import Executor
from regharness.jobs import Began, Lost

JOBS, ABANDONED = 12, 0.3


@dataclass(frozen=True)
class ToyJob:
    """A number to be squared."""

    number: int
    fit: str = ""
    examples: str = ""

    @property
    def label(self) -> str:
        """What a user is told."""
        return f"square of {self.number}"


@dataclass
class ToyWork:
    """Square numbers, leaving a file for each; `wrong` ones raise."""

    folder: Path
    wrong: frozenset[int] = frozenset()
    seconds: float = 0.0
    limit: float | None = None

    def __call__(self, job: Any) -> int:
        """Square a job's number."""
        time.sleep(self.seconds)
        if job.number in self.wrong:
            raise LookupError(f"no square of {job.number}")
        (self.folder / str(job.number)).touch()
        number: int = job.number
        return number**2


class ExecutorContract:
    """What every executor must hold to. Subclass it and override `make_executor`."""

    def make_executor(self) -> Executor:
        """Make the executor under test."""
        raise AssertionError("override make_executor")

    def jobs(self) -> list[ToyJob]:
        """Jobs of three models and two sets of examples."""
        return [ToyJob(i, fit=f"fit {i % 3}", examples=f"seed {i % 2}") for i in range(JOBS)]

    def results(self, news: Any) -> list[Any]:
        """Results among the news."""
        return [one for one in news if not isinstance(one, (Began, Lost))]

    def test_every_job_gives_its_result_once(self, tmp_path: Path) -> None:
        news = self.make_executor().run(iter(self.jobs()), ToyWork(tmp_path))
        assert sorted(self.results(news)) == [i**2 for i in range(JOBS)]

    def test_jobs_without_a_model_are_done_too(self, tmp_path: Path) -> None:
        news = self.make_executor().run((ToyJob(i) for i in range(JOBS)), ToyWork(tmp_path))
        assert sorted(self.results(news)) == [i**2 for i in range(JOBS)]

    def test_no_jobs_give_nothing(self, tmp_path: Path) -> None:
        assert list(self.make_executor().run(iter(()), ToyWork(tmp_path))) == []

    def test_a_worker_begins_a_job_before_its_result_comes(self, tmp_path: Path) -> None:
        began: set[int] = set()
        told = False
        for one in self.make_executor().run(iter(self.jobs()), ToyWork(tmp_path)):
            if isinstance(one, Began):
                told = True
                assert one.worker
                assert isinstance(one.job, ToyJob)
                began.add(one.job.number)
            elif told and not isinstance(one, Lost):
                assert int(one**0.5) in began

    def test_what_the_work_raises_is_raised(self, tmp_path: Path) -> None:
        work = ToyWork(tmp_path, wrong=frozenset({5}))
        with pytest.raises(LookupError, match="no square of 5"):
            list(self.make_executor().run(iter(self.jobs()), work))

    def test_closing_stops_what_is_running(self, tmp_path: Path) -> None:
        news: Any = self.make_executor().run(iter(self.jobs()), ToyWork(tmp_path, seconds=0.05))
        next(one for one in news if not isinstance(one, (Began, Lost)))
        news.close()
        time.sleep(ABANDONED)
        done = len(list(tmp_path.iterdir()))
        time.sleep(ABANDONED)
        assert len(list(tmp_path.iterdir())) == done < JOBS

    def test_whether_it_enforces_a_limit_is_known_before_it_runs(self) -> None:
        assert self.make_executor().enforces_limit in (True, False)
