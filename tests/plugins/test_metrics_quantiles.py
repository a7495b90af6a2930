"""Scores of a model's own quantiles, against scoringrules, closed forms and counts by hand."""

import math

import numpy as np
import pytest
import scoringrules
import xarray as xr

import regharness as rh
from regharness.testing import MetricContract

LEVELS = (0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975)
DIMS = ("model", "example", "output", "quantile")


class TestPinball(MetricContract):
    def make_metric(self):
        return rh.metric("pinball")


class TestWeightedIntervalScore(MetricContract):
    def make_metric(self):
        return rh.metric("wis")


class TestCoverage(MetricContract):
    def make_metric(self):
        return rh.metric("coverage_90")


class TestIntervalScore(MetricContract):
    def make_metric(self):
        return rh.metric("interval_score_90")


@pytest.fixture
def given():
    """A target, quantiles that sometimes cross, and an unhelpful mean."""
    rng = np.random.default_rng(7)
    target = rng.normal(size=300)
    return target, rng.normal(size=300), np.array([-2, -1.6, -0.7, 0, 0.7, 1.6, 2]) + rng.normal(0, 0.4, (300, 7))


def score(given, metrics, levels=LEVELS, variance=None):
    target, mean, quantiles = given
    return rh.evaluate(target, mean, variance, metrics, quantiles=quantiles, quantile_levels=levels)


def test_pinball_loss_is_that_of_scoringrules(given):
    target, _, quantiles = given
    expected = np.mean(scoringrules.quantile_score(target[:, None], quantiles, np.array(LEVELS)))
    assert score(given, "pinball")["pinball"] == pytest.approx(expected, rel=1e-12)


def test_weighted_interval_score_is_that_of_scoringrules(given):
    target, _, quantiles = given
    alpha = np.array([0.05, 0.1, 0.5])
    expected = scoringrules.weighted_interval_score(
        target, quantiles[:, 3], quantiles[:, :3], quantiles[:, :3:-1], alpha
    )
    assert score(given, "wis")["wis"] == pytest.approx(np.mean(expected), rel=1e-12)


@pytest.mark.parametrize(("percent", "ends"), [(50, (2, 4)), (90, (1, 5)), (95, (0, 6))])
def test_interval_score_is_that_of_scoringrules(given, percent, ends):
    target, _, quantiles = given
    expected = scoringrules.interval_score(target, *quantiles[:, ends].T, 1 - percent / 100)
    found = score(given, [f"interval_score_{percent}"])[f"interval_score_{percent}"]
    assert found == pytest.approx(np.mean(expected), rel=1e-12)


def test_coverage_and_width_of_an_own_interval_are_counted_with_its_borders():
    given = np.array([0.0, 1.0, 2.0, 3.5]), np.zeros(4), np.array([[0, 1], [0, 1], [0, 1], [3, 7]])
    found = score(given, ["coverage_80", "mean_width_80"], (0.1, 0.9))
    assert (found["coverage_80"], found["mean_width_80"]) == (0.75, 7 / 4)


def test_an_own_interval_stands_before_that_of_the_variance():
    given = np.zeros(4), np.full(4, 9.0), np.tile([-1.0, 1.0], (4, 1))
    found = score(given, ["coverage_90", "coverage_50"], (0.05, 0.95), np.full(4, 1e-6))
    # The levels of the 50% interval are not given, so there it is the Gaussian one, far away from the target.
    assert (found["coverage_90"], found["coverage_50"]) == (1.0, 0.0)


def test_levels_that_differ_in_their_last_bits_are_the_same():
    assert 1 - 0.95 != 0.05
    given = np.zeros(4), np.zeros(4), np.tile([-1.0, 1.0], (4, 1))
    assert score(given, ["mean_width_90"], (1 - 0.95, 0.95))["mean_width_90"] == 2.0


def test_quantiles_of_a_normal_distribution_cover_and_score_as_its_moments_do():
    from scipy.stats import norm

    rng = np.random.default_rng(3)
    mean, sd = rng.normal(size=500), rng.uniform(0.5, 2, 500)
    target = rng.normal(mean, sd)
    quantiles = mean[:, None] + sd[:, None] * norm.ppf([0.05, 0.95])
    names = ["coverage_90", "mean_width_90", "interval_score_90"]
    own = score((target, mean, quantiles), names, (0.05, 0.95))
    assert own == pytest.approx(rh.evaluate(target, mean, sd**2, names), rel=1e-12)


def test_weighted_interval_score_of_many_levels_approaches_the_crps():
    from scipy.stats import norm

    target, levels = np.random.default_rng(4).normal(size=50), np.arange(1, 1000) / 1000
    quantiles = np.tile(norm.ppf(levels), (50, 1))
    found = score((target, np.zeros(50), quantiles), "wis", levels)["wis"]
    assert found == pytest.approx(rh.evaluate(target, np.zeros(50), np.ones(50), "crps")["crps"], rel=2e-3)


@pytest.mark.parametrize("levels", [(0.05, 0.95), (0.5,), (0.1, 0.5, 0.95)])
def test_weighted_interval_score_needs_pairs_around_a_median(levels):
    given = np.zeros(4), np.zeros(4), np.zeros((4, len(levels)))
    assert math.isnan(score(given, "wis", levels)["wis"])


def test_levels_of_no_weighted_interval_score_leave_the_other_scores_of_quantiles():
    scores = rh.evaluate([0.0], quantiles=[[-1.0, 1.0]], quantile_levels=[0.05, 0.95], metrics=["wis", "coverage_90"])

    assert math.isnan(scores["wis"])
    assert scores["coverage_90"] == 1.0


def test_a_missing_quantile_drops_its_example_from_every_metric(given):
    target, mean, quantiles = (part[:3].copy() for part in given)
    quantiles[1, 4] = np.nan
    found = score((target, mean, quantiles), ["mae", "pinball"])
    assert (found["n_valid"], found["n_dropped"]) == (2, 1)
    assert found["mae"] == pytest.approx(np.abs(target - mean)[[0, 2]].mean())


def test_by_default_own_quantiles_allow_the_intervals_that_they_are_ends_of(given):
    found = score(given, "default")
    assert {"coverage_50", "coverage_90", "coverage_95", "mean_width_90"} <= set(found)
    assert "nll" not in found


def test_each_output_has_its_own_quantiles(given):
    target, mean, quantiles = given
    two = rh.evaluate(
        np.stack([target, target + 1], 1),
        np.stack([mean, mean], 1),
        metrics="wis",
        quantiles=np.stack([quantiles, quantiles], 1),
        quantile_levels=LEVELS,
    )
    alone = [score((t, mean, quantiles), "wis")["wis"] for t in (target, target + 1)]
    np.testing.assert_allclose(two["wis"], alone)


def test_labelled_quantiles_bring_their_levels(given):
    target, mean, quantiles = given
    labelled = xr.DataArray(quantiles.T, {"quantile": list(LEVELS)}, ("quantile", "example"))
    assert rh.evaluate(target, mean, metrics="wis", quantiles=labelled)["wis"] == score(given, "wis")["wis"]


@pytest.mark.parametrize(
    ("quantiles", "levels", "message"),
    [
        (np.zeros((2, 2)), None, "there are quantiles and no levels"),
        (None, (0.5,), "there are levels and no quantiles"),
        (np.zeros((2, 2)), (0.0, 0.5), "the quantile level 0 is not between 0 and 1"),
        (np.zeros((2, 2)), (0.5, math.nan), "the quantile level nan is not between 0 and 1"),
        (np.zeros((2, 2)), (0.9, 0.5), "do not rise: 0.5 follows 0.9"),
        (np.zeros((2, 2)), (0.1, 0.5, 0.9), r"quantiles is \(2, 2\).*3 levels as the last axis"),
        (np.zeros((2, 0)), (), "there is no quantile level"),
    ],
)
def test_wrong_quantiles_are_refused_with_their_reason(quantiles, levels, message):
    with pytest.raises(rh.InputError, match=message):
        rh.evaluate([0.0, 0.0], [0.0, 0.0], quantiles=quantiles, quantile_levels=levels)


def test_a_metric_of_quantiles_is_refused_without_any():
    with pytest.raises(rh.InputError, match="'wis' needs quantiles, and there are none"):
        rh.evaluate([0.0], [0.0], metrics="wis")


def cube(quantiles, levels):
    n = quantiles.shape[1]
    return xr.Dataset(
        {
            "mean": (DIMS[:3], np.zeros((2, n, 1))),
            "target": (DIMS[1:3], np.zeros((n, 1))),
            "quantiles": (DIMS, quantiles),
        },
        coords={"quantile": levels},
    )


def test_models_of_a_cube_are_scored_by_the_levels_that_each_has():
    quantiles = np.full((2, 5, 1, 5), np.nan)
    quantiles[0, ..., [0, 2, 4]] = np.array([-1, 0, 1])[:, None, None]
    quantiles[1, ..., [1, 3]] = np.array([-3, 3])[:, None, None]
    found = rh.evaluate_cube(cube(quantiles, [0.05, 0.1, 0.5, 0.9, 0.95]), ["mean_width_90", "mean_width_80", "wis"])
    np.testing.assert_array_equal(found["mean_width_90"][:, 0], [2, np.nan])
    np.testing.assert_array_equal(found["mean_width_80"][:, 0], [np.nan, 6])
    assert np.isnan(found["wis"][:, 0]).values.tolist() == [False, True]
    assert (found["n_dropped"] == 0).all()


def test_levels_of_a_cube_may_stand_in_any_order():
    quantiles = np.broadcast_to([3.0, -1.0, 0.0], (2, 5, 1, 3))
    found = rh.evaluate_cube(cube(quantiles, [0.95, 0.05, 0.5]), ["mean_width_90"])
    assert (found["mean_width_90"] == 4.0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.drop_vars("quantile"), "'quantiles' have no coordinate 'quantile'"),
        (lambda c: c.assign_coords(quantile=[0.1, 0.1]), "do not rise"),
        (lambda c: c.assign(quantiles=c["quantiles"].isel(example=0)), "'quantiles' has the dimensions"),
    ],
)
def test_a_cube_with_wrong_quantiles_is_refused_with_its_reason(change, message):
    with pytest.raises(rh.InputError, match=message):
        rh.evaluate_cube(change(cube(np.zeros((2, 5, 1, 2)), [0.1, 0.9])))
