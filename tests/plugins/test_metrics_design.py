"""Choice of elements: regret and enrichment."""

import math
from itertools import pairwise, permutations

import numpy as np
import pytest

import regharness as rh


def score(name, target, mean, **parameters):
    return rh.metric(name, **parameters).score(np.array(target, float), np.array(mean, float), None)


def over_orders(statistic, *values):
    """Mean of a statistic of the order by each of the values, from high to low, over every order of their ties."""
    orders = [[p for p in permutations(range(len(v))) if all(v[a] >= v[b] for a, b in pairwise(p))] for v in values]
    found = [statistic(*chosen) for chosen in ([(p,) for p in orders[0]] if len(orders) == 1 else
             [(p, q) for p in orders[0] for q in orders[1]])]  # fmt: skip
    return sum(found) / len(found)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6, 9])
@pytest.mark.parametrize("mean", [[6, 5, 4, 3, 2, 1], [2, 2, 2, 2, 2, 2], [3, 1, 1, 1, 3, 1], [1, 1, 2, 2, 2, 0]])
def test_regret_is_its_mean_over_all_orders_of_the_tied(mean, k):
    target = [1.0, 5.0, 2.0, 2.0, 0.5, 9.0]
    expected = over_orders(lambda order: max(target) - max(target[i] for i in order[:k]), mean)

    assert score("regret_at_k", target, mean, k=k) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("percent", [10, 20, 50, 70, 100])
@pytest.mark.parametrize("mean", [[6, 5, 4, 3, 2, 1], [2, 2, 2, 2, 2, 2], [3, 1, 1, 1, 3, 1]])
def test_enrichment_is_its_mean_over_all_orders_of_the_tied(mean, percent):
    target = [1.0, 5.0, 2.0, 2.0, 0.5, 2.0]
    k = math.ceil(percent * 6 / 100)
    expected = over_orders(lambda p, q: len({*p[:k]} & {*q[:k]}) / k / (k / 6), target, mean)

    assert score("enrichment_at_k", target, mean, percent=percent) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_ten_elements_are_tested_and_five_percent_are_the_best_if_nothing_else_is_said():
    target = np.arange(100.0)
    mean = np.where(target >= 95, -1.0, target)

    assert rh.evaluate(target, mean, metrics=["regret_at_k"])["regret_at_k"] == 99 - 94
    assert rh.evaluate(target, target, metrics=["enrichment_at_k"])["enrichment_at_k"] == 20.0
    assert rh.evaluate(target, mean, metrics=["enrichment_at_k"])["enrichment_at_k"] == 0.0


def test_constant_prediction_enriches_nothing():
    assert score("enrichment_at_k", np.random.default_rng(0).normal(size=200), np.full(200, 0.1)) == pytest.approx(1.0)


def test_constant_prediction_regrets_what_a_random_draw_does():
    # The largest of 2 of 1, 2, 3, 4 is 4 in 3 of 6 draws, 3 in 2, 2 in 1.
    assert score("regret_at_k", [1, 2, 3, 4], [0, 0, 0, 0], k=2) == pytest.approx(4 - (4 * 3 + 3 * 2 + 2) / 6)


@pytest.mark.parametrize(("percent", "n", "k"), [(0.1, 1000, 1), (0.7, 1000, 7), (5, 1, 1), (5, 21, 2), (29, 100, 29)])
def test_share_of_the_most_active_is_counted_exactly(percent, n, k):
    assert score("enrichment_at_k", np.arange(n), np.arange(n), percent=percent) == pytest.approx(n / k, rel=1e-15)


def test_no_more_elements_than_are_tested_leave_no_regret():
    assert score("regret_at_k", [1, 2, 3], [3, 2, 1], k=3) == 0.0


@pytest.mark.parametrize("name", ["regret_at_k", "enrichment_at_k"])
@pytest.mark.parametrize("parameters", [{"k": 0}, {"percent": 0.0}, {"percent": 101}])
def test_impossible_choice_is_refused(name, parameters):
    with pytest.raises(rh.InputError, match=f"metric '{name}'"):
        rh.metric(name, **parameters)
