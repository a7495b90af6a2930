"""Selective deployment: what can be automated at a risk stated on identity, and whether it holds under shift."""

import math

import numpy as np
import pytest
import xarray as xr

import regharness as rh
from regharness.interfaces import Evidence

# Losses 1, 4, 9, 16 from the most certain to the least: risks 1, 2.5, 14/3, 7.5.
IDENTITY = Evidence(np.array([1.0, 2.0, 3.0, 4.0]), np.zeros(4), np.array([1.0, 4.0, 9.0, 16.0]))


def score(name, identity, shifted, **parameters):
    return rh.metric(name, **parameters).score_against(identity, shifted)


@pytest.mark.parametrize(
    ("risk", "fraction"), [(0.99, 0.0), (1.0, 0.25), (2.5, 0.5), (4.0, 0.5), (5.0, 0.75), (7.5, 1.0)]
)
def test_fraction_on_identity_is_what_the_stated_risk_allows(risk, fraction):
    assert score("automated_fraction", IDENTITY, IDENTITY, risk=risk, relative=False) == fraction


@pytest.mark.parametrize(("share", "fraction"), [(0.1, 0.0), (0.5, 0.5), (1.0, 1.0)])
def test_relative_risk_is_a_share_of_the_mean_loss_on_identity(share, fraction):
    assert score("automated_fraction", IDENTITY, IDENTITY, risk=share) == fraction


def test_threshold_of_identity_decides_under_shift():
    # Half of the mean loss is 3.75, so sigma up to 2 is automated: losses 0 and 25 of those.
    shifted = Evidence(np.array([0.0, 5.0, 9.0]), np.zeros(3), np.array([0.5, 4.0, 4.1]))

    assert score("automated_fraction", IDENTITY, shifted) == pytest.approx(2 / 3)
    assert score("automated_risk", IDENTITY, shifted) == pytest.approx(12.5 / 3.75)


def test_largest_threshold_counts_though_a_smaller_one_breaks_the_risk():
    identity = Evidence(np.array([3.0, 0.0, 0.0]), np.zeros(3), np.array([1.0, 2.0, 3.0]))

    assert score("automated_fraction", identity, identity, risk=4.0, relative=False) == 1.0


def test_examples_of_equal_sigma_are_automated_together():
    identity = Evidence(np.array([1.0, 3.0]), np.zeros(2), np.array([2.0, 2.0]))

    assert score("automated_fraction", identity, identity, risk=4.9, relative=False) == 0.0
    assert score("automated_fraction", identity, identity, risk=5.0, relative=False) == 1.0


@pytest.mark.parametrize("seed", range(20))
def test_promise_holds_on_identity(seed):
    rng = np.random.default_rng(seed)
    identity = Evidence(rng.normal(size=50), np.zeros(50), rng.integers(1, 9, 50).astype(float))

    assert not score("automated_risk", identity, identity, risk=0.9) > 1 + 1e-12
    assert score("automated_fraction", identity, identity, risk=1.0) == 1.0


def test_nothing_automated_has_no_risk():
    shifted = Evidence(np.ones(2), np.zeros(2), np.full(2, 100.0))

    assert score("automated_fraction", IDENTITY, shifted) == 0.0
    assert math.isnan(score("automated_risk", IDENTITY, shifted))


@pytest.mark.parametrize(("target", "expected"), [(0.0, math.nan), (1.0, math.inf)])
def test_share_of_no_error_at_all_is_no_promise_that_can_be_kept(target, expected):
    perfect = Evidence(np.zeros(2), np.zeros(2), np.ones(2))
    shifted = Evidence(np.array([target]), np.zeros(1), np.ones(1))

    assert score("automated_risk", perfect, shifted) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("variance", [0.0, math.inf])
def test_one_sigma_at_the_end_of_the_range_is_a_level_like_any_other(variance):
    identity = Evidence(np.array([1.0, 2.0]), np.zeros(2), np.full(2, variance))

    assert score("automated_fraction", identity, identity, risk=1.0) == 1.0
    assert score("automated_risk", identity, identity, risk=1.0) == 1.0


def test_cube_scores_every_shift_beside_identity():
    dims = ("shift", "example")
    cube = xr.Dataset(
        {
            "target": (dims, [[1.0, 2.0, 3.0, 4.0], [5.0, 0.0, 0.0, 0.0]]),
            "mean": (dims, np.zeros((2, 4))),
            "variance": (dims, [[1.0, 4.0, 9.0, 16.0]] * 2),
        },
        {"shift": ["identity", "noise"]},
    )
    scores = rh.evaluate_cube(cube, ["automated_fraction", "automated_risk"])

    assert scores["automated_fraction"].values.tolist() == [0.5, 0.5]
    assert scores["automated_risk"].values == pytest.approx([2.5 / 3.75, 12.5 / 3.75])


def test_risk_of_zero_is_refused():
    with pytest.raises(rh.InputError, match=r"metric 'automated_risk'\.risk"):
        rh.metric("automated_risk", risk=0.0)
