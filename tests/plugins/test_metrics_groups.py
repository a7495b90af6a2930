"""Metrics inside groups, such as the variants of one element."""

import math

import numpy as np
import pytest
import xarray as xr

import regharness as rh
from regharness.interfaces import Evidence


def score(evidence, **parameters):
    return rh.metric("within_group", **parameters).score_evidence(evidence)


def grouped(groups, seed=0):
    rng = np.random.default_rng(seed)
    n = len(groups)
    target, mean, variance = rng.normal(size=n), rng.normal(size=n), rng.gamma(2, 1, n)
    return Evidence(target, mean, variance, covariates={"element": np.array(groups)})


def test_groups_count_the_same_whatever_their_size():
    evidence = grouped(["a"] * 10 + ["b"] * 40)
    alone = [np.corrcoef(evidence.target[rows], evidence.mean[rows])[0, 1] for rows in (slice(10), slice(10, 50))]

    assert score(evidence) == pytest.approx(np.mean(alone), rel=1e-12)


def test_groups_of_fewer_examples_than_the_least_are_left_out():
    evidence = grouped(["a"] * 10 + ["b"] * 9)

    assert score(evidence, of="mse") == pytest.approx(np.mean((evidence.target - evidence.mean)[:10] ** 2))
    assert math.isnan(score(evidence, of="mse", least=11))


@pytest.mark.parametrize(("groups", "missing"), [
    ([1.0, 1.0, math.nan, 2.0], 2), (["a", "a", "", "b"], 2), (np.array(["a", "a", "", "b"], object), 2),
])  # fmt: skip
def test_examples_of_no_known_group_are_left_out(groups, missing):
    evidence = grouped(groups)
    square = (evidence.target - evidence.mean) ** 2

    assert score(evidence, of="mse", least=1) == pytest.approx((square[:2].mean() + square[3]) / 2)


@pytest.mark.parametrize(
    "groups", [[3, 3, 4, 4], [True, True, False, False], np.array(list("xxyy"), np.dtypes.StringDType())]
)
def test_groups_are_told_by_numbers_or_text(groups):
    evidence = grouped(groups)
    square = (evidence.target - evidence.mean) ** 2

    assert score(evidence, of="rmse", least=2) == pytest.approx(
        (math.sqrt(square[:2].mean()) + math.sqrt(square[2:].mean())) / 2
    )


def test_group_where_the_metric_is_not_there_is_left_out():
    target, mean = np.array([1.0, 1.0, 0.0, 1.0, 2.0]), np.array([0.0, 1.0, 0.0, 1.0, 0.0])
    evidence = Evidence(target, mean, covariates={"element": np.array(list("aabbb"))})

    assert score(evidence, least=2) == pytest.approx(np.corrcoef(target[2:], mean[2:])[0, 1], abs=1e-12)


def test_curve_is_averaged_label_by_label():
    evidence = grouped(["a"] * 10 + ["b"] * 15)
    curves = [
        rh.evaluate(*(part[rows] for part in (evidence.target, evidence.mean, evidence.variance)), ["pit_histogram"])
        for rows in (slice(10), slice(10, 25))
    ]

    np.testing.assert_allclose(
        score(evidence, of="pit_histogram"), np.mean([c["pit_histogram"] for c in curves], axis=0), rtol=1e-12
    )


def test_group_by_another_covariate_and_another_metric():
    evidence = grouped(["a"] * 4)
    evidence = Evidence(evidence.target, evidence.mean, covariates={"chrom": np.array([1, 1, 2, 2])})
    metric = rh.metric("within_group", of="mae", covariate="chrom", least=2)

    assert metric.needs == ("covariates.chrom",)
    assert metric.score_evidence(evidence) == pytest.approx(np.abs(evidence.target - evidence.mean).mean())


@pytest.mark.parametrize("of", ["crps_fair", "coverage_90", "calibration_curve", "excess_risk"])
def test_it_is_judged_as_the_metric_inside_is(of):
    metric, inner = rh.metric("within_group", of=of), rh.metric(of)

    assert (metric.direction, metric.needs_variance, metric.labels) == (
        inner.direction,
        inner.needs_variance,
        inner.labels,
    )
    assert metric.needs == (*inner.needs, "covariates.element")


def test_arrays_give_groups_as_covariates():
    target, mean = [1.0, 3.0, 5.0, 5.0], [1.0, 1.0, 5.0, 5.0]
    groups = {"element": np.repeat(["a", "b"], 10)}
    scores = rh.evaluate(np.repeat(target, 5), np.repeat(mean, 5), metrics=["within_group"], covariates=groups)

    assert math.isnan(scores["within_group"])


def test_cube_gives_groups_as_a_covariate():
    rng = np.random.default_rng(0)
    cube = xr.Dataset(
        {
            "target": ("example", rng.normal(size=20)),
            "mean": ("example", rng.normal(size=20)),
            "covariate_element": ("example", np.repeat(["a", "b"], 10)),
        }
    )
    alone = [np.corrcoef(cube["target"][rows], cube["mean"][rows])[0, 1] for rows in (slice(10), slice(10, 20))]

    assert rh.evaluate_cube(cube, ["within_group"])["within_group"] == pytest.approx(np.mean(alone), rel=1e-12)


@pytest.mark.parametrize(("of", "message"), [
    ("pearson", "no metric named 'pearson'; did you mean 'pearson_r'"),
    ("degradation", "'degradation' compares shifts"),
    ("automated_risk", "'automated_risk' compares shifts"),
])  # fmt: skip
def test_metric_that_has_no_score_inside_a_group_is_refused(of, message):
    with pytest.raises(rh.InputError, match=message):
        rh.metric("within_group", of=of)
