"""Laws that every metric keeps: order of rows, type of numbers, units."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import regharness as rh
from regharness.catalog import load_catalog
from regharness.interfaces import Evidence
from regharness.metric_protocols import OfMeans
from regharness.scoring import score_cell

CATALOG = load_catalog()
SCALE_ALIKE = [
    *["rmse", "mae", "medae", "max_abs_error", "bias", "crps", "sharpness", "aurc_abs", "e_aurc_abs", "augrc_abs"],
    *["ause", "regret_at_k"],
    *(name for name in CATALOG.names("metric") if name.startswith(("mean_width", "interval_score"))),
]
SCALE_SQUARED = [
    *["mse", "affine_mse", "aurc", "aurc_oracle", "e_aurc", "augrc", "aurg", "risk_coverage_curve"],
    *(f"selective_risk_{percent}" for percent in (50, 70, 80, 90, 95)),
]
UNCHANGED = [
    *[
        "r2",
        "pearson_r",
        "spearman_rho",
        "ccc",
        "z_mean",
        "z_mean_square",
        "z_var",
        "dispersion",
        "spread_skill",
        "ence",
    ],
    *["miscalibration_area", "miscalibration_area_interval", "calibration_error_kuleshov", "spearman_error_sigma"],
    *["pit_mean", "pit_var", "pit_ks", "pit_cvm", "pit_chi2", "pit_histogram", "ence_reference"],
    *["calibration_curve", "interval_calibration_curve", "prr", "prr_abs", "enrichment_at_k", "selective_gain"],
    *(name for name in CATALOG.names("metric") if name.removeprefix("coverage_").isdigit()),
]
EVERY = [*SCALE_ALIKE, *SCALE_SQUARED, *UNCHANGED, "nll"]
OF_QUANTILES = ["pinball", "wis"]
OF_MORE = {
    **dict.fromkeys(["crps_ensemble", "crps_fair", "crps_mixture"], 1),
    "excess_risk": 2,
    **dict.fromkeys(["deconvolved_r2", "deconvolved_pearson_r", "noise_z_mean_square", "within_group"], 0),
}
"""Metrics of more than target, mean and variance, and the power of the unit that they scale with."""
OF_SHIFTS = [
    *["degradation", "worst_shift", "mce", "relative_mce", "effective_robustness", "severity_auc", "severity_curve"],
    *["coverage_gap", "ood_auroc", "ood_aupr", "ood_fpr95", "automated_fraction", "automated_risk"],
]
OF_VARIANTS = ["variant_sign_accuracy", "variant_auroc", "variant_pearson_r", "variant_spearman_rho"]
# ENCE cuts its bins in the order given where sigmas are equal; that is its definition.
ORDER_FREE = [name for name in EVERY if name != "ence"]


@st.composite
def predictions(draw):
    """Multiples of 1/8, exact in float32, with many ties and some zero sigmas."""
    n = draw(st.integers(1, 30))
    eighths = arrays(np.float64, (2, n), elements=st.integers(-80, 80).map(lambda k: k / 8))
    sigma = arrays(np.float64, n, elements=st.integers(0, 40).map(lambda k: k / 8))
    return (*draw(eighths), draw(sigma) ** 2)


def score(values, metrics):
    return rh.evaluate(*values, metrics=metrics)


def numbers(scores):
    return np.hstack([*scores.values()])


def agree(left, right):
    np.testing.assert_allclose(numbers(left), numbers(right), rtol=1e-9, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(predictions(), st.randoms(use_true_random=False))
def test_order_of_rows_changes_no_metric(values, random):
    order = list(range(values[0].size))
    random.shuffle(order)

    agree(score([part[order] for part in values], ORDER_FREE), score(values, ORDER_FREE))


@settings(max_examples=60, deadline=None)
@given(predictions())
def test_type_of_numbers_changes_no_metric(values):
    single = [part.astype(np.float32) for part in values]

    np.testing.assert_array_equal(numbers(score(single, EVERY)), numbers(score(values, EVERY)))


@settings(max_examples=60, deadline=None)
@given(predictions(), st.sampled_from([0.25, 2.0, 8.0]), st.integers(-1000, 1000))
def test_change_of_units_scales_a_metric_by_its_power_of_the_unit(values, factor, offset):
    target, mean, variance = values
    changed = (factor * target + offset, factor * mean + offset, factor**2 * variance)
    before, after = score(values, EVERY), score(changed, EVERY)
    expected = {name: factor * before[name] for name in SCALE_ALIKE}
    expected |= {name: factor**2 * before[name] for name in SCALE_SQUARED}
    expected |= {name: before[name] for name in UNCHANGED}
    expected["nll"] = before["nll"] + np.log(factor)

    agree({name: after[name] for name in expected}, expected)


@settings(max_examples=60, deadline=None)
@given(predictions(), st.sampled_from([0.25, 2.0, 8.0]), st.integers(-1000, 1000))
def test_change_of_units_scales_a_metric_of_quantiles_by_the_unit(values, factor, offset):
    target, *ends = values
    quantiles, levels = np.stack([*ends, target[::-1]], axis=1), (0.1, 0.5, 0.9)
    names = [*OF_QUANTILES, "mean_width_80", "interval_score_80"]
    before, after = (
        rh.evaluate(a * target + b, target, metrics=names, quantiles=a * quantiles + b, quantile_levels=levels)
        for a, b in ((1, 0), (factor, offset))
    )

    agree({name: after[name] for name in names}, {name: factor * before[name] for name in names})


@st.composite
def evidence(draw):
    """Predictions with three members, known noise for most, and two groups."""
    target, mean, variance = draw(predictions())
    n = target.size
    members = draw(arrays(np.float64, (n, 3), elements=st.integers(-80, 80).map(lambda k: k / 8)))
    noise = draw(arrays(np.float64, n, elements=st.sampled_from([0.0, 0.25, 1.0, np.nan])))
    groups = draw(arrays(np.int64, n, elements=st.integers(0, 1)))
    return Evidence(
        *[target, mean, variance],
        members=members,
        member_variance=np.stack([variance, variance, 2 * variance], axis=1),
        noise_variance=noise,
        covariates={"element": groups},
    )


def on_the_edge(evidence):
    """Whether targets vary just as much as their noise: rounding then decides whether there is a signal."""
    known = evidence.select(~np.isnan(evidence.noise_variance))
    return len(known) > 0 and abs(np.var(known.target) - np.mean(known.noise_variance)) < 1e-9


def score_more(evidence):
    return score_cell(evidence, {name: CATALOG.create("metric", name) for name in OF_MORE})


@settings(max_examples=60, deadline=None)
@given(evidence(), st.randoms(use_true_random=False))
def test_order_of_rows_changes_no_metric_of_more_than_predictions(evidence, random):
    assume(not on_the_edge(evidence))
    order = list(range(len(evidence)))
    random.shuffle(order)

    agree(score_more(evidence.select(np.array(order))), score_more(evidence))


@settings(max_examples=60, deadline=None)
@given(evidence(), st.sampled_from([0.25, 2.0, 8.0]), st.integers(-1000, 1000))
def test_change_of_units_scales_a_metric_of_more_than_predictions_by_its_power(evidence, factor, offset):
    changed = replace(
        evidence,
        target=factor * evidence.target + offset,
        mean=factor * evidence.mean + offset,
        variance=factor**2 * evidence.variance,
        members=factor * evidence.members + offset,
        member_variance=factor**2 * evidence.member_variance,
        noise_variance=factor**2 * evidence.noise_variance,
    )
    assume(not on_the_edge(evidence))
    before, after = score_more(evidence), score_more(changed)

    agree({name: after[name] for name in OF_MORE}, {n: factor**power * before[n] for n, power in OF_MORE.items()})


@settings(max_examples=60, deadline=None)
@given(predictions())
def test_no_metric_changes_its_input(values):
    before = [part.copy() for part in values]
    score(values, EVERY)

    np.testing.assert_array_equal(values, before)


@settings(max_examples=60, deadline=None)
@given(predictions())
def test_no_ranking_beats_the_oracle(values):
    assert score(values, ["e_aurc"])["e_aurc"] >= -1e-12


@settings(max_examples=60, deadline=None)
@given(predictions())
def test_wider_interval_covers_no_less(values):
    coverage = [*score(values, [f"coverage_{percent}" for percent in range(5, 100, 5)]).values()][:19]

    assert (np.diff(coverage) >= 0).all()


@pytest.mark.parametrize("name", CATALOG.names("metric"))
def test_law_of_units_is_stated_for_every_metric_of_the_plugin(name):
    ours = CATALOG.owner("metric", name).name == "regharness_metrics"

    assert not ours or name in EVERY or name in (*OF_QUANTILES, *OF_MORE, *OF_SHIFTS, *OF_VARIANTS)


OF_MEANS = [name for name in EVERY if isinstance(CATALOG.create("metric", name), OfMeans) and name != "dispersion"]


def test_most_metrics_are_functions_of_means():
    assert {"mse", "rmse", "pearson_r", "r2", "ccc", "nll", "crps", "coverage_90", "z_var", "spread_skill"} < {
        *OF_MEANS
    }


@settings(max_examples=60, deadline=None)
@given(predictions())
def test_means_of_terms_give_the_score(values):
    # Where moments about zero cancel to nothing, rounding decides between zero and a ratio of roundings.
    if min(np.ptp(values[0]), np.ptp(values[1])) == 0 or not (values[2] > 0).any():
        return
    scores = score(values, OF_MEANS)
    for name in OF_MEANS:
        metric = CATALOG.create("metric", name)
        again = metric.of_means(metric.terms(Evidence(*values)).mean(axis=1))
        np.testing.assert_allclose(again, scores[name], rtol=1e-9, atol=1e-12, err_msg=name)
