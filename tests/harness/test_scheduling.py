"""Which job a free worker does next."""

import sys
from collections import Counter

from regharness.scheduling import Schedule
from regharness.testing.executor_contract import ToyJob


def jobs(*fits, each=3):
    return [ToyJob(100 * place + i, fit, f"seed {i}") for place, fit in enumerate(fits) for i in range(each)]


def test_the_first_job_of_a_fit_is_alone_until_it_has_ended():
    schedule = Schedule(jobs("a"))
    first = schedule.next("one")
    assert schedule.next("two") is None
    schedule.ended("one", first)
    assert schedule.next("two").fit == "a"


def test_a_fit_whose_worker_is_gone_is_begun_again_by_one_alone():
    schedule = Schedule(jobs("a"))
    first = schedule.next("one")
    assert schedule.gone("one") == [first]
    second = schedule.next("two")
    assert second not in (None, first)
    assert schedule.next("three") is None


def test_workers_begin_other_fits_before_they_help():
    schedule = Schedule(jobs("a", "b"))
    one = schedule.next("one")
    schedule.ended("one", one)
    assert schedule.next("two").fit == "b"


def test_a_worker_stays_with_its_fit():
    schedule, done = Schedule(jobs("a", "b", each=5)), []
    for _ in range(5):
        for worker in ("one", "two"):
            done.append((worker, schedule.next(worker)))
            schedule.ended(*done[-1])
    assert {(worker, job.fit) for worker, job in done} == {("one", "a"), ("two", "b")}


def test_helpers_take_examples_that_they_hold_and_else_the_fit_with_most_left():
    queue = [ToyJob(0, "a", "x"), ToyJob(1, "a", "y"), ToyJob(2, "a", "x"), ToyJob(3, "a", "y"), ToyJob(4, "a", "y")]
    queue += [ToyJob(10, "b", "x"), *[ToyJob(11 + i, "b", "x") for i in range(8)], ToyJob(20, "c", "y")]
    schedule = Schedule(queue)
    for worker in ("one", "two", "three"):
        schedule.ended(worker, schedule.next(worker))
    # The third holds y, which a still needs; the fourth holds nothing, and b has most left.
    assert schedule.next("three") == ToyJob(1, "a", "y")
    assert schedule.next("four").fit == "b"


def test_jobs_without_a_fit_wait_for_nothing():
    schedule = Schedule([ToyJob(i, examples="x") for i in range(3)])
    assert {schedule.next(worker).number for worker in ("one", "two", "three")} == {0, 1, 2}


def test_a_job_that_was_not_begun_comes_back_first():
    schedule = Schedule([ToyJob(i, "a", "x") for i in range(3)])
    schedule.ended("one", schedule.next("one"))
    (job,) = [schedule.next("one")]
    for had in schedule.gone("one"):
        schedule.again(had)
    assert schedule.next("two") == job


def test_jobs_are_read_no_further_than_the_look_ahead():
    read = 0

    def endless():
        nonlocal read
        while True:
            read += 1
            yield ToyJob(read)

    schedule = Schedule(endless(), look_ahead=10)
    for handed in range(1, 30):
        schedule.ended("one", schedule.next("one"))
        assert read <= handed + 10


def steps(count, workers=8):
    """Lines that a schedule runs for jobs of fits with 50 each, and how often each job was handed out."""
    lines, out = 0, Counter()

    def trace(frame, event, argument):
        nonlocal lines
        if frame.f_code.co_filename.endswith("scheduling.py"):
            lines += event == "line"
            return trace
        return None

    schedule = Schedule(ToyJob(i, f"fit {i // 50}", f"seed {i % 7}") for i in range(count))
    busy = {}
    sys.settrace(trace)
    try:
        while True:
            for worker in map(str, range(workers)):
                if worker in busy:
                    schedule.ended(worker, busy.pop(worker))
                job = schedule.next(worker)
                if job is not None:
                    busy[worker] = job
                    out[job.number] += 1
            if not busy:
                return lines, out
    finally:
        sys.settrace(None)


def test_the_work_for_a_job_does_not_grow_with_the_number_of_jobs():
    few, _ = steps(2000)
    many, out = steps(16_000)
    assert many / 16_000 < 1.2 * few / 2000
    assert many / 16_000 < 120
    assert set(out.values()) == {1}
    assert len(out) == 16_000
