"""Metrics against naive definitions of them at 50 digits, on examples that are hard to score."""

import functools
from fractions import Fraction

import conformance_beside as beside
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from conformance import scores_of
from conformance_cases import cases

import regharness as rh

CASES = cases()
NAMES = list(scores_of([(0.0, 0.0, 1.0)]))
SORTING = {
    *("medae", "spearman_rho", "spearman_error_sigma", "ence", "pit_ks", "pit_cvm", "ause", "risk_coverage_curve"),
    *(name for name in NAMES if name.startswith(("miscalibration", "selective")) or "aur" in name or "prr" in name),
}
"""Those that look at the order of all examples, so that a stream may approximate them."""
ON_BIN_EDGES = {"pit_histogram", "pit_chi2"}
"""On the border of an interval, the last bit of Phi decides on the bin."""
DIFFERENCES = {"bias", "r2", "z_mean", "aurg", "prr", "prr_abs"}
"""Near zero these are right to the rounding of what they are the difference of."""

every_case = pytest.mark.parametrize("case", CASES)


@functools.cache
def defined(case):
    return scores_of(list(zip(*(part.tolist() for part in CASES[case]), strict=True)))


def assert_defined(found, case, without=frozenset()):
    left_out = without | (ON_BIN_EDGES if case.startswith("border") else set())
    for name in NAMES:
        if name in found and name not in left_out:
            rounding = 1e-14 if name in DIFFERENCES else 0
            np.testing.assert_allclose(found[name], defined(case)[name], rtol=1e-9, atol=rounding, err_msg=name)


def tied(case):
    """What depends on the order of rows that share a sigma."""
    variance = CASES[case][2]
    return {"ence"} if len(np.unique(variance)) < len(variance) else set()


def cube(case, chunk=None):
    parts = [part if chunk is None else da.from_array(part, chunks=chunk) for part in CASES[case]]
    return xr.Dataset(
        {name: ("example", part) for name, part in zip(("target", "mean", "variance"), parts, strict=True)}
    )


@every_case
def test_score_agrees_with_its_definition(case):
    assert_defined(rh.evaluate(*CASES[case], metrics=NAMES), case)


@every_case
@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
def test_score_of_a_cube_agrees_with_its_definition(case, chunked):
    chunk = (1, 2, 7)[list(CASES).index(case) % 3] if chunked else None
    scores = rh.evaluate_cube(cube(case, chunk), metrics=NAMES)

    assert_defined({name: scores[name].values for name in NAMES}, case)


@every_case
def test_score_merged_from_parts_agrees_with_its_definition(case):
    rng = np.random.default_rng(0)
    n = len(CASES[case][0])
    parts = np.split(rng.permutation(n), np.sort(rng.integers(0, n + 1, 4)))
    found = {}
    for name in NAMES:
        if name in SORTING:
            continue
        metric = rh.metric(name)
        states = [metric.update(metric.init(), *(part[rows] for part in CASES[case])) for rows in parts]
        found[name] = metric.finalize(functools.reduce(metric.merge, states))

    assert_defined(found, case)


@every_case
def test_score_of_each_output_agrees_with_its_definition_whatever_the_order_of_rows(case):
    order = np.random.default_rng(1).permutation(len(CASES[case][0]))
    found = rh.evaluate(*(np.stack([part, part[order]], axis=1) for part in CASES[case]), metrics=NAMES)

    assert_defined({name: found[name][0] for name in NAMES}, case)
    assert_defined({name: found[name][1] for name in NAMES}, case, tied(case))


@every_case
def test_score_among_missing_rows_agrees_with_its_definition(case):
    places = np.random.default_rng(2).integers(0, len(CASES[case][0]) + 1, 3)
    # Each of the three rows misses another part.
    parts = [np.insert(part, places, np.where(np.eye(3)[j], np.nan, 1)) for j, part in enumerate(CASES[case])]
    found = rh.evaluate(*parts, metrics=NAMES)

    assert_defined(found, case)
    assert found["n_valid"] == len(CASES[case][0]) - np.isnan(CASES[case]).any(axis=0).sum()


LEVELS = [
    Fraction(1, 40),
    Fraction(1, 10),
    Fraction(1, 4),
    Fraction(1, 2),
    Fraction(3, 4),
    Fraction(9, 10),
    Fraction(39, 40),
]
ensembles = pytest.mark.parametrize("members", [1, 2, 5])
sizes = pytest.mark.parametrize("n", [1, 2, 3, 11])
kinds = pytest.mark.parametrize("kind", ["drawn", "tied", "equal", "float32"])


def ensemble(n, members, kind):
    rng = np.random.default_rng(n)
    y, x = rng.normal(size=n), rng.normal(size=(n, members))
    variance = rng.gamma(2, 0.5, (n, members)) * np.exp(3 * rng.normal(size=(n, members)))
    if kind == "tied":
        y, x, variance = np.round(y), np.round(x), np.round(variance)
    if kind == "equal":
        x, variance = np.repeat(x[:, :1], members, axis=1), np.zeros((n, members))
    if kind == "float32":
        return tuple(part.astype(np.float32) for part in (y + 1e4, x + 1e4, variance))
    return y, x, variance


@sizes
@ensembles
@kinds
def test_score_of_members_agrees_with_its_definition(n, members, kind):
    y, x, variance = ensemble(n, members, kind)
    names = ["crps_fair", "crps_ensemble", "crps_mixture"]
    found = rh.evaluate(y, members=x, member_variance=variance, metrics=names)
    expected = [
        beside.crps_fair(y.tolist(), x.tolist()),
        beside.crps_ensemble(y.tolist(), x.tolist()),
        beside.crps_mixture(y.tolist(), x.tolist(), variance.tolist()),
    ]

    np.testing.assert_allclose([found[name] for name in names], expected, rtol=1e-9)


@sizes
@kinds
def test_score_of_quantiles_that_cross_agrees_with_its_definition(n, kind):
    y, quantiles, _ = ensemble(n, len(LEVELS), kind)
    found = rh.evaluate(y, quantiles=quantiles, quantile_levels=[float(p) for p in LEVELS], metrics=["wis", "pinball"])
    expected = [definition(y.tolist(), quantiles.tolist(), LEVELS) for definition in (beside.wis, beside.pinball)]

    np.testing.assert_allclose([found["wis"], found["pinball"]], expected, rtol=1e-9)


@pytest.mark.parametrize("kind", ["drawn", "tied", "equal", "infinite", "apart"])
@pytest.mark.parametrize("n", [1, 2, 20, 39])
def test_detection_of_a_shift_agrees_with_its_definition(n, kind):
    sigma = np.random.default_rng(n).gamma(2, 1, (2, n))
    sigma = {"tied": np.round(sigma), "equal": np.ones((2, n))}.get(kind, sigma)
    sigma[:, ::3] = np.inf if kind == "infinite" else sigma[:, ::3]
    sigma[1] += 9 if kind == "apart" else 0
    dims, zero = ("shift", "example"), np.zeros((2, n))
    variables = {"target": (dims, zero), "mean": (dims, zero), "variance": (dims, sigma**2)}
    names = ["ood_auroc", "ood_aupr", "ood_fpr95"]
    found = rh.evaluate_cube(xr.Dataset(variables, {"shift": ["identity", "noise"]}), metrics=names)
    expected = [getattr(beside, name)(*sigma.tolist()) for name in names]

    np.testing.assert_allclose([found[name].sel(shift="noise").item() for name in names], expected, rtol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_comparison_of_shifts_agrees_with_its_definition(seed):
    shifts = ["identity", "noise@1", "noise@3", "gc@2", "gc@4", "gc@5"]
    errors = np.random.default_rng(seed).gamma(1, 1, (2, len(shifts)))
    scores = xr.DataArray(errors, {"model": ["reference", "model"], "shift": shifts}, ("model", "shift"))
    (reference_clean, *reference), (clean, *model) = errors.tolist()
    severities = [(1, 3), (2, 4, 5)]
    by_operator = [
        [list(zip(severities[0], of[:2], strict=True)), list(zip(severities[1], of[2:], strict=True))]
        for of in (model, reference)
    ]
    expected = {
        "mce": beside.mce(*by_operator),
        "relative_mce": beside.relative_mce(by_operator[0], clean, by_operator[1], reference_clean),
        "severity_auc": np.mean([beside.severity_area(operator, clean) for operator in by_operator[0]]),
        "worst_shift": max(model),
    }
    found = {name: rh.metric(name).compare(scores, "lower").sel(model="model").item() for name in expected}

    assert found == pytest.approx(expected, rel=1e-9)
