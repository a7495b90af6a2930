"""Whatever runs the cells, the cubes are the same to the last bit."""

import json
import os
import socket
import subprocess
import sys
import time

import pytest
import xarray as xr

import regharness as rh
from regharness.api import run as run_spec

OTHERS = '''
from concurrent.futures import ThreadPoolExecutor

from regharness import hookimpl
from regharness.interfaces import Executor


class Backwards(Executor):
    """The last job first."""

    def __init__(self, workers: int = 1):
        pass

    def run(self, jobs, work):
        yield from map(work, reversed(list(jobs)))


class Threads(Executor):
    """Four threads of this process."""

    def __init__(self, workers: int = 1):
        pass

    def run(self, jobs, work):
        with ThreadPoolExecutor(4) as pool:
            yield from pool.map(work, list(jobs))


@hookimpl
def regharness_executors():
    return {"backwards": Backwards, "threads": Threads}
'''
SPEC = {
    "name": "agree",
    "seeds": [0, 1],
    "tasks": [
        {
            "name": "t",
            "data": {"use": "simulated_mpra", "with": {"train": 80, "calibration": 30, "test": 40, "length": 60}},
            "shifts": [{"use": "gc_content", "severity": [3]}, {"use": "assay_noise", "severity": [2]}],
        }
    ],
    "models": [
        {"name": "cnn", "use": "torch_cnn", "with": {"epochs": 2, "filters": 8}},
        {"name": "quantiles", "use": "torch_cnn", "with": {"epochs": 1, "filters": 8, "head": "quantile"}},
        {"name": "kmers", "use": "kmer_ridge", "uncertainty": {"use": "split_conformal"}},
    ],
    "metrics": ["mse"],
}


@pytest.fixture
def file(install, tmp_path):
    """The spec, with two more executors installed."""
    install("other_executors", OTHERS)
    path = tmp_path / "agree.json"
    path.write_text(json.dumps(SPEC))
    return path


def cube(folder):
    return rh.open_run(folder).cube("t").load()


@pytest.fixture
def alone(file, tmp_path):
    """What one process makes of it."""
    return run_spec(file, tmp_path / "local", executor="local").cube("t").load()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("executor", "workers"), [("processes", 1), ("processes", 2), ("processes", 3), ("backwards", 1), ("threads", 1)]
)
def test_every_executor_gives_the_same_bits(file, tmp_path, alone, executor, workers):
    run = run_spec(file, tmp_path / "other", executor=executor, workers=workers)
    assert (run.cube("t").status == 1).all()
    xr.testing.assert_identical(run.cube("t").load(), alone)
    assert len(list((run.folder / "models").iterdir())) == 6
    finished = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    # A model is fitted once a seed.
    assert sum("fit" in one.get("timings", {}) for one in finished) == 6


@pytest.mark.slow
def test_two_workers_of_a_dask_scheduler_give_the_same_bits_in_an_s3_store(file, tmp_path, alone, regharness, s3):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    address, quiet = f"tcp://127.0.0.1:{port}", {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dask = [sys.executable, "-m", "dask"]
    here = ["--host", "127.0.0.1"]
    commands = [[*dask, "scheduler", *here, "--port", port, "--dashboard-address", "127.0.0.1:0"]]
    commands += [[*dask, "worker", address, *here, "--nthreads", "1", "--no-dashboard"]] * 2
    started = [subprocess.Popen(command, cwd=tmp_path, env=dict(os.environ), **quiet) for command in commands]
    try:
        time.sleep(1)
        regharness("run", file, "-o", s3, "--scheduler", address, "--quiet")
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(timeout=30)
    xr.testing.assert_identical(cube(s3), alone)
