"""Error and association of the predicted mean."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

import regharness as rh

NAN, INF = math.nan, math.inf
POINT = ["mse", "affine_mse", "rmse", "mae", "medae", "max_abs_error", "bias", "r2", "pearson_r", "spearman_rho", "ccc"]


@pytest.fixture(scope="module")
def heavy_tailed():
    rng = np.random.default_rng(7)
    target = rng.standard_t(1.5, 501)
    return target, target + rng.standard_t(1.5, 501)


def score(name, target, mean):
    return rh.evaluate(target, mean, metrics=[name])[name]


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("mse", sk.mean_squared_error),
        ("affine_mse", lambda y, mu: np.polyfit(mu, y, 1, full=True)[1].item() / y.size),
        ("rmse", sk.root_mean_squared_error),
        ("mae", sk.mean_absolute_error),
        ("medae", sk.median_absolute_error),
        ("max_abs_error", sk.max_error),
        ("r2", sk.r2_score),
        ("pearson_r", lambda y, mu: stats.pearsonr(y, mu).statistic),
        ("spearman_rho", lambda y, mu: stats.spearmanr(y, mu).statistic),
        ("bias", lambda y, mu: math.fsum(mu - y) / y.size),
        (
            "ccc",
            lambda y, mu: 2 * np.cov(y, mu, ddof=0)[0, 1] / (y.var() + mu.var() + (y.mean() - mu.mean()) ** 2),
        ),
    ],
)
def test_metric_of_the_mean_agrees_with_an_independent_library(heavy_tailed, name, reference):
    assert score(name, *heavy_tailed) == pytest.approx(reference(*heavy_tailed), rel=1e-11)


def test_an_offset_and_a_gain_leave_no_affine_error():
    mean = [0.0, 1.0, 2.0, 5.0]

    assert score("affine_mse", [3.0 + 2.0 * value for value in mean], mean) == pytest.approx(0.0, abs=1e-12)


def test_spearman_gives_ties_their_average_rank():
    target, mean = [1.0, 2.0, 2.0, 4.0, 4.0], [3.0, 3.0, 5.0, 1.0, 9.0]

    assert score("spearman_rho", target, mean) == pytest.approx(stats.spearmanr(target, mean).statistic)


@pytest.mark.parametrize("name", ["pearson_r", "spearman_rho"])
@pytest.mark.parametrize("flipped", [False, True])
def test_correlation_with_a_repeated_tenth_is_nan(name, flipped):
    sides = [np.full(30, 0.1), np.arange(30.0)]

    assert math.isnan(score(name, *(sides[::-1] if flipped else sides)))


@pytest.mark.parametrize(
    ("name", "target", "mean", "expected"),
    [
        ("r2", [0.1, 0.1, 0.1], [0.1, 0.2, 0.3], -INF),
        ("r2", [0.1, 0.1, 0.1], [0.1, 0.1, 0.1], NAN),
        ("r2", [1.0], [2.0], NAN),
        ("r2", [1.0], [1.0], NAN),
        ("r2", [1.0, 3.0], [2.0, 2.0], 0.0),
        ("r2", [0.0, 2.0], [2.0, 0.0], -3.0),
        ("pearson_r", [1.0], [2.0], NAN),
        ("pearson_r", [1.0, 2.0], [5.0, 3.0], -1.0),
        ("spearman_rho", [1.0], [2.0], NAN),
        ("spearman_rho", [1.0, 2.0, 3.0], [1.0, 3.0, 2.0], 0.5),
        ("ccc", [0.1, 0.1, 0.1], [1.0, 2.0, 3.0], 0.0),
        ("ccc", [1.0, 2.0, 3.0], [0.1, 0.1, 0.1], NAN),
        ("ccc", [0.1, 0.1], [0.3, 0.3], NAN),
        ("ccc", [1.0], [2.0], NAN),
        ("ccc", [1.0, 3.0], [2.0, 4.0], 2 / 3),
        ("mse", [1.0], [4.0], 9.0),
        ("medae", [0.0, 0.0, 0.0, 0.0], [1.0, -2.0, 4.0, 8.0], 3.0),
        ("bias", [1.0, 1.0], [2.0, 4.0], 2.0),
        ("mae", [INF, 0.0], [0.0, 0.0], INF),
        ("mse", [1e200, 0.0], [0.0, 0.0], INF),
        ("pearson_r", [1e200, 0.0, -1e200], [1e-200, 0.0, -1e-200], 1.0),
        ("pearson_r", [INF, 0.0, 1.0], [1.0, 2.0, 3.0], NAN),
        ("spearman_rho", [INF, 0.0, 1.0], [3.0, 1.0, 2.0], 1.0),
    ],
)
def test_edge_case_has_its_stated_value(name, target, mean, expected):
    assert score(name, target, mean) == pytest.approx(expected, rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", POINT)
def test_float32_with_a_large_offset_loses_no_precision(name):
    rng = np.random.default_rng(3)
    # Multiples of 1/8 below 2^20 are exact in float32, so moving both sides changes no difference.
    target, mean = rng.integers(-40, 40, (2, 1000)) / 8
    offset = 2.0**20
    shifted = score(name, (target + offset).astype(np.float32), (mean + offset).astype(np.float32))

    assert shifted == pytest.approx(score(name, target, mean), rel=1e-10)
