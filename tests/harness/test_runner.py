import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray as xr
from builders import spec, write

import regharness as rh
from regharness.api import run as run_spec
from regharness.errors import InputError

FAULTS = {
    "fit": "RuntimeError: cannot learn this",
    "raise": "RuntimeError: cannot predict this",
    "nan": "mean is NaN or infinite for 1 of 32 examples",
    "shape": "mean has shape (32, 1), not (example, output) = (32, 2)",
    "length": "mean has shape (31, 2), not (example, output) = (32, 2)",
    "negative": "aleatoric_variance is negative for 32 of 32 examples",
    "type": "predict gave ndarray, not a Prediction",
    "dtype": "mean is float64, not float32",
}


def constant(name="constant", **parameters):
    return {"name": name, "use": "constant", "with": parameters}


def test_a_run_fills_every_cell_and_scores_it(toys, tmp_path):
    run = run_spec(write(tmp_path, spec()), tmp_path / "r")
    assert (run.cube("t").status == 1).all()
    assert np.isfinite(run.scores["mse"]).all()


def test_the_oracles_error_is_the_noise(toys, tmp_path):
    run = run_spec(write(tmp_path, spec()), tmp_path / "r")
    cube = run.cube("t").sel(shift="identity")
    noise = np.square(cube["target"] - cube["truth"]).mean("example")
    score = run.scores["mse"].sel(task="t", model="oracle", shift="identity")
    np.testing.assert_allclose(score.transpose("seed", "output"), noise.transpose("seed", "output"), rtol=1e-6)


def test_a_cube_opens_with_plain_xarray_and_names_its_coordinates(toys, tmp_path):
    run_spec(write(tmp_path, spec()), tmp_path / "r")
    cube = xr.open_zarr(tmp_path / "r" / "cubes" / "t.zarr")
    assert cube["mean"].dims == ("model", "shift", "seed", "example", "output")
    assert cube["shift"].values.tolist() == ["identity", "offset@1", "offset@3", "half@1"]
    assert cube["severity"].values.tolist() == [0, 1, 3, 1]


def test_a_smaller_test_set_is_padded_with_nan_and_counted(toys, tmp_path):
    cube = run_spec(write(tmp_path, spec()), tmp_path / "r").cube("t").sel(shift="half@1", seed=0)
    assert int(cube["n_examples"]) == 16
    assert np.isfinite(cube["target"][:16]).all()
    assert np.isnan(cube["target"][16:]).all()


def test_every_model_of_a_shift_and_seed_is_scored_on_the_same_examples(toys, tmp_path):
    run = run_spec(write(tmp_path, spec()), tmp_path / "r")
    n_valid = run.scores["n_valid"].sel(shift="half@1")
    assert (n_valid == 16).all()


def test_the_same_spec_twice_gives_bit_identical_cubes(toys, tmp_path):
    file = write(tmp_path, spec())
    one, two = (run_spec(file, tmp_path / name).cube("t").load() for name in "ab")
    xr.testing.assert_identical(one, two)


def test_a_finished_run_computes_nothing_again(toys, tmp_path):
    log = tmp_path / "log"
    file = write(tmp_path, spec(models=[constant(log=str(log))]))
    run_spec(file, tmp_path / "r")
    before = log.read_text()
    run_spec(file, tmp_path / "r")
    assert log.read_text() == before


def test_adding_a_model_recomputes_nothing_else(toys, tmp_path):
    log = tmp_path / "log"
    run_spec(write(tmp_path, spec(models=[constant(log=str(log))])), tmp_path / "r")
    before = log.read_text()
    run = run_spec(write(tmp_path, spec(models=[constant("new", offset=1.0), constant(log=str(log))])), tmp_path / "r")
    assert log.read_text() == before
    assert (run.cube("t").status == 1).all()
    assert run.cube("t")["model"].values.tolist() == ["new", "constant"]


def test_adding_a_shift_predicts_that_shift_alone_from_the_stored_model(toys, tmp_path):
    log = tmp_path / "log"
    file = write(tmp_path, spec(models=[constant(log=str(log))], seeds=[0]))
    run_spec(file, tmp_path / "r")
    log.write_text("")
    task = spec()["tasks"][0]
    task["shifts"][0]["severity"] = [1, 3, 5]
    run_spec(write(tmp_path, spec(models=[constant(log=str(log))], seeds=[0], tasks=[task])), tmp_path / "r")
    assert log.read_text().split() == ["load", "predict"]


def test_a_changed_parameter_recomputes_the_cells_of_its_model(toys, tmp_path):
    models = [constant("a"), constant("b", log=str(tmp_path / "log"))]
    run_spec(write(tmp_path, spec(models=models)), tmp_path / "r")
    before = (tmp_path / "log").read_text()
    models[0] = constant("a", offset=2.0)
    run = run_spec(write(tmp_path, spec(models=models)), tmp_path / "r")
    means = run.cube("t")["mean"].sel(shift="identity")
    np.testing.assert_allclose(means.sel(model="a") - means.sel(model="b"), 2.0, rtol=1e-6)
    assert (tmp_path / "log").read_text() == before


def test_a_changed_input_file_recomputes_its_model(toys, tmp_path):
    (tmp_path / "value.txt").write_text("1.0")
    file = write(tmp_path, spec(models=[{"name": "m", "use": "from_file", "with": {"path": "value.txt"}}]))
    run_spec(file, tmp_path / "r")
    (tmp_path / "value.txt").write_text("2.0")
    assert float(run_spec(file, tmp_path / "r").cube("t")["mean"][0, 0, 0, 0, 0]) == 2.0


def test_a_model_left_out_of_the_spec_keeps_its_cells_on_disk(toys, tmp_path):
    log = tmp_path / "log"
    both = [constant("a"), constant("b", log=str(log))]
    run_spec(write(tmp_path, spec(models=both)), tmp_path / "r")
    run = run_spec(write(tmp_path, spec(models=both[:1])), tmp_path / "r")
    assert run.cube("t")["model"].values.tolist() == ["a"]
    before = log.read_text()
    run_spec(write(tmp_path, spec(models=both)), tmp_path / "r")
    assert log.read_text() == before


@pytest.mark.parametrize(("fault", "reason"), FAULTS.items())
def test_a_faulty_model_fails_with_its_reason_and_the_others_go_on(toys, tmp_path, fault, reason):
    task = {"name": "t", "data": {"use": "toy"}}
    file = write(tmp_path, spec(models=[constant("bad", fault=fault), constant()], tasks=[task], seeds=[0]))
    run = run_spec(file, tmp_path / "r")
    assert run.failures == [{"task": "t", "model": "bad", "shift": "identity", "seed": 0, "reason": reason}]
    assert run.cube("t").status.values[:, 0, 0].tolist() == [2, 1]
    assert np.isnan(run.scores["mse"].sel(model="bad")).all()


def test_a_model_that_cannot_be_fitted_is_fitted_once(toys, tmp_path):
    run = run_spec(write(tmp_path, spec(models=[constant("bad", fault="fit")], seeds=[0])), tmp_path / "r")
    assert len(run.failures) == 4


def test_a_failed_cell_is_tried_again_on_the_next_run(toys, tmp_path):
    run_spec(write(tmp_path, spec(models=[constant(fault="nan")])), tmp_path / "r")
    run = run_spec(write(tmp_path, spec(models=[constant()])), tmp_path / "r")
    assert run.failures == []


def test_a_shift_that_breaks_fails_its_own_cells_for_every_model(toys, tmp_path):
    shift = {"use": "offset", "severity": [1, 5], "with": {"broken": True}}
    task = {"name": "t", "data": {"use": "toy"}, "shifts": [shift]}
    run = run_spec(write(tmp_path, spec(tasks=[task], seeds=[0])), tmp_path / "r")
    assert [(f["model"], f["shift"]) for f in run.failures] == [("constant", "offset@5"), ("oracle", "offset@5")]
    assert run.failures[0]["reason"] == "RuntimeError: no level five today"


def test_data_that_break_fail_every_cell_with_the_reason(toys, tmp_path):
    task = {"name": "t", "data": {"use": "toy", "with": {"fail": True}}}
    run = run_spec(write(tmp_path, spec(tasks=[task], seeds=[0])), tmp_path / "r")
    assert {f["reason"] for f in run.failures} == {"RuntimeError: the toy broke"}


def test_fail_fast_stops_at_the_first_failure(toys, tmp_path):
    file = write(tmp_path, spec(models=[constant("bad", fault="nan"), constant()]))
    run = run_spec(file, tmp_path / "r", fail_fast=True)
    assert int((run.cube("t").status != 0).sum()) == 1


def test_only_restricts_what_is_computed(toys, tmp_path):
    run = run_spec(write(tmp_path, spec()), tmp_path / "r", only=["model=const*", "shift=identity", "seed=1"])
    assert int((run.cube("t").status == 1).sum()) == 1


@pytest.mark.parametrize(
    ("only", "message"),
    [
        ("model", "--only takes KEY=GLOB, not 'model'"),
        ("modle=x", "no key named 'modle'; did you mean 'model'?"),
        ("model=x*", "no cell matches --only model=x.*constant, oracle"),
    ],
)
def test_a_wrong_filter_is_refused(toys, tmp_path, only, message):
    with pytest.raises(InputError, match=message):
        run_spec(write(tmp_path, spec()), tmp_path / "r", only=[only])


def test_the_folder_of_another_spec_is_refused_and_untouched(toys, tmp_path):
    run_spec(write(tmp_path, spec()), tmp_path / "r")
    before = {path: path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file()}
    with pytest.raises(InputError, match="holds the run 'toy', not 'other'"):
        run_spec(write(tmp_path, spec(name="other")), tmp_path / "r")
    assert {path: path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file()} == before


def test_a_folder_with_other_files_is_refused(toys, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    with pytest.raises(InputError, match="is not empty and holds no run"):
        run_spec(write(tmp_path, spec()), tmp_path / "photos")


def test_a_folder_that_cannot_be_made_is_refused(toys, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write to"):
        run_spec(write(tmp_path, spec()), tmp_path / "file" / "r")


def test_other_outputs_are_refused_and_nothing_is_lost(toys, tmp_path):
    run_spec(write(tmp_path, spec()), tmp_path / "r")
    task = {"name": "t", "data": {"use": "toy", "with": {"outputs": ["a", "c"]}}}
    with pytest.raises(InputError, match="holds the outputs a, b, and the spec now gives a, c"):
        run_spec(write(tmp_path, spec(tasks=[task])), tmp_path / "r")
    assert (xr.open_zarr(tmp_path / "r" / "cubes" / "t.zarr").status == 1).all()


def test_a_shift_that_the_data_cannot_have_is_refused_before_anything_is_computed(toys, tmp_path):
    task = {"name": "t", "data": {"use": "toy"}, "shifts": [{"use": "needs_mechanism"}]}
    with pytest.raises(
        InputError, match="task 't': shift 'needs_mechanism' needs mechanism, which 'toy' does not offer"
    ):
        run_spec(write(tmp_path, spec(tasks=[task])), tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_a_deleted_cube_is_computed_again(toys, tmp_path):
    import shutil

    file = write(tmp_path, spec())
    first = run_spec(file, tmp_path / "r").cube("t").load()
    shutil.rmtree(tmp_path / "r" / "cubes" / "t.zarr")
    xr.testing.assert_identical(run_spec(file, tmp_path / "r").cube("t").load(), first)


def test_half_a_line_in_the_records_costs_its_cell_alone(toys, tmp_path):
    log = tmp_path / "log"
    file = write(tmp_path, spec(models=[constant(log=str(log))]))
    run_spec(file, tmp_path / "r")
    records = tmp_path / "r" / "cells.jsonl"
    records.write_bytes(records.read_bytes()[:-20])
    log.write_text("")
    run = run_spec(file, tmp_path / "r")
    assert log.read_text().split() == ["load", "predict"]
    assert (run.cube("t").status == 1).all()


def test_an_uncertainty_method_wraps_a_model(toys, tmp_path):
    model = {"name": "m", "use": "constant", "uncertainty": {"use": "add_variance", "with": {"value": 4.0}}}
    cube = run_spec(write(tmp_path, spec(models=[model])), tmp_path / "r").cube("t")
    assert (cube["epistemic_variance"].sel(shift="identity") == 4.0).all()
    assert np.isnan(cube["aleatoric_variance"]).all()


def test_the_log_tells_each_cell_once(toys, tmp_path):
    run_spec(write(tmp_path, spec()), tmp_path / "r")
    events = [json.loads(line) for line in (tmp_path / "r" / "log.jsonl").read_text().splitlines()]
    told = [e["event"] for e in events if e["event"] != "cell_started"]
    assert told == ["run_started"] + ["cell_finished"] * 16 + ["run_finished", "scored"]


def test_provenance_names_versions_and_what_ran(toys, tmp_path):
    run = run_spec(write(tmp_path, spec()), tmp_path / "r")
    assert run.provenance["regharness"] == rh.__version__
    assert run.provenance["plugins"]["regharness_toys"] == "regharness_toys 1.0"


def test_a_run_killed_in_the_middle_finishes_the_missing_cells_bit_identically(toys, tmp_path):
    log = tmp_path / "log"
    slow = write(tmp_path, spec(models=[constant("a", seconds=0.15, log=str(log)), constant("b")], seeds=[0, 1, 2]))
    command = [sys.executable, "-m", "regharness", "run", str(slow), "-o", str(tmp_path / "killed"), "--quiet"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    records = tmp_path / "killed" / "cells.jsonl"
    deadline = time.monotonic() + 60
    while not (records.exists() and records.read_bytes().count(b"\n") >= 5) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = records.read_bytes().count(b"\n")
    assert 5 <= finished < 24
    log.write_text("")
    killed = run_spec(slow, tmp_path / "killed")
    again = sum(json.loads(line)["event"] == "cell_finished" for line in last_run(tmp_path / "killed"))
    assert again == 24 - finished
    xr.testing.assert_identical(killed.cube("t").load(), run_spec(slow, tmp_path / "whole").cube("t").load())


def last_run(folder):
    lines = (folder / "log.jsonl").read_text().splitlines()
    start = max(i for i, line in enumerate(lines) if "run_started" in line)
    return lines[start:]
