"""Selective prediction: risk against coverage, with ties."""

import math
from fractions import Fraction
from itertools import pairwise, permutations

import numpy as np
import pytest

import regharness as rh

# Errors 1, 2, 3, 4 with the second and third equally certain.
TARGET, MEAN = [1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0]
VARIANCE = [1.0, 2.0, 2.0, 3.0]
INF = math.inf


def score(name, target, mean, variance):
    return rh.evaluate(target, mean, variance, metrics=[name])[name]


def aurc_in_order(losses):
    means = [Fraction(sum(losses[:k]), k) for k in range(1, len(losses) + 1)]
    return sum(means) / len(losses)


def over_orders(statistic, losses, sigma):
    """Average a statistic over every order that sorts sigma."""
    orders = [p for p in permutations(range(len(losses))) if all(sigma[a] <= sigma[b] for a, b in pairwise(p))]
    return float(sum(statistic([Fraction(losses[i]) for i in order]) for order in orders) / len(orders))


@pytest.mark.parametrize(("name", "power"), [("aurc", 2), ("aurc_abs", 1)])
@pytest.mark.parametrize("sigma", [[1, 2, 3, 4, 5], [1, 2, 2, 2, 3], [4, 4, 1, 4, 1], [2, 2, 2, 2, 2]])
def test_aurc_is_the_mean_over_all_orders_of_the_tied(name, power, sigma):
    errors = [3, 1, 4, 1, 5]
    expected = over_orders(aurc_in_order, [e**power for e in errors], sigma)

    assert score(name, errors, np.zeros(5), np.square(sigma)) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(("name", "power"), [("augrc", 2), ("augrc_abs", 1)])
def test_augrc_is_the_trapezoid_under_the_generalised_risk(name, power):
    losses = np.array([1.0, 2.5, 2.5, 4.0]) if power == 1 else np.array([1.0, 6.5, 6.5, 16.0])
    generalised_risk = np.concatenate(([0], np.cumsum(losses) / 4))

    assert score(name, TARGET, MEAN, VARIANCE) == pytest.approx(np.trapezoid(generalised_risk, dx=1 / 4))


def test_aurc_oracle_orders_by_the_loss():
    expected = float(aurc_in_order([1, 4, 9, 16]))

    assert rh.evaluate(TARGET[::-1], MEAN, metrics=["aurc_oracle"])["aurc_oracle"] == pytest.approx(expected)


def test_e_aurc_is_aurc_less_its_oracle():
    scores = rh.evaluate(TARGET, MEAN, [3.0, 1.0, 1.0, 2.0], metrics=["aurc", "aurc_oracle", "e_aurc"])

    assert scores["e_aurc"] == pytest.approx(scores["aurc"] - scores["aurc_oracle"], rel=1e-12)


@pytest.mark.parametrize("name", ["e_aurc", "e_aurc_abs"])
def test_e_aurc_of_a_perfect_ranking_is_exactly_zero(name):
    error = np.random.default_rng(5).normal(size=1000)

    assert score(name, error, np.zeros(1000), np.abs(error)) == 0.0


def test_e_aurc_abs_orders_its_oracle_by_the_absolute_error():
    # Worst order of 1 and 3: (3 + 2)/2 against (1 + 2)/2.
    assert score("e_aurc_abs", [1.0, 3.0], [0.0, 0.0], [2.0, 1.0]) == pytest.approx(1.0)


@pytest.mark.parametrize(("percent", "expected"), [(50, (1 + 6.5) / 2), (70, 14 / 3), (80, 7.5), (90, 7.5), (95, 7.5)])
def test_selective_risk_averages_a_tied_group_that_it_cuts(percent, expected):
    assert score(f"selective_risk_{percent}", TARGET, MEAN, VARIANCE) == pytest.approx(expected)


@pytest.mark.parametrize("n", [1, 2, 3, 20, 100, 180])
@pytest.mark.parametrize("percent", [50, 70, 80, 90, 95])
def test_selective_risk_keeps_the_exact_ceiling_of_the_share(n, percent):
    # The k most certain have a loss of 0, the others of 1: any further example would show.
    k = math.ceil(Fraction(percent * n, 100))
    target = (np.arange(n) >= k).astype(float)

    assert score(f"selective_risk_{percent}", target, np.zeros(n), np.arange(1.0, n + 1)) == 0.0


@pytest.mark.parametrize(
    ("name", "target", "variance", "expected"),
    [
        ("aurc", [3.0], [1.0], 9.0),
        ("augrc", [3.0], [1.0], 4.5),
        ("e_aurc", [3.0], [1.0], 0.0),
        ("selective_risk_50", [3.0], [1.0], 9.0),
        ("aurc", [1.0, 2.0, 3.0], [0.0, 0.0, 0.0], 14 / 3),
        ("aurc", [2.0, 1.0], [INF, 0.0], (1 + 2.5) / 2),
        ("aurc", [1.0, 2.0, 3.0], [INF, INF, INF], 14 / 3),
        ("aurc", [INF, 1.0], [2.0, 1.0], INF),
        ("e_aurc", [INF, 1.0], [2.0, 1.0], math.nan),
    ],
)
def test_edge_case_has_its_stated_value(name, target, variance, expected):
    assert score(name, target, np.zeros(len(target)), variance) == pytest.approx(expected, rel=1e-13, nan_ok=True)
