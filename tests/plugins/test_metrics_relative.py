"""Scores under shift beside those of other models, and over severity."""

import math

import numpy as np
import pytest
import xarray as xr
from scipy.stats import linregress

import regharness as rh
from regharness.catalog import load_catalog
from regharness.dims import ABSENT, DONE, FAILED
from regharness.interfaces import ShiftMetric

NAN, INF = math.nan, math.inf
LABELS = ("identity", "noise@1", "noise@3", "gc@5")
REDUCING = [
    *((name, direction) for name in ("mce", "relative_mce", "severity_auc") for direction in ("lower", 0.9)),
    ("coverage_gap", 0.9),
]


def make(name, **parameters) -> ShiftMetric:
    return load_catalog().create("metric", name, parameters)


def scores(*models, shifts=LABELS, status=None):
    names = [f"m{index}" for index in range(len(models))]
    made = xr.DataArray(np.array(models, dtype=float), {"model": names, "shift": list(shifts)}, ("model", "shift"))
    return made if status is None else made.assign_coords(status=(("model", "shift"), status))


def by_hand(name, given, direction="lower", **parameters):
    return make(name, **parameters).compare(given, direction).values


REFERENCE, MODEL = (1.0, 2.0, 4.0, 5.0), (2.0, 3.0, 6.0, 4.0)


def test_mce_is_the_mean_over_operators_of_ratios_of_sums_over_severities():
    np.testing.assert_allclose(by_hand("mce", scores(REFERENCE, MODEL)), [1.0, (9 / 6 + 4 / 5) / 2], rtol=1e-12)


def test_relative_mce_compares_the_degradations():
    expected = [1.0, ((1 + 4) / (1 + 3) + 2 / 4) / 2]
    np.testing.assert_allclose(by_hand("relative_mce", scores(REFERENCE, MODEL)), expected, rtol=1e-12)


def test_reference_is_the_model_of_that_name():
    np.testing.assert_allclose(
        by_hand("mce", scores(REFERENCE, MODEL), reference="m1"), [(6 / 9 + 5 / 4) / 2, 1.0], rtol=1e-12
    )


def test_error_of_a_correlation_is_what_it_lacks_to_one():
    given = scores((0.9, 0.8, 0.6, 0.5), (0.9, 0.9, 0.7, 0.75))
    np.testing.assert_allclose(by_hand("mce", given, "higher"), [1.0, ((0.1 + 0.3) / 0.6 + 0.5) / 2], rtol=1e-12)


def test_error_of_a_coverage_is_its_distance_to_the_level():
    given = scores((0.9, 0.8, 1.0, 0.7), (0.9, 0.85, 0.95, 0.8))
    np.testing.assert_allclose(by_hand("mce", given, 0.9), [1.0, 0.5], rtol=1e-12)


def test_degradations_of_a_metric_where_higher_is_better_are_its_losses():
    given = scores((0.9, 0.8, 0.6, 0.5), (0.7, 0.7, 0.5, 0.5))
    np.testing.assert_allclose(by_hand("relative_mce", given, "higher"), [1, (0.2 / 0.4 + 0.2 / 0.4) / 2], rtol=1e-12)


@pytest.mark.parametrize(("direction", "value"), [("lower", -0.5), ("higher", 1.5)])
def test_ratio_of_what_is_no_error_is_refused(direction, value):
    with pytest.raises(rh.InputError, match=r"mce divides errors, and that of 'nll' falls to -0.5") as caught:
        by_hand("mce", scores((0.5, 0.5, value, 0.5)), direction, of="nll")
    assert "relative_mce takes any" in caught.value.problems[0].help


def test_degradation_of_a_likelihood_has_a_ratio():
    np.testing.assert_allclose(by_hand("relative_mce", scores((-2, -1, -1, 0), (-2, 0, 0, 2))), [1, 2], rtol=1e-12)


@pytest.mark.parametrize("name", ["mce", "relative_mce"])
def test_unknown_reference_is_refused_with_the_nearest(name):
    with pytest.raises(rh.InputError, match="the reference is no model named 'm9'"):
        by_hand(name, scores(REFERENCE, MODEL), reference="m9")


def test_a_reference_of_no_error_makes_any_error_infinite():
    np.testing.assert_array_equal(by_hand("mce", scores((0, 0, 0, 0), MODEL)), [NAN, INF])


@pytest.mark.parametrize("name", ["mce", "relative_mce"])
def test_a_cell_that_failed_in_the_reference_leaves_nothing_to_compare_with(name):
    assert np.isnan(by_hand(name, scores((1, NAN, 4, 5), MODEL))).all()


def test_severity_area_is_that_of_trapezoids_from_identity_over_the_range():
    noise = (0.5 * (1 + 2) * 1 + 0.5 * (2 + 4) * 2) / 3
    np.testing.assert_allclose(by_hand("severity_auc", scores(REFERENCE)), [(noise + 3.0) / 2], rtol=1e-12)


def test_severity_area_of_a_constant_score_is_that_score():
    np.testing.assert_allclose(by_hand("severity_auc", scores((0.3, 0.3, 0.3, 0.3)), "higher"), [0.3], rtol=1e-12)


def test_severity_area_of_a_coverage_is_that_of_its_distance():
    found = make("severity_auc").compare(scores((0.9, 0.8, 1.0, 0.9)), 0.9)
    np.testing.assert_allclose(found, [((0.05 + 0.2) / 3 + 0) / 2], rtol=1e-12)
    assert found.attrs["direction"] == "lower"


def test_severity_curve_is_the_mean_over_operators_at_each_severity():
    given = scores((1, 2, 4, 6, 8), shifts=("identity", "noise@1", "noise@3", "gc@3", "gc@5"))
    curve = make("severity_curve").compare(given, "higher")
    assert curve.dims == ("model", "at_severity")
    assert curve["at_severity"].values.tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(curve.values, [[1, 2, NAN, 5, NAN, 8]])
    assert curve.attrs["direction"] == "higher"


def test_severity_is_read_from_its_coordinate_where_there_is_one():
    coords = {"severity": ("shift", [0, 2, 4]), "shift_operator": ("shift", ["identity", "a", "a"])}
    given = scores((1, 2, 4), shifts=("identity", "mild", "strong")).assign_coords(coords)
    np.testing.assert_array_equal(by_hand("severity_curve", given), [[1, NAN, 2, NAN, 4, NAN]])
    np.testing.assert_allclose(by_hand("severity_auc", given), [(3 + 6) / 4], rtol=1e-12)


def test_a_missing_score_is_missing_at_its_severity_alone():
    given = scores((1, NAN, 4, 6), status=[[DONE, FAILED, DONE, DONE]])
    np.testing.assert_array_equal(by_hand("severity_curve", given), [[1, NAN, NAN, 4, NAN, 6]])


def test_coverage_gap_is_the_mean_growth_of_the_distance_to_the_level():
    given = scores((0.88, 0.8, 0.98, 0.5))
    np.testing.assert_allclose(by_hand("coverage_gap", given, 0.9), [(0.08 + 0.06 + 0.38) / 3], rtol=1e-12)
    np.testing.assert_allclose(by_hand("coverage_gap", given, 0.9, over="worst"), [0.38], rtol=1e-12)


def test_coverage_gap_of_an_error_is_refused():
    with pytest.raises(rh.InputError, match="coverage_gap needs a metric with a target value, and 'mse' has none"):
        by_hand("coverage_gap", scores(REFERENCE), "lower", of="mse")


@pytest.mark.parametrize(("name", "direction"), REDUCING)
class TestAReducingComparison:
    def test_reduces_the_shift_alone(self, name, direction):
        given = scores(REFERENCE, MODEL).expand_dims(seed=[0, 1])
        assert make(name).compare(given, direction).dims == ("seed", "model")

    def test_a_shift_that_failed_leaves_no_score(self, name, direction):
        status = [[DONE] * 4, [DONE, DONE, FAILED, DONE]]
        found = by_hand(name, scores(REFERENCE, (2, 3, NAN, 4), status=status), direction)
        assert np.isnan(found).tolist() == [False, True]

    def test_a_shift_never_asked_for_is_passed_over(self, name, direction):
        status = [[DONE, DONE, ABSENT, DONE]] * 2
        more = scores((1, 2, NAN, 5), (2, 3, NAN, 4), status=status)
        less = scores((1, 2, 5), (2, 3, 4), shifts=("identity", "noise@1", "gc@5"))
        np.testing.assert_allclose(by_hand(name, more, direction), by_hand(name, less, direction), rtol=1e-12)

    def test_a_model_that_takes_no_part_has_no_score(self, name, direction):
        given = scores(REFERENCE, (NAN,) * 4, status=[[DONE] * 4, [ABSENT] * 4])
        assert np.isnan(by_hand(name, given, direction)).tolist() == [False, True]

    def test_without_a_shift_there_is_no_score(self, name, direction):
        assert np.isnan(by_hand(name, scores((1,), shifts=("identity",)), direction)).all()

    def test_scores_without_identity_are_refused(self, name, direction):
        with pytest.raises(rh.InputError, match="the scores have no shift 'identity'"):
            by_hand(name, scores((1, 2), shifts=("a@1", "b@1")), direction)

    def test_leaves_its_input_as_it_was(self, name, direction):
        given = scores(REFERENCE, (2, NAN, 6, 4))
        before = given.copy(deep=True)
        by_hand(name, given, direction)
        xr.testing.assert_identical(given, before)


LOSSES = np.array([[1.0, 2.0], [1.5, 2.6], [2.0, 4.5], [3.0, 5.5], [4.0, 9.0]])
SCALES = {"log": (np.log, np.exp), "arctanh": (np.arctanh, np.tanh), "linear": (np.array, np.array)}


def effective(values, direction, **parameters):
    given = scores(*values, shifts=("identity", "noise@1"))
    return make("effective_robustness", **parameters).compare(given, direction)


def left_out(values, scale):
    there, back = SCALES[scale]
    gains = []
    for index in range(len(values)):
        line = linregress(*there(np.delete(values, index, axis=0)).T)
        gains.append(values[index, 1] - back(line.intercept + line.slope * there(values[index, 0])))
    return np.array(gains)


@pytest.mark.parametrize(
    ("direction", "scale", "values", "used"),
    [
        ("lower", "auto", LOSSES, "log"),
        ("lower", "linear", LOSSES, "linear"),
        ("lower", "auto", LOSSES - 3, "linear"),
        ("higher", "auto", 1 / (1 + LOSSES), "arctanh"),
        ("higher", "auto", LOSSES, "linear"),
        ("higher", "linear", 1 / (1 + LOSSES), "linear"),
    ],
)
def test_effective_robustness_is_the_distance_to_the_line_through_the_other_models(direction, scale, values, used):
    found = effective(values, direction, scale=scale).sel(shift="noise@1").values
    sign = 1 if direction == "higher" else -1
    np.testing.assert_allclose(found, sign * left_out(values, used), rtol=1e-10, atol=1e-12)


def test_a_model_off_the_line_of_the_others_is_as_robust_as_it_is_off():
    # The other four lie on shifted = 2 identity.
    values = np.array([[1, 2], [2, 4], [3, 6], [4, 8], [2.5, 3.5]])
    assert effective(values, "lower").sel(model="m4", shift="noise@1").item() == pytest.approx(1.5, rel=1e-12)


def test_effective_robustness_on_identity_is_zero():
    assert effective(LOSSES, "lower").sel(shift="identity").values.tolist() == [0.0] * 5


def test_effective_robustness_is_a_distance_to_the_target_of_a_coverage():
    values = np.array([[0.01, 0.02], [0.02, 0.04], [0.03, 0.06], [0.05, 0.2]])
    found = effective(0.9 - values, 0.9).sel(model="m3", shift="noise@1").item()
    assert found == pytest.approx(0.1 - 0.2, rel=1e-9)


def test_fewer_than_three_other_models_make_no_line():
    assert np.isnan(effective(LOSSES[:3], "lower").values).all()
    assert np.isnan(effective(LOSSES[:1], "lower").values).all()


def test_a_model_without_a_score_is_not_part_of_the_line():
    values = np.vstack([LOSSES, [5.0, NAN]])
    found = effective(values, "lower").sel(shift="noise@1").values
    np.testing.assert_allclose(found, [*-left_out(LOSSES, "log"), NAN], rtol=1e-10)


def test_other_models_of_one_score_make_no_line():
    values = np.array([[1, 2], [1, 3], [1, 4], [2, 5]])
    assert math.isnan(effective(values, "lower").sel(model="m3", shift="noise@1").item())


def test_a_score_that_its_scale_does_not_have_is_missing():
    values = np.vstack([LOSSES, [-1.0, 2.0]])
    found = effective(values, "lower", scale="log").sel(shift="noise@1").values
    np.testing.assert_allclose(found, [*-left_out(LOSSES, "log"), NAN], rtol=1e-10)


@pytest.mark.parametrize(
    ("target", "variance", "retained", "expected"),
    [
        ([1, 2, 3, 4, 10], [1, 2, 3, 4, 5], 80, 1 - 7.5 / 26),
        ([1, 2, 3, 4, 10], [5, 4, 3, 2, 1], 80, 1 - 32.25 / 26),
        ([1, 2, 3, 4, 10], [1, 1, 1, 1, 1], 80, 0.0),
        ([1, 3], [1, 2], 50, 1 - 1 / 5),
        ([0, 0], [1, 2], 50, NAN),
        ([2], [1], 80, 0.0),
    ],
)
def test_selective_gain_is_the_share_of_squared_error_saved(target, variance, retained, expected):
    target = np.array(target, dtype=float)
    metric = load_catalog().create("metric", "selective_gain", {"retained": retained})
    assert metric.score(target, np.zeros_like(target), np.array(variance, dtype=float)) == pytest.approx(
        expected, rel=1e-12, abs=1e-12, nan_ok=True
    )


@pytest.mark.parametrize("name", [*dict(REDUCING), "effective_robustness", "severity_curve"])
@pytest.mark.parametrize("worst", [NAN, INF])
def test_a_shift_without_a_finite_score_gives_no_warning(name, worst):
    given = scores(*([1.0 + i, worst, 2.0 + i, 3.0 + i] for i in range(5)))
    assert make(name).compare(given, 0.9 if name == "coverage_gap" else "lower").sizes["model"] == 5
