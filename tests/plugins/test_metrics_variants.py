"""Scores of predicted effects of variants."""

import math

import numpy as np
import pytest
from scipy.stats import pearsonr, rankdata, spearmanr
from sklearn.metrics import roc_auc_score

import regharness as rh
from regharness.catalog import load_catalog
from regharness.interfaces import Evidence

NAN = math.nan
SIGNED = ["variant_sign_accuracy", "variant_auroc"]
WEIGHTED = ["variant_pearson_r", "variant_spearman_rho"]


def score(name, target, mean, p=None, noise=None, **parameters):
    evidence = Evidence(
        np.asarray(target, dtype=float),
        np.asarray(mean, dtype=float),
        noise_variance=None if noise is None else np.asarray(noise, dtype=float),
        covariates={} if p is None else {"p_value": np.asarray(p)},
    )
    return load_catalog().create("metric", name, parameters).score_evidence(evidence)


@pytest.mark.parametrize(
    ("mean", "p", "expected"),
    [
        ([0.1, -5, 3], [0, 0, 0], 1.0),
        ([-0.1, -5, 3], [0, 0, 0], 2 / 3),
        ([0, -5, 3], [0, 0, 0], 2.5 / 3),
        ([-0.1, -5, 3], [0.5, 0, 0], 1.0),
        ([-0.1, -5, 3], [1e-5, 0, 0], 1.0),
        ([-0.1, -5, 3], [NAN, 0, 0], 1.0),
        ([1, 1, 1], [0.5, 1.0, 0.2], NAN),
    ],
)
def test_sign_accuracy_by_hand(mean, p, expected):
    assert score("variant_sign_accuracy", [1, -2, 3], mean, p) == pytest.approx(expected, nan_ok=True)


def test_an_effect_measured_as_zero_has_no_sign_to_get_right():
    assert score("variant_sign_accuracy", [0, 1], [1, 1], [0, 0]) == 1.0


def test_threshold_of_significance_is_a_parameter():
    assert score("variant_sign_accuracy", [1, 1], [1, -1], [1e-3, 1e-7], p_value=1e-2) == 0.5


@pytest.mark.parametrize("steps", [2, 1000])
def test_auroc_of_significant_variants_is_that_of_sklearn(steps):
    rng = np.random.default_rng(steps)
    mean, p = np.round(rng.normal(size=200) * steps) / steps, rng.uniform(size=200) ** 20
    found = score("variant_auroc", rng.normal(size=200), mean, p)
    assert found == pytest.approx(roc_auc_score(p < 1e-5, np.abs(mean)), rel=1e-12)


@pytest.mark.parametrize("p", [[0, 0], [1, 1], [NAN, 0]])
def test_auroc_of_variants_of_one_kind_is_missing(p):
    assert math.isnan(score("variant_auroc", [1, 2], [1, 2], p))


@pytest.mark.parametrize("name", SIGNED)
def test_p_values_that_are_text_are_refused(name):
    with pytest.raises(rh.InputError, match="the covariate 'p_value' is text"):
        score(name, [1, 2], [1, 2], ["a", "b"])


def repeated(rng, n=40):
    """Effects, and how often each is repeated; a variance of 1 / k weighs as k repeats do."""
    times = rng.integers(1, 6, n)
    target, mean = rng.normal(size=n).round(1), rng.normal(size=n).round(1)
    return target, mean + target / 2, times


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_weighted_correlation_is_that_of_variants_repeated_by_weight(offset):
    target, mean, times = repeated(np.random.default_rng(1))
    expected = pearsonr(np.repeat(target, times), np.repeat(mean, times)).statistic
    found = score("variant_pearson_r", target + offset, mean, noise=1 / times)
    assert found == pytest.approx(expected, rel=1e-12 if not offset else 1e-8)


def test_weighted_rank_correlation_is_that_of_ranks_repeated_by_weight():
    target, mean, times = repeated(np.random.default_rng(2))
    ranks = (np.repeat(rankdata(values), times) for values in (target, mean))
    assert score("variant_spearman_rho", target, mean, noise=1 / times) == pytest.approx(
        pearsonr(*ranks).statistic, rel=1e-12
    )


@pytest.mark.parametrize(("name", "plain"), [("variant_pearson_r", pearsonr), ("variant_spearman_rho", spearmanr)])
def test_equal_variances_give_the_plain_correlation(name, plain):
    target, mean, _ = repeated(np.random.default_rng(3))
    assert score(name, target, mean, noise=np.full(40, 1e-9)) == pytest.approx(plain(target, mean).statistic, rel=1e-12)


@pytest.mark.parametrize("name", WEIGHTED)
def test_a_variant_of_unknown_variance_is_left_out(name):
    whole = score(name, [1, 2, 4, 3], [1, 3, 5, 2], noise=[1, 2, 3, 4])
    assert score(name, [1, 2, 9, 4, 3, 9], [1, 3, -9, 5, 2, 0], noise=[1, 2, NAN, 3, 4, 0]) == pytest.approx(whole)


@pytest.mark.parametrize("name", WEIGHTED)
@pytest.mark.parametrize(
    ("target", "mean", "noise"),
    [([1, 1], [1, 2], [1, 1]), ([1, 2], [0.1, 0.1], [1, 1]), ([1], [1], [1]), ([1, 2], [1, 2], [NAN, NAN])],
)
def test_correlation_that_is_not_defined_is_missing(name, target, mean, noise):
    assert math.isnan(score(name, target, mean, noise=noise))


@pytest.mark.parametrize("name", [*SIGNED, *WEIGHTED])
def test_row_order_changes_nothing(name):
    rng = np.random.default_rng(4)
    target, mean, noise, p = rng.normal(size=(4, 60)) ** 2
    order = rng.permutation(60)
    turned = score(name, target[order], mean[order], p[order] / 1e4, noise[order])
    assert turned == pytest.approx(score(name, target, mean, p / 1e4, noise), rel=1e-12)
