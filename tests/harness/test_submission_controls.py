"""Controls: what predictions from the targets alone are."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import linregress

from regharness.submission.controls import control_cube

SHIFTS, SEEDS, EXAMPLES = ["identity", "noise@5"], [0, 7], 40


def targets(**more):
    rng = np.random.default_rng(0)
    shape = len(SHIFTS), len(SEEDS), EXAMPLES
    gc = rng.uniform(0.2, 0.8, shape)
    values = {
        "target": (("shift", "seed", "example", "output"), (2 * gc[..., None] + rng.normal(0, 1, (*shape, 1)))),
        "covariate_gc_content": (("shift", "seed", "example"), gc),
        "n_examples": (("shift", "seed"), np.full(shape[:2], EXAMPLES)),
    }
    return xr.Dataset({**values, **more}, {"shift": SHIFTS, "seed": SEEDS, "output": ["a"]})


def of(cube, control):
    return cube.sel(model=f"control:{control}")


def test_the_mean_is_that_of_the_unshifted_targets_of_the_seed():
    held = targets()
    found = of(control_cube(held), "mean")["mean"].sel(shift="noise@5", seed=7).values
    np.testing.assert_allclose(found, held["target"].sel(shift="identity", seed=7).values.mean(), rtol=1e-6)


def test_its_variance_is_theirs():
    held = targets()
    found = of(control_cube(held), "mean")["aleatoric_variance"].sel(shift="identity", seed=0).values
    np.testing.assert_allclose(found, held["target"].sel(shift="identity", seed=0).values.var(), rtol=1e-6)


def test_gc_linear_is_scipys_line_through_the_unshifted_targets():
    held = targets()
    unshifted = held.sel(shift="identity", seed=0)
    line = linregress(unshifted["covariate_gc_content"], unshifted["target"].values[:, 0])
    gc = held["covariate_gc_content"].sel(shift="noise@5", seed=0).values
    found = of(control_cube(held), "gc_linear")["mean"].sel(shift="noise@5", seed=0).values[:, 0]
    np.testing.assert_allclose(found, line.intercept + line.slope * gc, rtol=1e-5)


def test_padding_and_missing_targets_do_not_count():
    held = targets()
    held["n_examples"][0, 0] = 30
    held["target"][0, 0, 30:] = 1e6
    held["target"][0, 0, 0] = np.nan
    found = of(control_cube(held), "mean")["mean"].sel(shift="identity", seed=0).values[0, 0]
    np.testing.assert_allclose(found, held["target"].values[0, 0, 1:30].mean(), rtol=1e-6)


def test_the_oracle_gives_truth_and_the_variance_of_the_measurement():
    names = ("shift", "seed", "example", "output")
    truth = np.arange(2 * 2 * EXAMPLES, dtype=np.float32).reshape(2, 2, EXAMPLES, 1)
    held = targets(truth=(names, truth), noise_variance=(names, truth + 1))
    found = of(control_cube(held), "oracle")
    np.testing.assert_array_equal(found["mean"].values, truth)
    np.testing.assert_array_equal(found["aleatoric_variance"].values, truth + 1)


@pytest.mark.parametrize(("lacks", "control"), [("truth", "oracle"), ("covariate_gc_content", "gc_linear")])
def test_a_control_for_which_the_data_lack_something_is_left_out(lacks, control):
    held = targets().drop_vars(lacks, errors="ignore")
    assert f"control:{control}" not in control_cube(held)["model"].values
