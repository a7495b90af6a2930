"""Where a run's time goes. Expectations are counted by hand from a clock that the tests turn."""

import json
import os
import platform

import pytest
from builders import spec, write
from rich.console import Console

from regharness.cli.profile import tables
from regharness.profiling import OTHER, OTHER_IN_CELLS, OTHER_IN_TEST_SETS, Profiler, Stopwatch

HERE = f"{platform.node()}:{os.getpid()}"
CELL = {"task": "t", "model": "m", "shift": "identity", "seed": 0}


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def spend(self, seconds):
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def profiler(clock):
    return Profiler(clock)


def finish(profiler, seconds, timings, worker=HERE, examples=0, **changes):
    profiler.regharness_cell_finished(
        **{**CELL, **changes}, seconds=seconds, worker=worker, examples=examples, timings=timings
    )


def by_name(profile):
    return {row.stage: row for row in profile.stages}


def test_a_stage_is_counted_as_often_as_it_is_entered(clock):
    watch = Stopwatch(clock)
    for seconds in (1.0, 2.0):
        with watch.stage("scoring"):
            clock.spend(seconds)
    assert (watch.seconds, watch.calls) == ({"scoring": 3.0}, {"scoring": 2})


def test_a_stage_within_another_counts_for_itself_alone(clock):
    watch = Stopwatch(clock)
    with watch.stage("outer"):
        clock.spend(1.0)
        with watch.stage("inner"):
            clock.spend(2.0)
        clock.spend(4.0)
    assert watch.seconds == {"inner": 2.0, "outer": 5.0}


def test_a_stage_that_ends_in_an_error_counts(clock):
    watch = Stopwatch(clock)

    def fail():
        with watch.stage("scoring"):
            clock.spend(1.0)
            raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        fail()
    assert watch.seconds == {"scoring": 1.0}


def test_a_stopwatch_costs_less_than_ten_microseconds_a_stage():
    import time

    watch, began = Stopwatch(), time.process_time()
    for _ in range(20_000):
        with watch.stage("scoring"):
            pass
    assert (time.process_time() - began) / 20_000 < 1e-5


def one_process(profiler, clock):
    """Ten seconds of one process: 1 planning, 6 of a cell of which 1 has no name, 2 moving, 1 of nothing."""
    with profiler.stopwatch.stage("planning"):
        clock.spend(1.0)
    profiler.regharness_run_started(workers=1)
    clock.spend(6.0)
    finish(profiler, 6.0, {"fit": 3.0, "predict": 2.0})
    with profiler.stopwatch.stage("moving into the cube"):
        clock.spend(2.0)
    profiler.regharness_run_finished()
    clock.spend(1.0)
    return profiler.profile()


def test_the_shares_of_one_process_are_those_of_the_wall_time(profiler, clock):
    profile = one_process(profiler, clock)
    assert {row.stage: row.share for row in profile.stages} == pytest.approx(
        {"planning": 0.1, "fit": 0.3, "predict": 0.2, OTHER_IN_CELLS: 0.1, "moving into the cube": 0.2, OTHER: 0.1}
    )


def two_workers(profiler, clock):
    """Ten seconds of two workers: 2 planning; then 8 in which one computes for 8 and one for 4; 3 of them moving."""
    with profiler.stopwatch.stage("planning"):
        clock.spend(2.0)
    profiler.regharness_run_started(workers=2)
    clock.spend(5.0)
    with profiler.stopwatch.stage("moving into the cube"):
        clock.spend(3.0)
    finish(profiler, 8.0, {"predict": 8.0}, worker="a", examples=80)
    finish(profiler, 4.0, {"predict": 4.0}, worker="b", examples=20, shift="offset@1")
    profiler.regharness_run_finished()
    return profiler.profile()


def test_the_shares_of_two_workers_are_those_of_the_wall_time_of_both(profiler, clock):
    rows = by_name(two_workers(profiler, clock))
    assert rows["predict"].share == pytest.approx(12 / 20)
    # Both wait for the plan.
    assert (rows["planning"].seconds, rows["planning"].share) == (2.0, pytest.approx(4 / 20))
    assert rows[OTHER].share == pytest.approx(4 / 20)


def test_what_the_main_process_does_beside_the_workers_has_no_share(profiler, clock):
    row = by_name(two_workers(profiler, clock))["moving into the cube"]
    assert (row.where, row.seconds, row.share) == ("beside", 3.0, None)


@pytest.mark.parametrize("case", [one_process, two_workers])
def test_shares_add_up_to_one(profiler, clock, case):
    assert sum(row.share or 0.0 for row in case(profiler, clock).stages) == pytest.approx(1.0)


def test_a_worker_is_busy_for_its_share_of_the_wall_time(profiler, clock):
    busy = two_workers(profiler, clock).busy
    assert [(found.worker, found.cells, found.share) for found in busy] == [("a", 1, 0.8), ("b", 1, 0.4)]


def test_the_slowest_cell_of_a_model_is_named(profiler, clock):
    assert two_workers(profiler, clock).models[0].slowest == {
        "task": "t",
        "shift": "identity",
        "seed": 0,
        "seconds": 8.0,
    }


def test_test_sets_count_for_their_stages_and_their_worker(profiler, clock):
    clock.spend(4.0)
    profiler.regharness_test_set_finished(seconds=3.0, worker=HERE, timings={"examples": 1.0, "shift": 0.5})
    profile = profiler.profile()
    shares = {row.stage: row.share for row in profile.stages}
    assert shares == pytest.approx({"examples": 0.25, "shift": 0.125, OTHER_IN_TEST_SETS: 0.375, OTHER: 0.25})
    assert [(found.cells, found.seconds) for found in profile.busy] == [(0, 3.0)]


def test_models_come_from_the_slowest_on(profiler, clock):
    for model, seconds in (("a", 1.0), ("b", 3.0), ("c", 2.0)):
        finish(profiler, seconds, {}, model=model)
    assert [found.model for found in profiler.profile().models] == ["b", "c", "a"]


def test_the_tables_name_stages_models_and_workers(profiler, clock):
    console = Console(width=100)
    with console.capture() as capture:
        for table in tables(two_workers(profiler, clock)):
            console.print(table)
    text = " ".join(capture.get().split())
    assert "where the time went: 10.00 s x 2 workers" in text
    assert "predict 12.00 60.0% 2" in text
    assert "moving into the cube 3.00 beside 1" in text
    assert "m 2 12.00 predict 100% t: identity, seed 0 8.00" in text
    assert "a 1 8.00 s 80.0% 10" in text


def test_a_profiled_run_says_where_its_time_went(toys, regharness, tmp_path):
    said = regharness("run", write(tmp_path, spec()), "--profile", "--json").stdout
    profile = json.loads(said)["profile"]
    stages = {row["stage"] for row in profile["stages"]}
    assert {"planning", "scoring", "leaderboard", "reports", OTHER} <= stages
    assert sum(row["share"] or 0.0 for row in profile["stages"]) == pytest.approx(1.0)
    assert {found["model"]: found["cells"] for found in profile["models"]} == {"constant": 8, "oracle": 8}
