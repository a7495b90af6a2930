"""Dask workers: of this machine, and of a scheduler that goes away."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from executor_toys import Deeds, Do, sorted_news
from pydantic import ValidationError

from regharness.errors import ExecutorError, InputError
from regharness.testing import ExecutorContract
from regharness_dask.executor import DaskExecutor
from regharness_dask.parameters import DaskParameters

pytestmark = pytest.mark.slow

# Where the toys are, for workers that are started here.
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]),
    "OMP_NUM_THREADS": "1",
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    """A scheduler and workers as a user starts them."""

    def __init__(self, folder, workers=2, *options):
        self.folder = folder
        self.address = f"tcp://127.0.0.1:{free_port()}"
        port = self.address.rpartition(":")[2]
        self.scheduler = self.start(
            "scheduler", "--host", "127.0.0.1", "--port", port, "--dashboard-address", "127.0.0.1:0"
        )
        self.workers = [self.worker(*options) for _ in range(workers)]

    def start(self, *words, environment=ENVIRONMENT):
        with (self.folder / f"{words[0]}.log").open("a") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *words], env=environment, cwd=self.folder, stdout=log, stderr=log
            )

    def worker(self, *options, environment=ENVIRONMENT):
        fixed = ["--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", "--local-directory", str(self.folder)]
        return self.start("worker", self.address, *fixed, *options, environment=environment)

    def stop(self):
        for process in [*self.workers, self.scheduler]:
            process.terminate()
        for process in [*self.workers, self.scheduler]:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("cluster"), 2, "--resources", "GPU=1")
    yield made
    made.stop()


def run(cluster, jobs, work=None, **parameters):
    executor = DaskExecutor(scheduler=cluster.address, timeout=20.0, **parameters)
    return sorted_news(executor.run(iter(jobs), work or Deeds()))


PIDS = [Do("pid", i, fit=f"f{i % 2}") for i in range(6)]


class TestDaskExecutor(ExecutorContract):
    @pytest.fixture(autouse=True)
    def _cluster(self, cluster):
        self.cluster = cluster

    def make_executor(self):
        return DaskExecutor(scheduler=self.cluster.address, timeout=20.0)


def test_all_workers_of_a_scheduler_are_used(cluster):
    results, _, began = run(cluster, [Do("nap", i) for i in range(20)])
    assert len({pid for _, pid in results}) == 2
    assert {int(one.worker.rpartition(":")[2]) for one in began} == {pid for _, pid in results}


def test_a_worker_that_dies_loses_its_job_and_the_others_go_on(cluster):
    jobs = [Do("die"), Do("crash"), Do("leave"), Do("starve"), *PIDS]
    results, lost, _ = run(cluster, jobs)
    gone = "its dask worker was lost: killed, crashed or out of reach"
    assert {one.job.deed: one.reason for one in lost} == {
        "die": gone,
        "crash": gone,
        "leave": gone,
        "starve": "its worker ran out of memory (no room)",
    }
    assert sorted(job.number for job, _ in results) == list(range(6))


def test_a_job_past_the_limit_is_stopped(cluster):
    results, lost, _ = run(cluster, [Do("hang"), *PIDS], Deeds(limit=1.0))
    assert [one.reason for one in lost] == ["its worker was stopped after 1 s"]
    assert len(results) == len(PIDS)


def test_an_error_of_the_work_keeps_its_type(cluster):
    with pytest.raises(InputError, match="bad"):
        run(cluster, [Do("input_error")])


def test_resources_choose_the_workers_that_have_them(cluster):
    results, _, _ = run(cluster, PIDS, resources={"GPU": 1})
    assert len(results) == len(PIDS)
    with pytest.raises(ExecutorError, match="had no worker with 1 TPU for 2 s"):
        list(DaskExecutor(scheduler=cluster.address, timeout=2.0, resources={"TPU": 1}).run(iter(PIDS), Deeds()))


def test_a_scheduler_that_is_not_there_is_told_in_one_line(capfd):
    started = time.monotonic()
    executor = DaskExecutor(scheduler=f"tcp://127.0.0.1:{free_port()}", timeout=1.0)
    with pytest.raises(InputError, match=r"the dask scheduler at tcp://127\.0\.0\.1:\d+ cannot be reached within 1 s"):
        list(executor.run(iter(PIDS), Deeds()))
    assert time.monotonic() - started < 10
    assert capfd.readouterr().err == ""


def test_a_scheduler_without_workers_is_not_waited_for_for_ever(tmp_path):
    alone = Cluster(tmp_path, workers=0)
    try:
        with pytest.raises(ExecutorError, match=r"had no worker for 8 s; start some with 'dask worker tcp://127"):
            list(DaskExecutor(scheduler=alone.address, timeout=8.0).run(iter(PIDS), Deeds()))
    finally:
        alone.stop()


def test_a_scheduler_lost_in_the_middle_ends_the_run_in_one_line(tmp_path, capfd):
    going = Cluster(tmp_path, workers=1)
    try:
        news = DaskExecutor(scheduler=going.address, timeout=20.0).run(iter([*PIDS, Do("hang")]), Deeds())
        next(one for one in news if isinstance(one, tuple))
        going.scheduler.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        with pytest.raises(ExecutorError, match=r"the dask scheduler at tcp://127\.0\.0\.1:\d+ was lost"):
            list(news)
        assert time.monotonic() - killed < 15
    finally:
        going.stop()
    assert capfd.readouterr().err == ""


def test_a_worker_with_another_regharness_is_refused_by_name(tmp_path):
    site = tmp_path / "site"
    info = site / "regharness-0.0.9.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: regharness\nVersion: 0.0.9\n")
    older = Cluster(tmp_path, workers=0)
    path = os.pathsep.join([str(site), ENVIRONMENT["PYTHONPATH"]])
    older.workers.append(older.worker(environment={**ENVIRONMENT, "PYTHONPATH": path}))
    try:
        with pytest.raises(InputError, match=r"no dask worker has regharness 0\.1\.0: tcp://127\S+ has 0\.0\.9"):
            list(DaskExecutor(scheduler=older.address, timeout=20.0).run(iter(PIDS), Deeds()))
    finally:
        older.stop()


def test_without_a_scheduler_workers_are_started_here_and_end_with_the_run(capfd):
    jobs = [*[Do("nap", i) for i in range(12)], Do("die", 12), Do("environment", 13)]
    results, lost, _ = sorted_news(DaskExecutor(2).run(iter(jobs), Deeds()))
    pids = {one[1] for one in results if isinstance(one, tuple)}
    assert len(lost) == 1
    assert [one["NUMBA_NUM_THREADS"] for one in results if isinstance(one, dict)] == ["1"]
    assert len(pids) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"scheduler": "localhost"}, "a scheduler's address is tcp://HOST:PORT, not 'localhost'"),
        ({"cluster": {"class": "os.system"}}, "'os.system' is no cluster of dask_cuda, dask_jobqueue"),
        ({"cluster": {"class": "subprocess.PopenCluster"}}, "is no cluster of"),
        ({"cluster": {"class": "distributed.LocalCluster"}, "scheduler": "tcp://a:1"}, "give one of them"),
    ],
)
def test_a_wrong_place_of_workers_is_refused(given, message):
    with pytest.raises(ValidationError, match=message):
        DaskParameters(**given)


def test_a_cluster_of_the_spec_is_started_and_scaled():
    entry = {"class": "distributed.LocalCluster", "with": {"n_workers": 0, "dashboard_address": "127.0.0.1:0"}}
    cluster = DaskParameters(cluster=entry).cluster
    results, _, _ = sorted_news(DaskExecutor(1, cluster=cluster).run(iter(PIDS), Deeds()))
    assert len(results) == len(PIDS)


def test_a_cluster_that_cannot_be_made_is_told():
    cluster = DaskParameters(cluster={"class": "distributed.NoSuchCluster"}).cluster
    with pytest.raises(InputError, match=r"cluster 'distributed\.NoSuchCluster' cannot be made: AttributeError"):
        list(DaskExecutor(1, cluster=cluster).run(iter(PIDS), Deeds()))
