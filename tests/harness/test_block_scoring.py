"""What blocks of examples contribute to a score."""

import numpy as np
import pytest
import xarray as xr

import regharness as rh
from regharness.block_scoring import BLOCKS, contributions, score_on_blocks
from regharness.metric_protocols import Evidence

N = 600
RNG = np.random.default_rng(3)
TARGET = RNG.normal(size=N)
MEAN = TARGET + RNG.normal(0, 0.5, N)
VARIANCE = RNG.gamma(2, 0.2, N)
NAMES = ["mse", "rmse", "pearson_r", "crps", "coverage_90", "aurc", "spearman_rho"]


def test_of_a_mean_they_are_the_means_of_the_blocks():
    found = contributions(rh.metric("mse"), Evidence(TARGET, MEAN), 10)
    np.testing.assert_allclose(found, np.square(TARGET - MEAN).reshape(10, -1).mean(axis=1))


@pytest.mark.parametrize("name", NAMES)
def test_they_are_the_pseudo_values_of_the_jackknife(name):
    score = lambda kept: rh.evaluate(TARGET[kept], MEAN[kept], VARIANCE[kept], [name])[name]  # noqa: E731
    block = np.arange(N) * 10 // N
    expected = [10 * score(slice(None)) - 9 * score(block != g) for g in range(10)]

    np.testing.assert_allclose(contributions(rh.metric(name), Evidence(TARGET, MEAN, VARIANCE), 10), expected)


@pytest.mark.parametrize("name", NAMES)
def test_their_spread_tells_the_error_of_the_score(name):
    def draw(k):
        rng = np.random.default_rng(k)
        target = rng.normal(size=N)
        sigma = rng.gamma(4, 0.1, N)
        return Evidence(target, target + rng.normal(0, sigma), sigma**2)

    metric = rh.metric(name)
    scores = [metric.score_evidence(draw(k)) for k in range(300)]
    errors = [contributions(metric, draw(k), BLOCKS).std(ddof=1) / np.sqrt(BLOCKS) for k in range(40)]

    # The spread of 300 scores is known within 4%, the mean of 40 errors of 30 blocks within 2%.
    assert np.mean(errors) == pytest.approx(np.std(scores), rel=0.15)


def test_missing_examples_leave_the_others_in_their_blocks():
    target = TARGET.copy()
    target[:30] = np.nan
    found = contributions(rh.metric("mse"), Evidence(target, MEAN), 10)
    squares, block = np.square(TARGET - MEAN)[30:], (np.arange(N) * 10 // N)[30:]

    np.testing.assert_allclose(found, [10 * squares.mean() - 9 * squares[block != g].mean() for g in range(10)])


@pytest.mark.parametrize("name", ["mse", "aurc"])
def test_a_block_without_a_valid_example_contributes_nothing(name):
    target = TARGET.copy()
    target[:60] = np.nan
    found = contributions(rh.metric(name), Evidence(target, MEAN, VARIANCE), 10)

    assert np.isnan(found).tolist() == [True] + [False] * 9


@pytest.mark.parametrize("name", ["nll", "ence"])
def test_every_block_contributes_an_infinite_score_as_it_is(name):
    found = contributions(rh.metric(name), Evidence(TARGET, MEAN, np.zeros(N)), 10)

    assert np.isposinf(found).all()


def cube(n):
    return xr.Dataset(
        {
            "mean": (("model", "shift", "seed", "example", "output"), RNG.normal(size=(2, 2, 2, n, 3))),
            "target": (("shift", "seed", "example", "output"), RNG.normal(size=(2, 2, n, 3))),
        }
    )


def test_a_cube_has_them_as_a_dimension_and_averages_outputs():
    data = cube(N)
    found = score_on_blocks(data, {"mse": rh.metric("mse")})["mse"]
    by_hand = np.square(data["mean"] - data["target"]).mean("output").values.reshape(2, 2, 2, BLOCKS, -1).mean(-1)

    assert found.dims == ("model", "shift", "seed", "block")
    np.testing.assert_allclose(found.values, by_hand)


@pytest.mark.parametrize(("n", "blocks"), [(20_000, BLOCKS), (N, BLOCKS), (100, 5), (30, 1), (3, 1)])
def test_few_examples_make_few_blocks(n, blocks):
    found = score_on_blocks(cube(n), {"mse": rh.metric("mse")})["mse"]
    assert int(found.notnull().all(["model", "shift", "seed"]).sum()) == blocks


def test_a_cell_that_is_not_done_contributes_nothing():
    status = xr.DataArray(np.array([[[1, 1], [1, 2]], [[1, 1], [1, 1]]]), dims=("model", "shift", "seed"))
    found = score_on_blocks(cube(N).assign(status=status), {"mse": rh.metric("mse")})["mse"]

    np.testing.assert_array_equal(found.isnull().all("block"), status == 2)


def test_no_block_contributes_to_a_score_of_quantiles_whose_levels_are_others():
    quantiles = MEAN[:, None] + np.array([-1.0, 1.0])
    evidence = Evidence(TARGET, MEAN, quantiles=quantiles, levels=(0.05, 0.95))

    assert np.isnan(contributions(rh.metric("wis"), evidence, 10)).all()
