"""Runs of the command line, followed in a store in a folder. Needs the plugin to be installed."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

SPEC = """\
name: small
version: 3
seeds: [4, 5]
tasks:
  - name: simulation
    data: {use: simulated_mpra, with: {train: 60, calibration: 20, test: 20, length: 60, cell_types: [K562]}}
    shifts: [{use: gc_content, severity: 1}]
models: [{name: gc, use: gc_linear}, {name: gc+mean, use: mean}]
metrics: [mse]
"""


# MLflow leaves a file open where it copies an artifact.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", str(tmp_path / "store"))
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    (tmp_path / "small.yaml").write_text(SPEC)

    def run(*words):
        command = [sys.executable, "-m", "regharness", *words]
        return subprocess.run(command, cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True)

    return run


@pytest.fixture
def client(call):
    from mlflow import MlflowClient

    return MlflowClient()


def followed(client):
    """All MLflow runs, the first one first."""
    experiment = client.get_experiment_by_name("regharness")
    return [] if experiment is None else client.search_runs([experiment.experiment_id])[::-1]


def test_a_run_is_followed_to_its_leaderboard(call, client, tmp_path):
    done = call("run", "small.yaml", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    (run,) = followed(client)

    told = {"spec": "small", "version": "3", "seeds": "4, 5", "tasks": "simulation", "models": "gc, gc+mean"}
    assert run.data.params == {**told, "metrics": "mse"}
    assert run.info.status == "FINISHED"
    assert run.data.tags["regharness.folder"] == "runs/small"

    steps = client.get_metric_history(run.info.run_id, "cells_done")
    assert [(one.step, one.value) for one in steps] == [(n, n) for n in range(1, 9)]
    assert run.data.metrics["cells_failed"] == 0
    assert len(client.get_metric_history(run.info.run_id, "cell_seconds")) == 8

    board = json.loads((tmp_path / "runs" / "small" / "leaderboard.json").read_text())
    first = board["rows"][0]
    name = first["model"].replace("+", " ")
    assert run.data.metrics[f"simulation/mse/{name}/shifted"] == first["shifted"]["mean"]
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {"leaderboard.json", "report.html"}
    stored = client.download_artifacts(run.info.run_id, "leaderboard.json", str(tmp_path))
    assert json.loads(Path(stored).read_text()) == board


def test_a_resumed_run_goes_on_in_the_same_mlflow_run_and_a_changed_one_in_another(call, client, tmp_path):
    assert call("run", "small.yaml", "--quiet", "--only", "seed=4").returncode == 0
    assert call("run", "small.yaml", "--quiet").returncode == 0
    assert call("run", "small.yaml", "--quiet").returncode == 0
    (run,) = followed(client)
    assert [one.step for one in client.get_metric_history(run.info.run_id, "cells_done")] == [1, 2, 3, 4, 5, 6, 7, 8]

    (tmp_path / "small.yaml").write_text(SPEC.replace("[4, 5]", "[4, 5, 6]"))
    assert call("run", "small.yaml", "--quiet").returncode == 0
    assert [run.data.params["seeds"] for run in followed(client)] == ["4, 5", "4, 5, 6"]


BROKEN = """\
from regharness import hookimpl
from regharness.interfaces import ModelAdapter

class Broken(ModelAdapter):
    trainable = False

    def predict(self, batch, context):
        raise RuntimeError("no")

@hookimpl
def regharness_model_adapters():
    return {"broken": Broken}
"""


def test_a_run_with_a_failed_cell_failed(call, client, tmp_path, monkeypatch):
    (tmp_path / "broken.py").write_text(BROKEN)
    (tmp_path / "broken-1.0.dist-info").mkdir()
    (tmp_path / "broken-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (tmp_path / "broken-1.0.dist-info" / "entry_points.txt").write_text("[regharness]\nbroken = broken\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    (tmp_path / "small.yaml").write_text(SPEC.replace("use: mean", "use: broken"))

    assert call("run", "small.yaml", "--quiet").returncode == 1
    (run,) = followed(client)
    assert run.info.status == "FAILED"
    assert (run.data.metrics["cells_done"], run.data.metrics["cells_failed"]) == (4, 4)


def test_a_tracker_that_is_down_is_told_once_and_breaks_nothing(call, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    started = time.monotonic()
    done = call("run", "small.yaml", "--quiet")
    assert done.returncode == 0
    assert done.stderr.count("MLflow does not follow this run") == 1
    assert len(done.stderr.splitlines()) == 1
    assert time.monotonic() - started < 60


def test_what_regharness_score_makes_is_added(call, client):
    assert call("run", "small.yaml", "--quiet").returncode == 0
    assert call("score", "runs/small", "--metrics", "crps").returncode == 0
    (run,) = followed(client)
    assert "simulation/crps/gc/shifted" in run.data.metrics


def test_the_plugin_imports_nothing_of_mlflow_by_itself():
    code = "import regharness_mlflow, sys; print('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
