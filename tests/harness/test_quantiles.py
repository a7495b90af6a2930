"""Quantiles on their way from a model to the scores."""

import json

import numpy as np
import pytest
import xarray as xr
from builders import spec as whole_spec
from builders import write

from regharness import Prediction
from regharness.api import run as run_spec
from regharness.errors import CellError, InputError
from regharness.prediction_checks import check
from regharness.testing import make_batch

LEVELS = (0.1, 0.5, 0.9)


def spec(**changes):
    task = {"name": "t", "data": {"use": "toy"}, "shifts": [{"use": "half"}]}
    return whole_spec(**{"tasks": [task], "seeds": [0], "metrics": ["mse"], **changes})


def quantiled(name="q", **parameters):
    return {"name": name, "use": "quantiled", "with": parameters}


def prediction(quantiles, levels=LEVELS):
    return Prediction(np.zeros((8, 1), np.float32), quantiles=quantiles, quantile_levels=levels)


def rising(dtype=np.float32, n=8):
    return np.tile(np.array([-1, 0, 1], dtype), (n, 1, 1))


def broken(value):
    quantiles = rising()
    quantiles[3, 0, 1] = value
    return quantiles


def test_quantiles_that_are_as_declared_are_accepted():
    check(prediction(rising()), make_batch(8), LEVELS)


def test_equal_quantiles_do_not_fall():
    check(prediction(np.zeros((8, 1, 3), np.float32)), make_batch(8), LEVELS)


@pytest.mark.parametrize(
    ("given", "declared", "message"),
    [
        (prediction(rising(n=7)), LEVELS, r"shape \(7, 1, 3\), not \(example, output, quantile\) = \(8, 1, 3\)"),
        (prediction(rising(np.float64)), LEVELS, "quantiles is float64, not float32"),
        (prediction(broken(np.nan)), LEVELS, "quantiles is NaN or infinite for 1 of 8 examples"),
        (prediction(broken(9.0)), LEVELS, "quantiles fall along their levels for 1 of 8 examples"),
        (prediction([1.0]), LEVELS, "quantiles is list, not a numpy array"),
        (prediction(rising()), (), "quantile_levels are 0.1, 0.5, 0.9, and the model declares none"),
        (prediction(rising()), (0.1, 0.5, 0.8), "and the model declares 0.1, 0.5, 0.8"),
        (prediction(None), LEVELS, "predict gave no quantiles"),
        (prediction(rising(), ()), (), "predict gave quantiles without levels"),
        (prediction(rising(), (0.5, 0.1, 0.9)), (0.5, 0.1, 0.9), "wrongly: the quantile levels do not rise"),
        (prediction(rising(), (0.1, 0.5, 1.0)), (0.1, 0.5, 1.0), "wrongly: the quantile level 1 is not between"),
    ],
)
def test_quantiles_that_cannot_be_stored_are_refused_with_their_reason(given, declared, message):
    with pytest.raises(CellError, match=message):
        check(given, make_batch(8), declared)


def test_a_cube_holds_the_quantiles_of_every_model_by_level(toys, tmp_path):
    models = [quantiled("a"), quantiled("b", levels=[0.25, 0.5], offset=1.0), {"name": "c", "use": "constant"}]
    cube = run_spec(write(tmp_path, spec(models=models)), tmp_path / "r").cube("t").sel(shift="identity", seed=0)
    assert cube["quantiles"].dims == ("model", "example", "output", "quantile")
    assert cube["quantile"].values.tolist() == [0.05, 0.25, 0.5, 0.95]
    there = np.isfinite(cube["quantiles"]).all(("example", "output"))
    assert there.values.tolist() == [[True, False, True, True], [False, True, True, False], [False] * 4]
    steps = cube["quantiles"].sel(model="b") - cube["mean"].sel(model="b")
    np.testing.assert_allclose(steps.sel(quantile=0.25), -0.25, atol=1e-6)


def test_a_cube_without_such_a_model_has_no_quantiles(toys, tmp_path):
    run = run_spec(write(tmp_path, spec()), tmp_path / "r")
    assert "quantile" not in xr.open_zarr(tmp_path / "r" / "cubes" / "t.zarr").variables
    assert "quantiles" not in run.cube("t")


def test_small_cells_of_a_model_share_a_chunk(toys, tmp_path):
    run_spec(write(tmp_path, spec(models=[quantiled(), {"name": "c", "use": "constant"}])), tmp_path / "r")
    # Identity and a shift of the one model that has quantiles.
    assert len(list((tmp_path / "r" / "cubes" / "t.zarr" / "quantiles").glob("c.*"))) == 1


def test_a_model_with_other_levels_joins_a_run_and_moves_nothing(toys, tmp_path):
    first = [quantiled("a", levels=[0.1, 0.9])]
    before = run_spec(write(tmp_path, spec(models=first)), tmp_path / "r").cube("t").load()
    both = [*first, quantiled("b", levels=[0.05, 0.5, 0.9])]
    after = run_spec(write(tmp_path, spec(models=both)), tmp_path / "r").cube("t").load()
    assert after["quantile"].values.tolist() == [0.05, 0.1, 0.5, 0.9]
    xr.testing.assert_equal(after["quantiles"].sel(model=["a"], quantile=[0.1, 0.9]), before["quantiles"])
    assert len((tmp_path / "r" / "cells.jsonl").read_text().splitlines()) == 4


def test_a_run_without_quantiles_goes_on_with_a_model_that_has_them(toys, tmp_path):
    constant = {"name": "c", "use": "constant"}
    before = run_spec(write(tmp_path, spec(models=[constant])), tmp_path / "r").cube("t").load()
    after = run_spec(write(tmp_path, spec(models=[constant, quantiled()])), tmp_path / "r").cube("t").load()
    xr.testing.assert_equal(after["mean"].sel(model=["c"]), before["mean"])
    assert np.isfinite(after["quantiles"].sel(model="q", shift="identity")).all()


def test_levels_that_a_model_no_longer_gives_are_cleared(toys, tmp_path):
    run_spec(write(tmp_path, spec(models=[quantiled(levels=[0.1, 0.9])])), tmp_path / "r")
    cube = run_spec(write(tmp_path, spec(models=[quantiled(levels=[0.1, 0.8])])), tmp_path / "r").cube("t")
    assert np.isnan(cube["quantiles"].sel(quantile=0.9)).all()


def test_quantiles_that_fall_fail_their_cells(toys, tmp_path):
    run = run_spec(write(tmp_path, spec(models=[quantiled(falling=True)])), tmp_path / "r")
    assert [f["reason"] for f in run.failures] == [
        f"quantiles fall along their levels for {n} of {n} examples" for n in (32, 16)
    ]


def test_levels_that_no_distribution_has_are_refused_before_anything_is_computed(toys, tmp_path):
    with pytest.raises(InputError, match=r"model 'q': the quantile level 1\.5 is not between 0 and 1"):
        run_spec(write(tmp_path, spec(models=[quantiled(levels=[0.5, 1.5])])), tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_a_model_is_scored_by_its_own_interval(toys, tmp_path):
    models = [quantiled(), {"name": "c", "use": "constant"}]
    run = run_spec(write(tmp_path, spec(models=models, metrics=["mean_width_90", "pinball"])), tmp_path / "r")
    # Levels 0.05 and 0.95 lie 0.9 apart.
    np.testing.assert_allclose(run.scores["mean_width_90"].sel(model="q"), 0.9, rtol=1e-5)
    assert (run.scores["mean_width_90"].sel(model="c") != 0.9).all()
    assert np.isnan(run.scores["pinball"].sel(model="c")).all()


def test_a_plan_counts_the_bytes_of_quantiles(toys, regharness, tmp_path):
    file = write(tmp_path, spec(models=[quantiled()]))
    found = json.loads(regharness("plan", file, "--json").stdout)["tasks"]["t"]["megabytes"]
    # 2 cells of 32 examples and 2 outputs; a mean, two variances and three levels of 4 bytes.
    assert found == round(2 * 64 * 6 * 4 / 1e6, 3)
