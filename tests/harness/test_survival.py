"""Whatever kills a run or its workers, what was finished is kept, and the end is that of an undisturbed run."""

import json
import random
import signal
import subprocess
import time
from contextlib import suppress
from itertools import product

import pytest
import xarray as xr
from launching import Launcher, alive, all_gone, calls, finished, kill, lines, workers_of

import regharness as rh

pytestmark = pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="forks")

PROCESSES = ("--executor", "processes", "--workers", "2")
LOCAL = ("--executor", "local")
DEEDS = {
    "kill": "its worker was killed by SIGKILL, perhaps for want of memory; tried 2 times",
    "crash": "its worker crashed: segmentation fault; tried 2 times",
    "leave": "its worker exited with status 7; tried 2 times",
    "starve": "its worker ran out of memory (no room for 9 GB); tried 2 times",
    "hang": "its worker was stopped after 2 s; tried 2 times",
}


@pytest.fixture(scope="module")
def launch(tmp_path_factory):
    """What starts `regharness`, with the plugin of fragile things installed."""
    launcher = Launcher(tmp_path_factory.mktemp("launcher"))
    yield launcher
    launcher.close()


class Case:
    """A spec that can grow, the folder of its run, and the log of its models."""

    def __init__(self, folder, launch):
        self.folder, self.launch = folder, launch
        self.file, self.run, self.log = folder / "spec.json", folder / "run", folder / "log"
        self.models, self.seeds, self.severities, self.seconds = 2, 2, 2, 0.0
        self.test, self.retries, self.limit = 16, 1, None
        self.others, self.shift = [], {}

    def write(self):
        """Write the spec as it is now."""
        models = [self.model(f"m{i}", **({"levels": [0.1, 0.5, 0.9]} if i % 2 else {})) for i in range(self.models)]
        shifts = [{"use": "renamed", "severity": list(range(1, self.severities + 1)), "with": self.shift}]
        data = {"use": "fragile", "with": {"test": self.test}}
        value = {
            "name": "fragile",
            "seeds": list(range(self.seeds)),
            "tasks": [{"name": "t", "data": data, "shifts": shifts if self.severities else []}],
            "models": [*models, *self.others],
            "metrics": ["mse"],
            "run": {"retries": self.retries, **({"cell_time_limit": self.limit} if self.limit else {})},
        }
        self.file.write_text(json.dumps(value))

    def model(self, name, **parameters):
        """A model's entry."""
        told = {"called": name, "log": str(self.log), "seconds": self.seconds, **parameters}
        return {"name": name, "use": "logged", "with": told}

    @property
    def cells(self):
        """All of the spec, by model, shift and seed."""
        names = [f"m{i}" for i in range(self.models)] + [one["name"] for one in self.others]
        shifts = ["identity", *(f"renamed@{i + 1}" for i in range(self.severities))]
        return set(product(names, shifts, range(self.seeds)))

    def words(self, *more, output=None):
        """A call of the verb run."""
        return ("-p", "no:regharness_report", "run", self.file, "-o", output or self.run, "--quiet", *more)

    def cube(self, folder=None):
        """The cube of a run."""
        return rh.open_run(folder or self.run).cube("t").load()

    def ends_as_undisturbed(self):
        """Finish, compute nothing again, and compare with a run in another folder."""
        before, so_far = finished(self.run), len(calls(self.log, "predict"))
        assert self.launch.call(*self.words()) == (0, "")
        assert before.isdisjoint(calls(self.log, "predict")[so_far:])
        assert self.launch.call(*self.words(output=self.folder / "whole")) == (0, "")
        xr.testing.assert_identical(self.cube(), self.cube(self.folder / "whole"))
        assert [one.name for one in self.run.rglob(".*") if one.name not in (".lock", ".whole")] == []
        assert list((self.run / "incoming").iterdir()) == []
        assert self.launch.call("doctor", self.run) == (0, "")


@pytest.fixture
def case(tmp_path, launch):
    """A case of its own for each test."""
    return Case(tmp_path, launch)


def kill_main(case, rng, times, executor, most):
    """Kill a run at so many random moments, letting it grow when it is done; computes nothing finished again."""
    kills = 0
    case.write()
    while kills < times:
        before, so_far = finished(case.run), len(calls(case.log, "predict"))
        if case.cells <= before:
            case.models, case.seeds = rng.choice([(case.models + 1, case.seeds), (case.models, case.seeds + 1)])
            case.severities = min(case.severities + (rng.random() < 0.3), 5)
            case.write()
        pid = case.launch.start(*case.words(*executor))
        time.sleep(rng.random() * most)
        workers = workers_of(pid)
        kill(pid)
        code, said = case.launch.wait()
        kills += code == -signal.SIGKILL
        assert code in (0, -signal.SIGKILL), said
        assert all_gone(workers)
        assert before.isdisjoint(calls(case.log, "predict")[so_far:])


def kill_workers(case, rng, times):
    """Kill so many workers of one run at random moments; computes nothing finished again."""
    case.retries = 100
    case.write()
    kills, pid = 0, case.launch.start(*case.words(*PROCESSES))
    while kills < times:
        if rng.random() < 0.8:
            # The others are killed while they start; were all, the run would rightly give up.
            begun = len(calls(case.log, "predict"))
            while len(calls(case.log, "predict")) == begun and workers_of(pid):
                time.sleep(0.02)
        time.sleep(rng.random() * 0.2)
        assert alive(pid), "the run was over too early"
        workers = workers_of(pid)
        kills += bool(workers) and kill(rng.choice(workers))
    assert case.launch.wait() == (0, "")
    ended = [one for one in lines(case.run / "log.jsonl") if one["event"] == "cell_finished"]
    assert len(ended) == len(case.cells)
    assert {one["status"] for one in ended} == {"done"}
    lost = [one for one in lines(case.run / "log.jsonl") if one["event"] == "cell_retried"]
    # A cell is computed once, and at most once more for each time that its worker was killed while it was at it.
    assert len(calls(case.log, "predict")) <= len(case.cells) + len(lost)


def test_a_few_kills_of_the_main_process_and_of_workers_change_nothing(case):
    rng = random.Random(0)
    case.seconds = 0.05
    kill_main(case, rng, 3, LOCAL, 1.0)
    kill_main(case, rng, 1, PROCESSES, 3.0)
    case.ends_as_undisturbed()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_150_kills_of_the_main_process_change_nothing(case):
    rng = random.Random(1)
    case.seconds = 0.02
    kill_main(case, rng, 110, LOCAL, 1.2)
    kill_main(case, rng, 40, PROCESSES, 2.5)
    case.ends_as_undisturbed()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_50_kills_of_workers_change_nothing(case):
    case.models, case.seeds, case.seconds = 8, 6, 0.1
    kill_workers(case, random.Random(2), 50)
    case.ends_as_undisturbed()


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=lambda how: how.name)
@pytest.mark.parametrize("executor", [LOCAL, PROCESSES], ids=lambda words: words[1])
def test_a_stopped_run_says_so_in_one_line_and_goes_on_from_there(case, executor, how):
    case.seconds = 0.1
    case.write()
    pid = case.launch.start(*case.words(*executor))
    while len(finished(case.run)) < 3:
        time.sleep(0.02)
    workers = workers_of(pid)
    kill(pid, how)
    code, said = case.launch.wait()
    assert code == 130
    assert said.strip() == "interrupted; what was computed is kept, and the same command goes on from here"
    assert all_gone(workers)
    assert lines(case.run / "log.jsonl")[-1]["event"] == "run_interrupted"
    assert 3 <= len(finished(case.run)) < len(case.cells)
    case.ends_as_undisturbed()


@pytest.mark.slow
def test_two_signals_in_quick_succession_stop_at_once(case):
    case.seconds = 0.1
    case.write()
    pid = case.launch.start(*case.words(*PROCESSES))
    while len(finished(case.run)) < 2:
        time.sleep(0.02)
    workers = workers_of(pid)
    kill(pid, signal.SIGINT)
    time.sleep(0.005)
    kill(pid, signal.SIGTERM)
    code, said = case.launch.wait()
    assert code == 130
    assert "Traceback" not in said
    assert all_gone(workers)
    case.ends_as_undisturbed()


@pytest.mark.slow
def test_what_no_process_survives_costs_its_cell_a_retry_and_then_a_recorded_failure(case):
    case.models, case.seeds, case.severities, case.limit = 1, 1, 1, 2
    for what, where in product(DEEDS, ("fit", "predict")):
        case.others.append(case.model(f"{what}_in_{where}", what=what, where=where, at="renamed@1"))
    case.write()
    code, _ = case.launch.call(*case.words(*PROCESSES))
    assert code == 1
    run = rh.open_run(case.run)
    reasons = {(one["model"], one["shift"]): one["reason"] for one in run.failures}
    expected = {}
    for what, reason in DEEDS.items():
        expected[f"{what}_in_predict", "renamed@1"] = reason
        # A fit that kills its worker does so for each of its cells.
        expected[f"{what}_in_fit", "identity"] = expected[f"{what}_in_fit", "renamed@1"] = reason
    assert reasons == expected
    assert finished(case.run) == case.cells - {(model, shift, 0) for model, shift in expected}
    # The next run tries again, and finds what ailed them gone.
    (case.folder / "log.times").write_text("0")
    assert case.launch.call(*case.words(*PROCESSES)) == (0, "")
    assert finished(case.run) == case.cells


def test_a_worker_that_dies_once_costs_nothing(case):
    case.others.append(case.model("once", what="crash"))
    case.write()
    (case.folder / "log.times").write_text("1")
    assert case.launch.call(*case.words(*PROCESSES)) == (0, "")
    retried = [one for one in lines(case.run / "log.jsonl") if one["event"] == "cell_retried"]
    assert [(one["model"], one["reason"]) for one in retried] == [("once", DEEDS["crash"].split(";")[0])]


@pytest.mark.slow
def test_a_worker_lost_while_it_made_a_test_set_costs_nothing_either(case):
    case.models, case.seeds, case.severities = 1, 1, 5
    case.shift = {"what": "kill", "log": str(case.log)}
    case.write()
    (case.folder / "log.times").write_text("1")
    assert case.launch.call(*case.words(*PROCESSES)) == (0, "")
    case.ends_as_undisturbed()


def test_running_out_of_memory_in_the_main_process_fails_its_cell_alone(case):
    case.others.append(case.model("greedy", what="starve", at="identity"))
    case.seeds = 1
    case.write()
    code, _ = case.launch.call(*case.words(*LOCAL))
    assert code == 1
    (failure,) = rh.open_run(case.run).failures
    assert failure["reason"] == "it ran out of memory (no room for 9 GB); tried 2 times"
    assert len(finished(case.run)) == len(case.cells) - 1


@pytest.mark.slow
@pytest.mark.parametrize("executor", [LOCAL, PROCESSES], ids=lambda words: words[1])
def test_a_full_disk_ends_a_run_with_one_line_and_loses_nothing(case, small_disk, executor):
    case.run = small_disk / "run"
    case.models, case.test = 3, 300
    case.write()
    for spare in (8, 60, 120, 200, 300):
        before, so_far = finished(case.run), len(calls(case.log, "predict"))
        fill(small_disk, spare)
        code, said = case.launch.call(*case.words(*executor))
        assert code in (1, 2), said
        assert said.startswith("error: cannot ")
        assert "No space left on device" in said
        assert said.count("\n") <= 2
        (small_disk / "filler").unlink()
        assert before.isdisjoint(calls(case.log, "predict")[so_far:])
    case.ends_as_undisturbed()


def fill(disk, spare):
    """Leave so many kilobytes of a disk free."""
    with (disk / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    with (disk / "filler").open("rb+") as file:
        file.truncate(max(file.seek(0, 2) - spare * 1024, 0))


def test_a_folder_that_became_read_only_ends_a_run_with_one_line(case, small_disk):
    case.run = small_disk / "run"
    case.write()
    assert case.launch.call(*case.words("--only", "seed=0"))[0] == 0
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    code, said = case.launch.call(*case.words())
    assert code == 2
    assert said.startswith("error: cannot ")
    assert "Read-only file system" in said
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    case.ends_as_undisturbed()


@pytest.mark.slow
def test_of_two_runs_on_one_folder_the_second_waits_and_computes_nothing_again(case, tmp_path):
    case.seconds = 0.05
    case.write()
    second = Launcher(tmp_path)
    case.launch.start(*case.words(*PROCESSES))
    code, said = second.call(*case.words(*LOCAL))
    assert case.launch.wait() == (0, "")
    second.close()
    assert code == 0, said
    assert len(calls(case.log, "predict")) == len(case.cells)
    assert case.launch.call("doctor", case.run) == (0, "")
