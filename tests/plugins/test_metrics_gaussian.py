"""Scores of the Gaussian predictive distribution, its intervals and its calibration."""

import math

import numpy as np
import pytest
import scoringrules
from scipy import integrate, stats

import regharness as rh

NAN, INF = math.nan, math.inf


@pytest.fixture(scope="module")
def predictions():
    rng = np.random.default_rng(11)
    mean = rng.normal(size=703)
    variance = rng.gamma(1.5, 1.0, 703)
    variance[:40] *= 1e-12
    return mean + rng.standard_t(2, 703) * np.sqrt(variance), mean, variance


def score(name, target, mean, variance):
    return rh.evaluate(target, mean, variance, metrics=[name])[name]


def test_nll_is_the_mean_negative_log_density(predictions):
    target, mean, variance = predictions
    expected = -math.fsum(stats.norm.logpdf(target, mean, np.sqrt(variance))) / target.size

    assert score("nll", *predictions) == pytest.approx(expected, rel=1e-12)


def test_crps_agrees_with_scoringrules(predictions):
    target, mean, variance = predictions
    expected = np.mean(scoringrules.crps_normal(target, mean, np.sqrt(variance)))

    assert score("crps", *predictions) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("percent", range(5, 100, 5))
def test_coverage_counts_targets_between_the_quantiles(predictions, percent):
    target, mean, variance = predictions
    lower, upper = stats.norm.interval(percent / 100, mean, np.sqrt(variance))

    assert score(f"coverage_{percent}", *predictions) == np.mean((lower <= target) & (target <= upper))


@pytest.mark.parametrize("percent", range(5, 100, 5))
def test_mean_width_is_the_mean_distance_of_the_quantiles(predictions, percent):
    _, mean, variance = predictions
    lower, upper = stats.norm.interval(percent / 100, mean, np.sqrt(variance))

    assert score(f"mean_width_{percent}", *predictions) == pytest.approx(np.mean(upper - lower), rel=1e-12)


@pytest.mark.parametrize("percent", [50, 80, 90, 95])
def test_interval_score_agrees_with_scoringrules(predictions, percent):
    target, mean, variance = predictions
    bounds = stats.norm.interval(percent / 100, mean, np.sqrt(variance))
    expected = np.mean(scoringrules.interval_score(target, *bounds, 1 - percent / 100))

    assert score(f"interval_score_{percent}", *predictions) == pytest.approx(expected, rel=1e-11)


def test_target_on_the_border_of_an_interval_is_covered():
    border = stats.norm.ppf((1 + 0.9) / 2)

    assert score("coverage_90", [border, -border], [0.0, 0.0], [1.0, 1.0]) == 1.0


def test_miscalibration_area_is_the_integral_between_curve_and_diagonal(predictions):
    target, mean, variance = (part[:30] for part in predictions)
    pit = np.sort(stats.norm.cdf(target, mean, np.sqrt(variance)))
    pieces = [
        integrate.quad(lambda p, level: abs(level - p), low, high, args=(i / 30,), points=[i / 30])[0]
        for i, (low, high) in enumerate(zip([0, *pit], [*pit, 1], strict=True))
        if high > low
    ]

    assert score("miscalibration_area", target, mean, variance) == pytest.approx(sum(pieces), rel=1e-9)


def test_calibration_error_sums_squared_gaps_at_nineteen_levels(predictions):
    target, mean, variance = predictions
    gaps = [j / 20 - np.mean(target <= stats.norm.ppf(j / 20, mean, np.sqrt(variance))) for j in range(1, 20)]

    assert score("calibration_error_kuleshov", *predictions) == pytest.approx(math.fsum(np.square(gaps)))


def test_ence_averages_the_relative_gap_of_ten_bins_by_sigma(predictions):
    target, mean, variance = predictions
    bins = np.array_split(np.argsort(variance, kind="stable"), 10)
    spread = [np.sqrt(np.mean(variance[b])) for b in bins]
    error = [np.sqrt(np.mean((target[b] - mean[b]) ** 2)) for b in bins]
    expected = np.mean([abs(s - e) / s for s, e in zip(spread, error, strict=True)])

    assert score("ence", *predictions) == pytest.approx(expected, rel=1e-11)


def test_biased_prediction_shifts_the_calibration_curve_to_the_right_side():
    # Every target lies one sigma above its mean, so no p below Phi(1) = 0.8413 has a target under it.
    expected = sum((j / 20) ** 2 for j in range(1, 17)) + sum((j / 20 - 1) ** 2 for j in range(17, 20))

    assert score("calibration_error_kuleshov", np.ones(9), np.zeros(9), np.ones(9)) == pytest.approx(expected)


CRPS_OF_EXACT = (math.sqrt(2) - 1) / math.sqrt(math.pi)


@pytest.mark.parametrize(
    ("name", "target", "mean", "variance", "expected"),
    [
        ("nll", [1.0], [0.0], [0.0], INF),
        ("nll", [1.0], [1.0], [0.0], NAN),
        ("nll", [1.0, 1.0], [0.0, 1.0], [0.0, 0.0], NAN),
        ("nll", [1.0], [0.0], [INF], INF),
        ("nll", [0.0], [0.0], [1.0], math.log(2 * math.pi) / 2),
        ("nll", [1e-150], [0.0], [1e-300], math.log(1e-150) + 0.5 + math.log(2 * math.pi) / 2),
        ("crps", [3.0, -1.0], [1.0, 1.0], [0.0, 0.0], 2.0),
        ("crps", [1.0], [1.0], [0.0], 0.0),
        ("crps", [1.0], [0.0], [-0.0], 1.0),
        ("crps", [1.0], [0.0], [INF], INF),
        ("crps", [0.0], [0.0], [4.0], 2 * CRPS_OF_EXACT),
        ("crps", [1e-150], [1e-150], [1e-300], 1e-150 * CRPS_OF_EXACT),
        ("crps", [1.0], [0.0], [5e-324], 1.0),
        ("coverage_50", [1.0, 1.0], [1.0, 0.0], [0.0, 0.0], 0.5),
        ("coverage_50", [1e9], [0.0], [INF], 1.0),
        ("mean_width_90", [0.0], [0.0], [0.0], 0.0),
        ("mean_width_90", [0.0, 0.0], [0.0, 0.0], [INF, 1.0], INF),
        ("interval_score_90", [3.0], [1.0], [0.0], 40.0),
        ("interval_score_90", [3.0], [1.0], [INF], INF),
        ("z_mean", [2.0, 9.0, 5.0], [0.0, 0.0, 5.0], [4.0, INF, 0.0], 0.5),
        ("z_mean_square", [2.0, 9.0, 5.0], [0.0, 0.0, 1.0], [1.0, INF, 0.0], 2.0),
        ("z_mean_square", [1.0, 2.0], [1.0, 3.0], [0.0, 0.0], NAN),
        ("z_var", [1.0, 3.0, 9.0], [0.0, 0.0, 0.0], [1.0, 1.0, 0.0], 1.0),
        ("z_var", [1.0], [0.0], [1.0], 0.0),
        ("sharpness", [0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 7.0, 0.0], 2.0),
        ("sharpness", [0.0], [0.0], [0.0], NAN),
        ("dispersion", [0.0, 0.0], [0.0, 0.0], [1.0, 9.0], math.sqrt(2) / 2),
        ("dispersion", [0.0] * 3, [0.0] * 3, [0.1] * 3, 0.0),
        ("dispersion", [0.0], [0.0], [1.0], NAN),
        ("dispersion", [0.0] * 3, [0.0] * 3, [1.0, 2.0, INF], NAN),
        ("spread_skill", [2.0, -2.0], [0.0, 0.0], [1.0, 1.0], 0.5),
        ("spread_skill", [0.0], [0.0], [1.0], INF),
        ("miscalibration_area", [1.0], [1.0], [0.0], 0.25),
        ("miscalibration_area", [1.0], [0.0], [0.0], 0.5),
        ("miscalibration_area", [9.0], [0.0], [INF], 0.25),
        (
            "calibration_error_kuleshov",
            [1.0],
            [1.0],
            [0.0],
            2 * sum((j / 20) ** 2 for j in range(1, 10)) + 0.25,
        ),
        ("ence", [2.0, 3.0], [0.0, 0.0], [1.0, 4.0], (1 + 0.5) / 2),
        ("ence", [1.0], [0.0], [0.0], INF),
        ("ence", [0.0], [0.0], [0.0], NAN),
        ("ence", [3.0], [0.0], [INF], NAN),
        ("spearman_error_sigma", [1.0, -2.0, 3.0], [0.0] * 3, [1.0, 2.0, 3.0], 1.0),
        ("spearman_error_sigma", [1.0, -2.0, 3.0], [0.0] * 3, [0.1] * 3, NAN),
        ("spearman_error_sigma", [1.0], [0.0], [1.0], NAN),
    ],
)
def test_edge_case_has_its_stated_value(name, target, mean, variance, expected):
    assert score(name, target, mean, variance) == pytest.approx(expected, rel=1e-12, nan_ok=True, abs=1e-300)


def test_float32_variance_is_scored_as_its_exact_value(predictions):
    target, mean, variance = (part.astype(np.float32) for part in predictions)
    expected = np.mean(
        scoringrules.crps_normal(
            target.astype(np.float64), mean.astype(np.float64), np.sqrt(variance.astype(np.float64))
        )
    )

    assert score("crps", target, mean, variance) == pytest.approx(expected, rel=1e-12)
