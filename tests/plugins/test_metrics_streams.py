"""Scores of cells that are too large to be gone through metric by metric."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, spearmanr

import regharness as rh
from regharness.catalog import load_catalog
from regharness.metric_protocols import Evidence
from regharness_metrics.bins import BY_BOTH, Ordered
from regharness_metrics.moment_kernels import CRPS, LOG_SIGMA, sum_block
from regharness_metrics.moments import Moments
from regharness_metrics.orders import area_by_loss, area_by_sigma, generalised_area, rank_correlation_of, risk_of_first
from regharness_metrics.sorting import tied_means

N = 120_000
CATALOG = load_catalog()


def of_plugin():
    names = [name for name in CATALOG.names("metric") if CATALOG.owner("metric", name).name == "regharness_metrics"]
    made = {name: CATALOG.create("metric", name, {}) for name in names}
    return {name: metric for name, metric in made.items() if hasattr(metric, "accumulator")}


METRICS = of_plugin()
BY_MEANS = [name for name, metric in METRICS.items() if isinstance(metric.accumulator, Moments)]
BY_ORDER = [name for name, metric in METRICS.items() if isinstance(metric.accumulator, Ordered)]


def usual(n=N, seed=0):
    rng = np.random.default_rng(seed)
    mean = rng.normal(size=n)
    sigma = np.exp(rng.normal(scale=0.5, size=n))
    return mean + 0.7 * sigma * rng.normal(size=n), mean, sigma**2


def kinds():
    rng = np.random.default_rng(1)
    target, mean, variance = usual()
    yield "usual", (target, mean, variance)
    yield "float32", tuple(part.astype(np.float32) for part in (target, mean, variance))
    yield (
        "float32 with an offset",
        tuple((part + add).astype(np.float32) for part, add in zip(usual(), (1000, 1000, 0), strict=True)),
    )
    yield "mixed types", (target.astype(np.float32), mean, variance.astype(np.float32))
    yield "offset", (target + 1e6, mean + 1e6, variance)
    yield "heavy tails", (mean + rng.standard_cauchy(N), mean, np.exp(3 * rng.normal(size=N)))
    yield "ties", tuple(np.round(4 * part) / 4 + (part is variance) for part in (target, mean, variance))
    yield "few sigmas", (target, mean, rng.integers(1, 4, N) / 3)
    yield "one sigma", (target, mean, np.full(N, 0.1))
    yield "nearly one sigma", (target, mean, 0.1 * (1 + 1e-9 * rng.normal(size=N)))
    yield "zero sigmas", (target, mean, np.where(rng.random(N) < 0.1, 0, variance))
    yield "zero errors and sigmas", (np.where(variance < 1, mean, target), mean, np.where(variance < 1, 0, variance))
    yield "infinite sigmas", (target, mean, np.where(rng.random(N) < 0.1, np.inf, variance))
    yield "tiny sigmas", (target, mean, np.where(rng.random(N) < 0.1, 1e-300, variance))
    yield "infinite errors", (np.where(rng.random(N) < 1e-4, np.inf, target), mean, variance)
    yield "constant target", (np.full(N, 0.1), mean, variance)
    yield "constant mean", (target, np.full(N, 0.1), variance)
    yield "all the same", (np.full(N, 0.1), np.full(N, 0.1), np.full(N, 0.1))
    yield "perfect", (mean, mean, variance)
    yield "in order", tuple(part[np.argsort(target)] for part in (target, mean, variance))
    yield "nan", (np.where(rng.random(N) < 0.01, np.nan, target), mean, variance)


KINDS = dict(kinds())


@pytest.mark.parametrize("kind", KINDS)
def test_metrics_of_means_in_blocks_are_those_of_all_at_once(kind):
    values = KINDS[kind]
    blocks, exact = (rh.evaluate(*values, metrics=BY_MEANS, exact=exact) for exact in (False, True))

    np.testing.assert_allclose([*blocks.values()], [*exact.values()], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_metrics_of_an_order_in_blocks_are_within_their_tolerance(kind):
    values = KINDS[kind]
    blocks, exact = (rh.evaluate(*values, metrics=BY_ORDER, exact=exact) for exact in (False, True))

    np.testing.assert_allclose([*blocks.values()], [*exact.values()], rtol=5e-4, atol=1e-12)


@pytest.mark.parametrize("kind", ["usual", "float32", "zero sigmas", "nan", "in order"])
def test_splits_and_the_order_of_merging_change_no_metric(kind):
    values = KINDS[kind]
    rng = np.random.default_rng(3)
    cuts = [0, *np.sort(rng.integers(0, N, 4)), N]
    expected = rh.evaluate(*values, metrics=[*BY_MEANS, *BY_ORDER])
    found = {}
    for name in (*BY_MEANS, *BY_ORDER):
        metric = METRICS[name]
        states = [metric.update(metric.init(), *(part[a:b] for part in values)) for a, b in pairwise(cuts)]
        rng.shuffle(states)
        while len(states) > 1:
            states.append(metric.merge(states.pop(0), states.pop(0)))
        found[name] = metric.finalize(states[0])

    np.testing.assert_allclose([*found.values()], [expected[name] for name in found], rtol=1e-9, atol=1e-12)


def test_what_was_already_scored_can_be_added_to():
    target, mean, variance = KINDS["usual"]
    metric = METRICS["aurc"]
    state = metric.update(metric.init(), target[:110_000], mean[:110_000], variance[:110_000])
    metric.finalize(state)
    state = metric.update(state, target[110_000:], mean[110_000:], variance[110_000:])

    assert metric.finalize(state) == pytest.approx(rh.evaluate(target, mean, variance, "aurc")["aurc"], rel=1e-12)


def test_two_cells_can_go_on_from_one_state():
    metric = METRICS["e_aurc"]
    parts = [[part[start : start + 60_000] for part in usual(240_000)] for start in range(0, 240_000, 60_000)]
    state = metric.update(metric.update(metric.init(), *parts[0]), *parts[1])
    states = [metric.update(state, *more) for more in parts[2:]]

    for one, more in zip(states, parts[2:], strict=True):
        whole = [np.concatenate(part) for part in zip(*parts[:2], more, strict=True)]
        assert metric.finalize(one) == pytest.approx(rh.evaluate(*whole, "e_aurc")["e_aurc"], rel=1e-12)


def test_metrics_of_both_kinds_are_there():
    assert {"mse", "crps", "coverage_90", "calibration_error_kuleshov"} <= {*BY_MEANS}
    assert {"aurc", "e_aurc", "augrc_abs", "spearman_rho", "selective_risk_80"} <= {*BY_ORDER}


def test_a_metric_of_means_keeps_no_example_of_a_large_cell():
    values = KINDS["usual"]
    metric = METRICS["crps"]
    state = metric.update(metric.init(), *values)

    assert not any(isinstance(part, np.ndarray) and part.size > 100 for part in vars(state).values())


def test_quantiles_stand_in_for_the_variance_in_blocks_too():
    target, mean, variance = KINDS["usual"]
    ends = norm.ppf([0.05, 0.95])[None] * 0.5 + mean[:, None]
    metric = METRICS["coverage_90"]
    state = metric.update(metric.init(), target, mean, variance, quantiles=ends, levels=(0.05, 0.95))

    assert metric.finalize(state) == np.mean((ends[:, 0] <= target) & (target <= ends[:, 1]))


@pytest.mark.parametrize("sigma", [1e-30, 0.3, 1.0, 7e20])
@pytest.mark.parametrize("z", [0.0, 1e-9, 0.0039, 0.5, 1.0, 2.7, 5.0, 8.4, 8.6, 30.0, 1e6])
def test_compiled_crps_of_one_example_is_the_closed_form(z, sigma):
    error = z * sigma
    arrays = [np.array([value]) for value in (error, 0.0, sigma**2)]
    sums = sum_block(*arrays, (True,) * 6, np.empty(0), np.empty(0), np.empty(0))[1]
    tail = 2 * norm.pdf(z) - 2 * z * norm.sf(z) - 1 / np.sqrt(np.pi)

    assert sums[CRPS] == pytest.approx(error + sigma * tail, rel=1e-13)
    assert sums[LOG_SIGMA] == pytest.approx(np.log(sigma), rel=1e-13, abs=1e-15)


@st.composite
def close_together(draw):
    """Numbers of which many share a bin, so that what is unknown inside bins matters."""
    n = draw(st.integers(2, 40))
    near = st.builds(lambda step, add: step + add * 1e-5, st.integers(1, 3), st.integers(0, 20))
    return [np.array(draw(st.lists(near, min_size=n, max_size=n))) for _ in range(3)]


def order_of(values):
    accumulator = Ordered(frozenset({("target", "mean"), ("error", "variance")}), BY_BOTH["squared"].summed).together(
        BY_BOTH["absolute"]
    )
    return accumulator.update(accumulator.init(), Evidence(*values))


@settings(max_examples=150, deadline=None)
@given(close_together(), st.sampled_from(["squared", "absolute"]))
def test_no_area_is_farther_from_the_exact_one_than_its_bound(values, loss):
    state, suffix = order_of(values), "" if loss == "squared" else "_abs"
    exact = rh.evaluate(*values, metrics=[f"aurc{suffix}", f"e_aurc{suffix}", f"augrc{suffix}"])
    area, least = area_by_sigma(state, loss), area_by_loss(state, loss)
    found = {"aurc": area, "augrc": generalised_area(state, loss)}

    for name, estimate in found.items():
        assert abs(estimate.value - exact[name + suffix]) <= estimate.bound + 1e-12
    oracle = exact[f"aurc{suffix}"] - exact[f"e_aurc{suffix}"]
    assert abs(least.value - oracle) <= least.bound + 1e-12


@settings(max_examples=150, deadline=None)
@given(close_together(), st.integers(1, 100))
def test_no_selective_risk_is_farther_from_the_exact_one_than_its_bound(values, percent):
    target, mean, variance = values
    kept = -(-percent * target.size // 100)
    estimate = risk_of_first(order_of(values), kept)
    exact = tied_means((target - mean) ** 2, np.sqrt(variance))[:kept].mean()

    assert abs(estimate.value - exact) <= estimate.bound + 1e-12


@settings(max_examples=150, deadline=None)
@given(close_together(), st.sampled_from([("target", "mean"), ("error", "variance")]))
def test_no_rank_correlation_is_farther_from_the_exact_one_than_its_bound(values, sides):
    target, mean, variance = values
    estimate = rank_correlation_of(order_of(values), *sides)
    pair = (target, mean) if sides[0] == "target" else (np.abs(target - mean), variance)
    if estimate is None or any(np.ptp(side) == 0 for side in pair):
        return

    assert abs(estimate.value - spearmanr(*pair).statistic) <= estimate.bound + 1e-12


@pytest.mark.parametrize("kind", ["usual", "float32", "heavy tails"])
def test_bounds_hold_and_are_below_the_tolerance_where_numbers_are_spread_out(kind):
    values = KINDS[kind]
    state = order_of(values)
    exact = rh.evaluate(*values, metrics=["aurc", "augrc", "aurc_oracle", "spearman_rho"], exact=True)
    found = {
        "aurc": area_by_sigma(state, "squared"),
        "augrc": generalised_area(state, "squared"),
        "aurc_oracle": area_by_loss(state, "squared"),
        "spearman_rho": rank_correlation_of(state, "target", "mean"),
    }

    for name, estimate in found.items():
        assert abs(estimate.value - exact[name]) <= estimate.bound <= 5e-4 * max(1, exact[name])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([0.0, 1e-300, 0.1, 0.1 + 2**-56, 1.0, 1e300, np.inf]), min_size=1, max_size=40))
def test_losses_come_in_the_order_of_sigma_with_ties_averaged(sigma):
    sigma = np.array(sigma)
    losses = np.random.default_rng(0).random(sigma.size)
    order = np.argsort(sigma, kind="stable")
    expected = [losses[sigma == s].mean() for s in sigma[order]]

    np.testing.assert_allclose(tied_means(losses, sigma), expected, rtol=1e-12)


def test_scoring_a_small_cell_compiles_nothing():
    code = (
        "import sys, numpy as np, regharness as rh\n"
        "rh.evaluate(*np.random.default_rng(0).random((3, 100)))\n"
        "assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("kind", ["one sigma", "ties", "few sigmas"])
def test_few_distinct_numbers_need_no_sorting(kind):
    target, mean, variance = KINDS[kind]
    metric = METRICS["aurc"]
    state = metric.update(metric.init(), target, mean, variance)
    exact = rh.evaluate(target, mean, variance, "aurc", exact=True)["aurc"]
    found = metric.finalize(state)

    assert found == pytest.approx(exact, rel=1e-9)
    assert area_by_sigma(state, "squared").bound <= 1e-9 * exact


@pytest.mark.parametrize("name", ["mse", "aurc", "medae"])
def test_arrays_can_be_filled_again_for_the_next_block(name):
    values = usual(300)
    metric, state = METRICS[name], METRICS[name].init()
    arrays = [np.empty(100) for _ in values]
    for start in range(0, 300, 100):
        for array, part in zip(arrays, values, strict=True):
            array[:] = part[start : start + 100]
        state = metric.update(state, *arrays)

    assert metric.finalize(state) == pytest.approx(rh.evaluate(*values, metrics=name)[name], rel=1e-12)
