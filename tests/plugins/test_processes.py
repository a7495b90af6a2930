"""Worker processes: what becomes of a job when its worker dies, and of workers when the main process does."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from executor_toys import Deeds, Do, sorted_news
from pydantic import ValidationError

from regharness.errors import ExecutorError, InputError
from regharness.testing import ExecutorContract
from regharness_local.executor import LocalExecutor
from regharness_processes.executor import ProcessExecutor
from regharness_processes.parameters import ProcessParameters, as_bytes

PIDS = [Do("pid", i, fit=f"f{i % 2}") for i in range(6)]


class TestLocalExecutor(ExecutorContract):
    def make_executor(self):
        return LocalExecutor()


class TestProcessExecutor(ExecutorContract):
    def make_executor(self):
        return ProcessExecutor(2)


def run(jobs, workers=2, work=None, **parameters):
    return sorted_news(ProcessExecutor(workers, **parameters).run(iter(jobs), work or Deeds()))


def test_a_worker_that_dies_loses_its_job_and_the_others_go_on():
    fatal = [Do("die"), Do("crash"), Do("leave"), Do("exit"), Do("starve")]
    results, lost, _ = run([*PIDS, *fatal, *[Do("pid", i) for i in range(10, 14)]])
    assert {one.job.deed: one.reason for one in lost} == {
        "die": "its worker was killed by SIGKILL, perhaps for want of memory",
        "crash": "its worker crashed: segmentation fault",
        "leave": "its worker exited with status 3",
        "exit": "its worker exited with status 4",
        "starve": "its worker ran out of memory (no room)",
    }
    assert sorted(job.number for job, _ in results) == [*range(6), *range(10, 14)]


def test_a_job_past_the_limit_is_stopped():
    started = time.monotonic()
    results, lost, _ = run([Do("hang"), *PIDS], work=Deeds(limit=0.5))
    assert [one.reason for one in lost] == ["its worker was stopped after 0.5 s"]
    assert len(results) == len(PIDS)
    assert time.monotonic() - started < 30


def test_jobs_of_one_fit_stay_with_the_worker_that_fitted_it_while_others_have_work():
    jobs = [Do("nap", i, fit=f"f{i % 2}") for i in range(20)]
    results, _, _ = run(jobs)
    assert len({(job.fit, pid) for job, pid in results}) <= 3


def test_no_more_workers_start_than_there_are_jobs():
    results, _, began = run([Do("pid", 1)], workers=8)
    assert len(results) == 1
    assert len({one.worker for one in began}) == 1


def test_a_job_that_began_is_told_with_the_worker_that_does_it():
    results, _, began = run(PIDS)
    told = {one.job: int(one.worker.rpartition(":")[2]) for one in began}
    assert told == dict(results)


def test_a_worker_has_one_thread_and_hears_so_before_numpy_is_there():
    (found,), _, _ = run([Do("environment")])
    assert (found["OMP_NUM_THREADS"], found["NUMBA_NUM_THREADS"]) == ("1", "1")


def test_the_environment_of_the_main_process_stays_as_it_was(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    (found,), _, _ = run([Do("environment")])
    assert found["OMP_NUM_THREADS"] == "1"
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "NUMBA_NUM_THREADS" not in os.environ


def test_gpus_are_dealt_out_to_the_workers_in_turn():
    jobs = [Do("nap", 0), Do("environment", 1), Do("environment", 2), Do("die", 3), Do("environment", 4)]
    results, _, _ = run(jobs, workers=1, gpus=[3, 5])
    assert [one["CUDA_VISIBLE_DEVICES"] for one in results if isinstance(one, dict)] == ["3"] * 3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's memory")
def test_a_job_that_takes_more_memory_than_allowed_is_lost():
    results, lost, _ = run([Do("gorge"), *PIDS], memory="1 GB")
    assert len(results) == len(PIDS)
    assert "ran out of memory (Unable to allocate 2.00 GiB" in lost[0].reason


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's memory")
def test_a_size_has_a_unit_and_is_enough_for_a_worker():
    assert (as_bytes("4 GB"), as_bytes("1.5GiB"), as_bytes("900 mb")) == (4 * 10**9, 3 * 2**29, 9 * 10**8)
    with pytest.raises(ValidationError, match="a size is a number and a unit, such as '4 GB'"):
        ProcessParameters(memory="lots")
    with pytest.raises(ValidationError, match="at least 200 MB"):
        ProcessParameters(memory="10 MB")


def test_what_cannot_be_sent_is_told():
    with pytest.raises(ExecutorError, match="the result of unsendable_result 0 cannot be sent"):
        run([Do("unsendable_result")])
    with pytest.raises(ExecutorError, match="a worker ended with Unsendable: 1"):
        run([Do("unsendable_error")])
    with pytest.raises(ExecutorError, match="the work cannot be sent to worker processes"):
        run([Do("pid")], work=Deeds(most={"a": lambda: None}))


def test_an_error_of_the_work_keeps_its_type_and_says_where_it_was():
    with pytest.raises(InputError, match="bad") as caught:
        run([Do("input_error")])
    assert caught.value.problems[0].help == "mend it"
    assert "in a worker" in caught.value.__notes__[0]


def test_a_worker_does_not_hear_the_interrupt_of_a_terminal():
    results, lost, _ = run([Do("interrupt", i) for i in range(3)])
    assert len(results) == 3
    assert lost == []


def test_a_worker_that_is_killed_from_outside_while_idle_costs_no_job():
    executor = ProcessExecutor(1)
    seen = []
    for one in executor.run(iter([Do("pid", i) for i in range(4)]), Deeds()):
        if isinstance(one, tuple):
            seen.append(one)
            if len(seen) == 2:
                os.kill(one[1], signal.SIGKILL)
                time.sleep(0.2)
    assert sorted(job.number for job, _ in seen) == [0, 1, 2, 3]


MAIN = """
import os, signal, sys
# Whoever started the tests in the background had interrupts ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {toys!r})
from pathlib import Path
from executor_toys import Deeds, Do
from regharness_processes.executor import ProcessExecutor
print("main", flush=True)
for one in ProcessExecutor(2).run(iter([Do("beat", i) for i in range(2)]), Deeds(Path({folder!r}))):
    pass
"""


def start(tmp_path, *, script: bool):
    folder = tmp_path / "beats"
    folder.mkdir()
    source = MAIN.format(toys=str(Path(__file__).parent), folder=str(folder))
    words = ["-c", source]
    if script:
        (tmp_path / "script.py").write_text(source)
        words = [str(tmp_path / "script.py")]
    main = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while len(list(folder.iterdir())) < 2:
        assert time.monotonic() < deadline
        assert main.poll() is None, main.communicate()
        time.sleep(0.05)
    return main, folder


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_worker_outlives_the_main_process(tmp_path, how):
    main, folder = start(tmp_path, script=False)
    workers = [int(path.name) for path in folder.iterdir()]
    main.send_signal(how)
    main.communicate(timeout=30)
    deadline = time.monotonic() + 5
    while any(alive(pid) for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_script_is_not_begun_again_in_its_workers(tmp_path):
    main, _ = start(tmp_path, script=True)
    main.kill()
    out, err = main.communicate()
    assert out.count("main") == 1
    assert err == ""
