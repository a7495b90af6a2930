"""Telling shifted examples from identity by sigma."""

import math

import numpy as np
import pytest
import xarray as xr
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

import regharness as rh
from regharness.catalog import load_catalog
from regharness.interfaces import Evidence

NAMES = ["ood_auroc", "ood_aupr", "ood_fpr95"]
INF = math.inf


def of(sigma):
    sigma = np.asarray(sigma, dtype=float)
    return Evidence(np.zeros(sigma.size), np.zeros(sigma.size), sigma**2)


def score(name, identity, shifted):
    return load_catalog().create("metric", name, {}).score_against(of(identity), of(shifted))


@pytest.mark.parametrize(
    ("name", "expected"),
    # Thresholds 4, 3, 2, 1 find 1, 1.., of the positives 4, 2 and of the negatives 3, 2, 1.
    [("ood_auroc", (3 + 1.5) / 6), ("ood_aupr", 1 / 2 * 1 + 1 / 2 * 2 / 4), ("ood_fpr95", 2 / 3)],
)
def test_score_by_hand_with_a_tie(name, expected):
    assert score(name, [3, 2, 1], [4, 2]) == pytest.approx(expected, rel=1e-12)


def against_sklearn(identity, shifted):
    label = np.repeat([0, 1], [len(identity), len(shifted)])
    sigma = np.concatenate([identity, shifted])
    false, true, _ = roc_curve(label, sigma, drop_intermediate=False)
    return roc_auc_score(label, sigma), average_precision_score(label, sigma), false[np.argmax(true >= 0.95)]


@pytest.mark.parametrize("steps", [3, 10, 10**6])
@pytest.mark.parametrize("sizes", [(1, 1), (7, 20), (50, 40), (300, 1000)])
def test_scores_are_those_of_sklearn_however_many_ties(steps, sizes):
    rng = np.random.default_rng(sizes[0] + steps)
    # Squares of whole multiples of 1/8, whose roots are exact.
    identity, shifted = (
        np.floor(rng.exponential(scale, n) * steps) / 8 for scale, n in zip((1, 1.5), sizes, strict=True)
    )
    found = [score(name, identity, shifted) for name in NAMES]
    np.testing.assert_allclose(found, against_sklearn(identity, shifted), rtol=1e-12)


def test_largest_threshold_that_finds_95_percent_is_taken_where_that_is_a_whole_number():
    # 19 of 20 shifted examples lie above all of identity.
    assert score("ood_fpr95", [1, 1, 1], [*range(2, 21), 0.5]) == 0.0


def test_an_infinite_sigma_ranks_highest():
    assert score("ood_auroc", [1, 2, 3], [INF, INF]) == 1.0
    assert score("ood_auroc", [1, INF], [INF]) == 0.75


def test_perfect_separation():
    assert [score(name, [1, 2], [3, 4, 5]) for name in NAMES] == [1.0, 1.0, 0.0]


def test_one_sigma_for_all_tells_nothing():
    assert [score(name, [1, 1], [1, 1]) for name in NAMES] == [0.5, 0.5, 1.0]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("identity", "shifted"), [([], [1.0]), ([1.0], [])])
def test_one_class_alone_has_no_score(name, identity, shifted):
    assert math.isnan(score(name, identity, shifted))


@pytest.mark.parametrize("name", NAMES)
def test_row_order_changes_nothing(name):
    rng = np.random.default_rng(3)
    identity, shifted = rng.integers(0, 6, 40), rng.integers(0, 9, 30)
    turned = score(name, rng.permutation(identity), rng.permutation(shifted))
    assert turned == pytest.approx(score(name, identity, shifted), rel=1e-12)


@pytest.fixture
def cube():
    rng = np.random.default_rng(5)
    dims = ("model", "shift", "example")
    variance = np.exp(rng.normal(size=(2, 2, 30))) * np.array([1.0, 4.0])[:, None]
    shape = variance.shape
    coords = {"model": ["a", "b"], "shift": ["identity", "noise@3"]}
    return xr.Dataset(
        {"mean": (dims, rng.normal(size=shape)), "target": (dims[1:], rng.normal(size=shape[1:]))}, coords
    ).assign(variance=(dims, variance))


def test_identity_against_itself_is_a_coin_flip(cube):
    scores = rh.evaluate_cube(cube, metrics=NAMES)
    assert scores["ood_auroc"].sel(shift="identity").values.tolist() == [0.5, 0.5]


def test_a_cube_is_scored_model_by_model_against_its_own_identity(cube):
    scores = rh.evaluate_cube(cube, metrics=NAMES).sel(model="b", shift="noise@3")
    sigma = np.sqrt(cube["variance"].sel(model="b"))
    expected = against_sklearn(sigma.sel(shift="identity").values, sigma.sel(shift="noise@3").values)
    np.testing.assert_allclose([scores[name] for name in NAMES], expected, rtol=1e-12)


def test_a_cell_without_identity_has_no_score(cube):
    lost = cube["mean"].where((cube["shift"] != "identity") | (cube["model"] != "a"))
    scores = rh.evaluate_cube(cube.assign(mean=lost), metrics=NAMES).sel(shift="noise@3")
    assert [math.isnan(scores["ood_auroc"].sel(model=name)) for name in "ab"] == [True, False]
