"""What withholding the least certain predictions saves."""

import math
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest

import regharness as rh

INF = math.inf


def score(name, target, mean, variance):
    return rh.evaluate(target, mean, variance, metrics=[name])[name]


def drawn(n=300, seed=0):
    rng = np.random.default_rng(seed)
    sigma = rng.integers(1, 8, n) / 4
    return rng.normal(size=n) * sigma, np.zeros(n), sigma**2


def test_aurg_is_the_area_of_a_random_order_less_that_of_the_order_by_sigma():
    scores = rh.evaluate(*drawn(), metrics=["aurg", "aurc", "mse"])

    assert scores["aurg"] == pytest.approx(scores["mse"] - scores["aurc"], rel=1e-12)


def test_mean_loss_is_the_area_of_a_random_order():
    losses = [1, 4, 9, 25]
    orders = [[Fraction(losses[i]) for i in order] for order in permutations(range(4))]
    areas = [sum(sum(order[:k]) / k for k in range(1, 5)) / 4 for order in orders]

    assert float(sum(areas) / len(areas)) == np.mean(losses)


@pytest.mark.parametrize("suffix", ["", "_abs"])
def test_prr_is_the_share_of_what_the_oracle_saves(suffix):
    losses = np.abs(drawn()[0]) ** (1 if suffix else 2)
    oracle = np.mean(np.cumsum(np.sort(losses)) / np.arange(1, 301))
    scores = rh.evaluate(*drawn(), metrics=[f"aurc{suffix}", f"prr{suffix}"])

    expected = (losses.mean() - scores[f"aurc{suffix}"]) / (losses.mean() - oracle)
    assert scores[f"prr{suffix}"] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("name", ["prr", "prr_abs"])
def test_prr_of_a_perfect_ranking_is_one(name):
    error = np.random.default_rng(2).normal(size=500)

    assert score(name, error, np.zeros(500), np.abs(error)) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize(("name", "expected"), [("aurg", 0.0), ("prr", 0.0), ("prr_abs", 0.0)])
def test_one_sigma_for_all_saves_exactly_nothing(name, expected):
    assert score(name, [0.1, 0.7, 0.3], [0.0, 0.0, 0.0], [2.0, 2.0, 2.0]) == expected


@pytest.mark.parametrize("n", [1, 3, 7])
def test_prr_of_equal_losses_is_not_there(n):
    assert math.isnan(score("prr", [0.1] * n, [0.0] * n, np.arange(n) // 2))


@pytest.mark.parametrize("name", ["aurg", "prr"])
def test_infinite_loss_leaves_no_gain(name):
    assert math.isnan(score(name, [INF, 1.0], [0.0, 0.0], [1.0, 2.0]))


def test_ause_is_the_excess_area_of_the_absolute_error():
    scores = rh.evaluate(*drawn(), metrics=["ause", "e_aurc_abs"])

    assert scores["ause"] == scores["e_aurc_abs"]


def test_risk_coverage_curve_passes_through_the_selective_risks():
    percents = (50, 70, 80, 90, 95)
    curve = score("risk_coverage_curve", *drawn(37))
    risks = rh.evaluate(*drawn(37), metrics=[f"selective_risk_{percent}" for percent in percents])

    assert [curve[percent // 5 - 1] for percent in percents] == [risks[f"selective_risk_{p}"] for p in percents]


def test_risk_coverage_curve_ends_at_the_mean_squared_error():
    assert score("risk_coverage_curve", *drawn())[-1] == pytest.approx(score("mse", *drawn()), rel=1e-12)


def test_retained_fractions_are_exactly_twentieths():
    metric = rh.metric("risk_coverage_curve")

    assert (metric.dimension, metric.labels) == ("retained_fraction", tuple(j / 20 for j in range(1, 21)))


def test_risk_coverage_curve_of_one_example_is_its_loss_everywhere():
    np.testing.assert_array_equal(score("risk_coverage_curve", [3.0], [1.0], [1.0]), [4.0] * 20)


def test_risk_coverage_curve_flattens_a_tied_group():
    # Losses 1, and 4 and 9 tied: of two retained the second counts 6.5.
    curve = score("risk_coverage_curve", [1.0, 3.0, 2.0], [0.0, 0.0, 0.0], [1.0, 2.0, 2.0])

    assert curve[[5, 6, 12, 13, 19]] == pytest.approx([1.0, 3.75, 3.75, 14 / 3, 14 / 3])
