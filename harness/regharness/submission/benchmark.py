"""Own what a benchmark is to those who take part: its test sets, how they are scored, and the digest that tells it
from others. Reads no prediction.

The digest is of what models are given: a benchmark whose targets or metrics change keeps it, and scores what was
submitted anew; one whose test sets change is another benchmark.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated

from pydantic import Field

from regharness.errors import InputError
from regharness.parameters import Parameters
from regharness.records import TestSetRecord, test_set_records
from regharness.run_folder import Run
from regharness.spec import LeaderboardEntry, MetricEntry, Name
from regharness.submission.manifest import Seed, Sha256, Text

Seeds = Annotated[list[Seed], Field(min_length=1, max_length=10_000)]


class TestSetEntry(Parameters):
    """The test set of a shift and seed, without its content."""

    __test__ = False

    seed: int
    examples: int = Field(ge=1)
    inputs_sha256: Sha256 = Field(description="Digest of its ids and sequences.")


class BenchmarkTask(Parameters):
    """A task as those who take part see it."""

    name: Name
    outputs: list[Text] = Field(min_length=1)
    unit: Text
    length: int = Field(ge=1, description="Bases of a sequence.")
    test_sets: dict[Text, list[TestSetEntry]] = Field(description="Shift to its test sets, one a seed.")

    @property
    def shifts(self) -> list[str]:
        """Labels of the shifts, in order."""
        return list(self.test_sets)


class Benchmark(Parameters):
    """What a submission answers to."""

    name: Name
    version: int = Field(ge=1)
    seeds: Seeds
    tasks: list[BenchmarkTask] = Field(min_length=1)
    metrics: list[MetricEntry] = Field(min_length=1)
    rank_by: str
    leaderboard: LeaderboardEntry = LeaderboardEntry()

    @property
    def inputs_sha256(self) -> str:
        """Digest of the test sets of all tasks."""
        facts = {"name": self.name, "tasks": [task.model_dump(mode="json") for task in self.tasks]}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def task(self, name: str) -> BenchmarkTask | None:
        """The task of that name."""
        return next((task for task in self.tasks if task.name == name), None)


def benchmark_of(run: Run) -> Benchmark:
    """The benchmark that a run stands for.

    Raises
    ------
    InputError
        When one of its test sets has not been made.
    """
    records, infos = test_set_records(run.folder), run.task_infos
    tasks = []
    for name in run.tasks:
        test_sets: dict[str, list[TestSetEntry]] = {}
        for shift in run.shifts(name):
            found = [_digested(run, records.last(name, shift, seed), shift, seed) for seed in run.spec.seeds]
            test_sets[shift] = [
                TestSetEntry(seed=record.seed, examples=record.examples, inputs_sha256=record.inputs_sha256)
                for record in found
            ]
        if name not in infos:
            raise InputError(f"{run.folder} does not tell what task '{name}' is", help="run its spec again")
        about = infos[name]
        tasks.append(
            BenchmarkTask(
                name=name,
                outputs=about["outputs"],
                unit=about["unit"],
                length=about["length"],
                test_sets=test_sets,
            )
        )
    spec = run.spec
    return Benchmark(
        name=spec.name,
        version=spec.version,
        seeds=spec.seeds,
        tasks=tasks,
        metrics=spec.metrics,
        rank_by=spec.rank_by,
        leaderboard=spec.leaderboard,
    )


def _digested(run: Run, record: TestSetRecord | None, shift: str, seed: int) -> TestSetRecord:
    if record is None or record.status != "done":
        raise InputError(
            f"{run.folder} has no test set of {shift}, seed {seed} yet", help="run its spec without --only, then again"
        )
    if not record.inputs_sha256:
        raise InputError(
            f"{run.folder} was run by a version that did not tell its test sets from others",
            help="run its spec into another folder with -o",
        )
    return record
