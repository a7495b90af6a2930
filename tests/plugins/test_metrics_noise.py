"""Scores that know the variance of the measurement."""

import math

import numpy as np
import pytest

import regharness as rh
from regharness.interfaces import Evidence

INF, NAN = math.inf, math.nan
OF_NOISE = ["excess_risk", "deconvolved_r2", "deconvolved_pearson_r", "noise_z_mean_square"]


def score(name, target, mean, noise, variance=None):
    return rh.evaluate(target, mean, variance, metrics=[name], noise_variance=noise)[name]


@pytest.fixture(scope="module")
def measured():
    """A noiseless activity, a measurement of it and a prediction of it."""
    rng = np.random.default_rng(0)
    activity = rng.normal(size=100_000)
    noise = rng.gamma(2, 0.5, activity.size)
    target = activity + rng.normal(size=activity.size) * np.sqrt(noise)
    return activity, target, 0.8 * activity + 0.3 * rng.normal(size=activity.size), noise


def test_excess_risk_is_the_risk_against_the_noiseless_activity(measured):
    activity, target, mean, noise = measured

    assert score("excess_risk", target, mean, noise) == pytest.approx(np.mean((activity - mean) ** 2), abs=0.02)


def test_excess_risk_of_the_truth_is_zero_and_that_of_the_measurement_itself_below(measured):
    activity, target, _, noise = measured

    assert score("excess_risk", target, activity, noise) == pytest.approx(0, abs=0.02)
    assert score("excess_risk", target, target, noise) == -noise.mean()


def test_deconvolved_r2_is_that_of_the_noiseless_activity(measured):
    activity, target, mean, noise = measured
    expected = rh.evaluate(activity, mean, metrics=["r2"])["r2"]

    assert score("deconvolved_r2", target, mean, noise) == pytest.approx(expected, abs=0.02)


def test_deconvolved_correlation_is_that_of_the_noiseless_activity(measured):
    activity, target, mean, noise = measured
    expected = np.corrcoef(activity, mean)[0, 1]

    assert score("deconvolved_pearson_r", target, mean, noise) == pytest.approx(expected, abs=0.01)


def test_scores_of_known_noise_by_hand():
    # var(y) 1, mean(v) 1/4, mse 1/2, r = 1 / sqrt(1 * 1.5) for mu of variance 1.5 and covariance 1.
    target, mean, noise = [1.0, -1.0, 1.0, -1.0], [0.0, 0.0, 2.0, -2.0], [0.5, 0.0, 0.25, 0.25]
    r = 1 / math.sqrt(2)

    assert score("excess_risk", target, mean, noise) == 1 - 0.25
    assert score("deconvolved_r2", target, mean, noise) == pytest.approx(1 - 0.75 / 0.75, abs=1e-15)
    assert score("deconvolved_pearson_r", target, mean, noise) == pytest.approx(r / math.sqrt(0.75))


@pytest.mark.parametrize(("name", "without"), [("deconvolved_r2", "r2"), ("deconvolved_pearson_r", "pearson_r")])
def test_without_noise_nothing_is_taken_off(name, without):
    rng = np.random.default_rng(1)
    target, mean = rng.normal(size=(2, 50))
    expected = rh.evaluate(target, mean, metrics=[without])[without]

    assert score(name, target, mean, np.zeros(50)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["deconvolved_r2", "deconvolved_pearson_r"])
@pytest.mark.parametrize(("target", "noise"), [
    ([1.0, -1.0], [1.0, 1.0]), ([1.0, -1.0], [3.0, 3.0]),
    ([0.1] * 3, [0.0] * 3), ([2.0], [0.0]), ([1.0, 2.0], [INF, 0]),
])  # fmt: skip
def test_targets_that_vary_no_more_than_their_noise_have_no_deconvolved_score(name, target, noise):
    assert math.isnan(score(name, target, np.arange(len(target)), noise))


def test_constant_prediction_has_no_deconvolved_correlation():
    assert math.isnan(score("deconvolved_pearson_r", [1.0, 2.0], [0.1, 0.1], [0.0, 0.0]))


def test_correlation_above_one_is_left_so():
    assert score("deconvolved_pearson_r", [1.0, -1.0], [1.0, -1.0], [0.75, 0.75]) == pytest.approx(2.0)


def test_z_with_noise_adds_the_variances():
    assert score("noise_z_mean_square", [1.0, 3.0], [0.0, 0.0], [1.0, 0.0], [1.0, 9.0]) == pytest.approx(0.75)


def test_z_with_noise_leaves_out_what_is_certain_in_all():
    assert score("noise_z_mean_square", [2.0, 3.0], [0.0, 0.0], [1.0, 0.0], [3.0, 0.0]) == 1.0
    assert math.isnan(score("noise_z_mean_square", [2.0], [0.0], [0.0], [0.0]))


@pytest.mark.parametrize("name", OF_NOISE)
def test_examples_of_unknown_noise_are_left_out_of_these_metrics_alone(name):
    target, mean, variance = [1.0, -1.0, 4.0, 7.0], [0.5, 0.0, 3.0, 0.0], [1.0, 2.0, 1.0, 1.0]
    scores = rh.evaluate(target, mean, variance, metrics=[name], noise_variance=[0.5, 0.1, 0.2, NAN])

    assert scores["n_valid"] == 4
    assert scores[name] == score(name, target[:3], mean[:3], [0.5, 0.1, 0.2], variance[:3])


@pytest.mark.parametrize("name", OF_NOISE)
def test_without_any_known_noise_there_is_no_score(name):
    assert math.isnan(score(name, [1.0, 2.0], [0.0, 1.0], [NAN, NAN], [1.0, 1.0]))


@pytest.mark.parametrize("name", [*OF_NOISE, "crps_fair", "crps_mixture", "crps_ensemble"])
def test_metric_is_a_function_of_the_means_of_its_terms(name):
    rng = np.random.default_rng(4)
    target, mean, noise = rng.normal(50, 1, size=60), rng.normal(50, 1, size=60), rng.uniform(0, 0.2, 60)
    noise[::7] = NAN
    members = {"members": rng.normal(size=(60, 3)), "member_variance": rng.gamma(1, 1, (60, 3))}
    evidence = Evidence(target, mean, rng.gamma(1, 1, 60), noise_variance=noise, **members)
    metric = rh.metric(name)

    assert metric.of_means(metric.terms(evidence).mean(axis=1)) == pytest.approx(
        metric.score_evidence(evidence), rel=1e-9
    )
