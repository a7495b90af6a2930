"""Laws that every metric keeps: order of rows, type of numbers, units."""

from functools import reduce
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import regharness as rh
from regharness.catalog import load_catalog
from regharness.interfaces import Evidence
from regharness.metric_protocols import OfMeans

CATALOG = load_catalog()
SCALE_ALIKE = [
    *["rmse", "mae", "medae", "max_abs_error", "bias", "crps", "sharpness", "aurc_abs", "e_aurc_abs", "augrc_abs"],
    *(name for name in CATALOG.names("metric") if name.startswith(("mean_width", "interval_score"))),
]
SCALE_SQUARED = [
    *["mse", "affine_mse", "aurc", "aurc_oracle", "e_aurc", "augrc"],
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
    *["miscalibration_area", "calibration_error_kuleshov", "spearman_error_sigma"],
    *(name for name in CATALOG.names("metric") if name.startswith("coverage")),
]
EVERY = [*SCALE_ALIKE, *SCALE_SQUARED, *UNCHANGED, "nll"]
OF_QUANTILES = ["pinball", "wis"]
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


def agree(left, right):
    np.testing.assert_allclose([*left.values()], [*right.values()], rtol=1e-9, atol=1e-12)


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

    np.testing.assert_array_equal([*score(single, EVERY).values()], [*score(values, EVERY).values()])


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


@settings(max_examples=60, deadline=None)
@given(predictions(), st.lists(st.integers(0, 30), max_size=4), st.randoms(use_true_random=False))
def test_scoring_in_blocks_and_merging_them_in_any_order_changes_no_metric(values, cuts, random):
    bounds = [0, *sorted(min(cut, values[0].size) for cut in cuts), values[0].size]
    merged = {}
    for name in ORDER_FREE:
        metric = rh.metric(name)
        states = [metric.update(metric.init(), *(part[a:b] for part in values)) for a, b in pairwise(bounds)]
        random.shuffle(states)
        merged[name] = metric.finalize(reduce(metric.merge, states))

    agree(merged, {name: value for name, value in score(values, ORDER_FREE).items() if name in merged})


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

    assert not ours or name in EVERY or name in ("degradation", "worst_shift", *OF_QUANTILES)


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
