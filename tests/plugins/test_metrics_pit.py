"""The probability integral transform and calibration curves."""

import math

import numpy as np
import pytest
from scipy.stats import chisquare, cramervonmises, kstest, norm, wasserstein_distance

import regharness as rh
from regharness.interfaces import Evidence

INF = math.inf
PIT = ["pit_mean", "pit_var", "pit_ks", "pit_cvm", "pit_chi2"]


def score(name, target, mean, variance):
    return rh.evaluate(target, mean, variance, metrics=[name])[name]


@pytest.fixture(params=[1, 2, 3, 250])
def drawn(request):
    rng = np.random.default_rng(request.param)
    n = request.param
    return rng.normal(0.3, 1.5, n), rng.normal(size=n), rng.gamma(2, 1, n)


def transform(target, mean, variance):
    return norm.cdf(target, mean, np.sqrt(variance))


def test_pit_moments_are_those_of_the_normal_distribution_function(drawn):
    u = transform(*drawn)

    assert score("pit_mean", *drawn) == pytest.approx(u.mean(), rel=1e-12)
    assert score("pit_var", *drawn) == pytest.approx(np.var(u), rel=1e-12, abs=1e-15)


def test_pit_ks_is_the_statistic_of_scipy(drawn):
    assert score("pit_ks", *drawn) == pytest.approx(kstest(transform(*drawn), "uniform").statistic, rel=1e-12)


def test_pit_cvm_is_the_statistic_of_scipy():
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=90), rng.normal(size=90), rng.gamma(2, 1, 90)

    expected = cramervonmises(transform(*drawn), "uniform").statistic
    assert score("pit_cvm", *drawn) == pytest.approx(expected, rel=1e-12)


def test_pit_cvm_of_one_example_adds_its_distance_from_the_middle():
    # u is Phi(1).
    expected = 1 / 12 + (norm.cdf(1) - 0.5) ** 2

    assert score("pit_cvm", [3.0], [1.0], [4.0]) == pytest.approx(expected, rel=1e-12)


def test_pit_chi2_is_the_statistic_of_scipy(drawn):
    counts = np.histogram(transform(*drawn), bins=10, range=(0, 1))[0]

    assert score("pit_chi2", *drawn) == pytest.approx(chisquare(counts).statistic, rel=1e-12)


def test_pit_histogram_holds_the_share_of_each_bin(drawn):
    counts = np.histogram(transform(*drawn), bins=10, range=(0, 1))[0]

    np.testing.assert_allclose(score("pit_histogram", *drawn), counts / counts.sum(), rtol=1e-12)


def test_pit_histogram_is_labelled_by_the_middles_of_its_bins():
    assert rh.metric("pit_histogram").labels == (0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95)


@pytest.mark.parametrize(("target", "variance", "bin"), [
    (0.0, 1.0, 5), (0.0, 0.0, 5), (7.0, INF, 5), (2.0, 0.0, 9), (-2.0, 0.0, 0), (INF, 1.0, 9), (-INF, 1.0, 0),
])  # fmt: skip
def test_edge_of_the_pit_belongs_to_the_bin_above_it_but_for_the_last(target, variance, bin):
    assert np.flatnonzero(score("pit_histogram", [target], [0.0], [variance])).tolist() == [bin]


def test_target_that_the_model_calls_all_but_impossible_is_told_from_one_in_double_precision():
    # 1 - Phi(6) is 1e-9, which float32 cannot tell from 0.
    target = np.float32([6.0])

    assert 1 - score("pit_mean", target, np.float32([0.0]), np.float32([1.0])) == pytest.approx(norm.sf(6), rel=1e-6)


@pytest.mark.parametrize(("name", "expected"), [
    ("pit_mean", 0.5), ("pit_var", 0.0), ("pit_ks", 0.5), ("pit_chi2", 27.0), ("pit_cvm", 1 / 36 + 2 / 9),
])  # fmt: skip
def test_certain_models_without_an_error_have_every_pit_at_a_half(name, expected):
    # (1/6 - 1/2)^2 twice; one full bin of ten: (3 - 0.3)^2 / 0.3 + 9 * 0.3.
    assert score(name, [0.1] * 3, [0.1] * 3, [0.0] * 3) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", [*PIT, "pit_histogram"])
def test_error_that_is_not_a_number_leaves_no_pit(name):
    assert np.isnan(score(name, [INF, 1.0], [INF, 0.0], [1.0, 1.0])).all()


def test_calibrated_model_reaches_the_target_values():
    rng = np.random.default_rng(3)
    n = 100_000
    scores = rh.evaluate(rng.normal(size=n), np.zeros(n), np.ones(n), metrics=PIT)

    assert scores["pit_mean"] == pytest.approx(rh.metric("pit_mean").direction, abs=5e-3)
    assert scores["pit_var"] == pytest.approx(rh.metric("pit_var").direction, abs=5e-3)
    assert scores["pit_chi2"] < 30


def test_calibration_curve_is_the_share_below_each_quantile(drawn):
    target, mean, variance = drawn
    levels = rh.metric("calibration_curve").labels
    expected = [np.mean(target <= norm.ppf(p, mean, np.sqrt(variance))) for p in levels]

    np.testing.assert_array_equal(score("calibration_curve", *drawn), expected)


@pytest.mark.parametrize("name", ["calibration_curve", "interval_calibration_curve"])
def test_levels_of_a_calibration_curve_are_exactly_twentieths(name):
    metric = rh.metric(name)

    assert (metric.dimension, metric.labels) == ("level", tuple(j / 20 for j in range(1, 20)))


def test_calibration_curve_of_targets_above_every_quantile_is_zero():
    assert not score("calibration_curve", [1.0, 2.0], [0.0, 0.0], [0.0, 0.0]).any()


def test_calibration_curve_of_a_certain_model_without_an_error_steps_at_the_median():
    np.testing.assert_array_equal(score("calibration_curve", [1.0], [1.0], [0.0]), [0] * 9 + [1] * 10)


def test_interval_calibration_curve_is_made_of_coverages(drawn):
    names = [f"coverage_{percent}" for percent in range(5, 100, 5)]
    coverages = rh.evaluate(*drawn, metrics=names)

    np.testing.assert_array_equal(score("interval_calibration_curve", *drawn), [coverages[name] for name in names])


def test_area_of_intervals_is_the_distance_of_their_levels_to_uniform(drawn):
    target, mean, variance = drawn
    level = 2 * norm.cdf(np.abs(target - mean) / np.sqrt(variance)) - 1
    fine = (np.arange(100_000) + 0.5) / 100_000

    assert score("miscalibration_area_interval", *drawn) == pytest.approx(wasserstein_distance(level, fine), abs=1e-5)


@pytest.mark.parametrize(("target", "variance", "expected"), [
    ([1.0], [0.0], 0.5), ([0.0], [0.0], 0.5), ([0.0, 1.0], [0.0, 0.0], 0.25), ([5.0], [INF], 0.5),
])  # fmt: skip
def test_area_of_intervals_at_the_ends_of_certainty(target, variance, expected):
    # Levels of 0 or 1 alone: the integral of c, or of 1 - c; of both, that of |1/2 - c|.
    assert score("miscalibration_area_interval", target, np.zeros(len(target)), variance) == pytest.approx(expected)


def test_area_of_intervals_does_not_see_errors_of_one_sign():
    rng = np.random.default_rng(1)
    error = np.abs(rng.normal(size=20_000))
    areas = rh.evaluate(
        error, np.zeros(20_000), np.ones(20_000), ["miscalibration_area", "miscalibration_area_interval"]
    )

    assert areas["miscalibration_area"] == pytest.approx(0.25, abs=5e-3)
    assert areas["miscalibration_area_interval"] < 0.01


@pytest.mark.parametrize(("n", "spread", "tolerance"), [(40, 0.0, 0.01), (1000, 0.0, 0.01), (400, 1.0, 0.05)])
def test_ence_reference_is_what_calibrated_models_score(n, spread, tolerance):
    rng = np.random.default_rng(n)
    sigma = np.exp(spread * rng.normal(size=n))
    targets = (rng.normal(size=(4000, n)) * sigma).T
    wide = np.broadcast_to(sigma[:, None] ** 2, targets.shape)
    simulated = rh.evaluate(targets, np.zeros_like(targets), wide, metrics=["ence"])["ence"].mean()

    assert score("ence_reference", targets[:, 0], np.zeros(n), sigma**2) == pytest.approx(simulated, rel=tolerance)


def test_ence_reference_of_one_example_is_the_mean_distance_of_a_half_normal_number_from_one():
    # E|1 - |x|| = 1 - m + 2 E(|x| - 1)+, with m = E|x| and E(|x| - 1)+ = 2 (phi(1) - (1 - Phi(1))).
    expected = 1 - math.sqrt(2 / math.pi) + 4 * (norm.pdf(1) - norm.sf(1))

    assert score("ence_reference", [3.0], [0.0], [5.0]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("variance", [[0.0, 0.0], [1.0, INF]])
def test_ence_reference_without_a_spread_of_errors_is_not_there(variance):
    assert math.isnan(score("ence_reference", [1.0, 2.0], [0.0, 0.0], variance))


def test_quantiles_of_a_gaussian_model_give_its_curves(drawn):
    target, mean, variance = drawn
    levels = [j / 40 for j in range(1, 40)]
    quantiles = norm.ppf(levels, mean[:, None], np.sqrt(variance)[:, None])
    names = ["calibration_curve", "interval_calibration_curve", "calibration_error_kuleshov"]
    own = rh.evaluate(target, metrics=names, quantiles=quantiles, quantile_levels=levels)

    for name in names:
        np.testing.assert_allclose(own[name], score(name, *drawn), rtol=1e-12, err_msg=name)


def test_terms_of_quantiles_have_the_means_that_the_calibration_error_takes(drawn):
    target, levels = drawn[0], tuple(j / 20 for j in range(1, 20))
    evidence = Evidence(target, quantiles=np.add.outer(drawn[1], levels), levels=levels)
    metric = rh.metric("calibration_error_kuleshov")

    assert metric.of_means(metric.terms(evidence).mean(axis=1)) == pytest.approx(metric.score_evidence(evidence))


def test_a_quantile_counts_as_at_most_itself():
    levels = [j / 20 for j in range(1, 20)]
    curve = rh.evaluate([0.0], metrics="calibration_curve", quantiles=[np.arange(-9.0, 10.0)], quantile_levels=levels)

    np.testing.assert_array_equal(curve["calibration_curve"], [0] * 9 + [1] * 10)
