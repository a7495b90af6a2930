"""Scores of the members of an ensemble."""

import math

import numpy as np
import pytest
import scoringrules as sr
import xarray as xr

import regharness as rh
from regharness_metrics import ensembles

INF = math.inf


def score(name, target, members, member_variance=None):
    return rh.evaluate(target, metrics=[name], members=members, member_variance=member_variance)[name]


def drawn(n=120, m=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=n), rng.normal(size=(n, m)), rng.gamma(2, 0.5, (n, m))


@pytest.mark.parametrize(("name", "estimator"), [("crps_fair", "fair"), ("crps_ensemble", "nrg")])
@pytest.mark.parametrize("m", [2, 3, 5, 20])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_crps_of_members_is_that_of_scoringrules(name, estimator, m, offset):
    target, members, _ = drawn(m=m)
    expected = sr.crps_ensemble(target, members, estimator=estimator).mean()

    assert score(name, target + offset, members + offset) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("m", [1, 2, 3, 8])
def test_crps_of_a_mixture_is_that_of_scoringrules(m):
    target, members, variance = drawn(m=m)
    expected = sr.crps_mixnorm(target, members, np.sqrt(variance), m_axis=-1).mean()

    assert score("crps_mixture", target, members, variance) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("variance", [0.0, 2.5, INF])
def test_crps_of_a_mixture_of_one_is_that_of_its_member(variance):
    target, members, variances = [1.0, 2.0], np.array([[0.5], [4.0]]), np.array([[variance], [1.0]])
    expected = rh.evaluate(target, members[:, 0], variances[:, 0], metrics=["crps"])["crps"]

    assert score("crps_mixture", target, members, variances) == pytest.approx(expected, rel=1e-12)


def test_crps_of_a_mixture_of_points_is_that_of_the_members():
    target, members, variance = drawn()

    plain = score("crps_ensemble", target, members)
    assert score("crps_mixture", target, members, np.zeros_like(variance)) == pytest.approx(plain, rel=1e-12)


def test_fair_crps_is_what_a_large_ensemble_would_have():
    # For members and targets of N(0, 1): 1 / sqrt(pi) for any number of members.
    rng = np.random.default_rng(1)
    target, members = rng.normal(size=200_000), rng.normal(size=(200_000, 2))

    assert score("crps_fair", target, members) == pytest.approx(1 / math.sqrt(math.pi), abs=5e-3)


def test_fair_crps_of_one_member_is_not_there():
    assert math.isnan(score("crps_fair", [1.0, 2.0], [[0.0], [1.0]]))


def test_plain_crps_of_one_member_is_its_absolute_error():
    assert score("crps_ensemble", [1.0, 2.0], [[0.0], [5.0]]) == 2.0


@pytest.mark.parametrize("name", ["crps_fair", "crps_ensemble"])
def test_members_that_agree_score_their_absolute_error_exactly(name):
    assert score(name, [0.3], [[0.1] * 7]) == pytest.approx(0.2, rel=1e-15)


@pytest.mark.parametrize(("name", "expected"), [("crps_ensemble", INF), ("crps_mixture", INF), ("crps_fair", math.nan)])
def test_infinite_member_has_an_infinite_score_or_no_fair_one(name, expected):
    found = score(name, [0.0, 0.0], [[INF, 1.0], [0.0, 1.0]], np.ones((2, 2)))

    assert found == pytest.approx(expected, nan_ok=True)


def test_infinite_member_makes_the_variance_infinite_in_arrays_and_cubes():
    target, members = [0.0, 0.0], [[INF, 1.0], [0.0, 1.0]]
    names = ["crps_ensemble", "mean_width_50"]
    cube = rh.evaluate_cube(
        xr.Dataset({"target": ("example", target), "members": (("example", "member"), members)}), names
    )
    arrays = rh.evaluate(target, metrics=names, members=members)

    assert [arrays[name] for name in names] == [INF, INF]
    assert [float(cube[name]) for name in (*names, "n_valid")] == [INF, INF, 2]


@pytest.mark.parametrize("name", ["crps_fair", "crps_ensemble", "crps_mixture"])
def test_infinite_target_has_an_infinite_score(name):
    assert score(name, [INF, 0.0], [[0.0, 1.0], [0.0, 1.0]], np.ones((2, 2))) == INF


@pytest.mark.parametrize("name", ["crps_fair", "crps_ensemble", "crps_mixture"])
def test_examples_are_looked_at_a_few_at_a_time_without_a_difference(name, monkeypatch):
    target, members, variance = drawn()
    whole = score(name, target, members, variance)
    monkeypatch.setattr(ensembles, "NUMBERS", 17)

    assert score(name, target, members, variance) == pytest.approx(whole, rel=1e-13)


@pytest.mark.parametrize("name", ["crps_fair", "crps_mixture"])
def test_example_that_misses_a_member_is_dropped(name):
    scores = rh.evaluate(
        [1.0, 2.0, 3.0],
        metrics=[name],
        members=[[0.0, 1.0], [math.nan, 1.0], [2.0, 5.0]],
        member_variance=np.ones((3, 2)),
    )

    assert (scores["n_valid"], scores["n_dropped"]) == (2, 1)
    assert scores[name] == pytest.approx(score(name, [1.0, 3.0], [[0.0, 1.0], [2.0, 5.0]], np.ones((2, 2))))


@pytest.mark.parametrize("name", ["crps_ensemble", "crps_fair", "crps_mixture"])
def test_score_of_members_without_members_is_refused(name):
    with pytest.raises(rh.InputError, match=f"'{name}' needs the members of an ensemble"):
        rh.evaluate([1.0], [1.0], [1.0], metrics=[name])


def test_mixture_without_variances_of_its_members_is_refused():
    with pytest.raises(rh.InputError, match="needs the variances of an ensemble's members"):
        rh.evaluate([1.0], metrics=["crps_mixture"], members=[[1.0, 2.0]])


def test_ends_of_an_interval_give_its_coverage_width_and_score():
    # 0 is inside [-1, 2]; 4 is 1 above [1, 3]: width 2 and 2 / 0.1 for the overshoot.
    scores = rh.evaluate(
        [0.0, 4.0],
        quantiles=[[-1.0, 2.0], [1.0, 3.0]],
        quantile_levels=[0.05, 0.95],
        metrics=["coverage_90", "mean_width_90", "interval_score_90"],
    )

    assert [*scores.values()][:3] == pytest.approx([0.5, 2.5, (3 + 2 + 20) / 2])
