"""A plugin in a distribution of its own joins a run without a change here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "regharness_example"
SPEC = """\
name: outside
seeds: [0, 1]
tasks:
  - name: ladder
    data: {use: gc_ladder}
    shifts:
      - {use: poly_a_tail, severity: [1, 5]}
models:
  - {name: neighbours, use: nearest_kmer_profile, with: {neighbours: 5}}
  - {name: unsure, use: nearest_kmer_profile, uncertainty: {use: unit_variance}}
  - {name: line, use: gc_linear}
metrics: [mse, crps, sign_accuracy, degradation]
leaderboard: {rank_by: mse}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder that holds the plugin as pip installs it, and nothing else."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--target", str(folder), str(SOURCE)], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def call(site, tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    (work / "outside.yaml").write_text(SPEC)

    def run(*words):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])}
        return subprocess.run(
            [sys.executable, "-m", "regharness", *words], cwd=work, env=environment, capture_output=True, text=True
        )

    run.work = work
    return run


@pytest.fixture(scope="module")
def outcome(call):
    done = call("run", "outside.yaml", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_its_models_join_the_leaderboard(outcome):
    assert {row["model"] for row in outcome["leaderboard"]["rows"]} == {"neighbours", "unsure", "line"}


def test_its_shift_is_in_the_cube(call, outcome):
    import xarray as xr

    cube = xr.open_zarr(call.work / "runs" / "outside" / "cubes" / "ladder.zarr")
    assert cube["shift"].values.tolist() == ["identity", "poly_a_tail@1", "poly_a_tail@5"]


def test_its_metric_is_in_the_scores(call, outcome):
    import xarray as xr

    scores = xr.open_zarr(call.work / "runs" / "outside" / "scores.zarr")
    assert scores["sign_accuracy"].sel(model="line", shift="identity").min() > 0.9


def test_its_observer_heard_the_run(call, outcome):
    assert (call.work / "runs" / "outside" / "heard.txt").read_text() == (
        "started 18 0\nfinished 0 False\nscored leaderboard.json report.html report.txt\n"
    )


def test_its_report_is_written_beside_the_others(call, outcome):
    assert (call.work / "runs" / "outside" / "report.txt").read_text() == "outside\n"


def test_its_verb_is_on_the_command_line(call):
    assert call("hello").stdout == "hello from regharness-example\n"


def test_its_executor_runs_the_cells_in_another_order_to_the_same_result(call, outcome):
    import xarray as xr

    done = call("run", "outside.yaml", "-o", "reversed", "--executor", "reversed")
    assert done.returncode == 0, done.stderr
    one, two = (
        xr.open_zarr(call.work / folder / "cubes" / "ladder.zarr").load() for folder in ("runs/outside", "reversed")
    )
    xr.testing.assert_identical(one, two)


def test_without_it_the_spec_is_refused_with_its_place(call):
    done = call("-p", "no:regharness_example", "validate", "outside.yaml")
    assert done.returncode == 2
    assert "outside.yaml:5:17: no data generator named 'gc_ladder'" in done.stderr


CONTRACT = """\
from regharness.testing import ExecutorContract
from regharness_example.parts import Reversed


class TestReversed(ExecutorContract):
    def make_executor(self):
        return Reversed()
"""


def test_its_executor_holds_to_the_contract(site, tmp_path):
    (tmp_path / "test_reversed.py").write_text(CONTRACT)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_reversed.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
