"""Scores under shift against identity."""

import math

import numpy as np
import pytest
import xarray as xr

import regharness as rh
from regharness.catalog import load_catalog
from regharness.dims import ABSENT, DONE, FAILED
from regharness.interfaces import ShiftMetric

NAN, INF = math.nan, math.inf


def make(name, **parameters) -> ShiftMetric:
    return load_catalog().create("metric", name, parameters)


def scores(*values, shifts=("gc_content", "identity", "assay_noise")):
    return xr.DataArray(
        [values], dims=("model", "shift"), coords={"model": ["cnn"], "shift": list(shifts)}
    ).assign_coords(severity=("shift", np.arange(len(shifts))))


@pytest.mark.parametrize(
    ("direction", "relative", "values", "expected"),
    [
        ("lower", False, (3.0, 2.0, 1.0), (1.0, 0.0, -1.0)),
        ("higher", False, (3.0, 2.0, 1.0), (-1.0, 0.0, 1.0)),
        (0.9, False, (0.8, 0.95, 0.9), (0.05, 0.0, -0.05)),
        ("lower", True, (3.0, 2.0, 1.0), (0.5, 0.0, -0.5)),
        ("lower", True, (-1.0, -2.0, -3.0), (0.5, 0.0, -0.5)),
        ("higher", True, (0.5, 0.8, 0.8), (0.375, 0.0, 0.0)),
        (0.9, True, (0.7, 0.8, 0.9), (1.0, 0.0, -1.0)),
        ("lower", True, (3.0, 0.0, 0.0), (INF, 0.0, NAN)),
        ("lower", False, (NAN, 2.0, 1.0), (NAN, 0.0, -1.0)),
        ("lower", False, (3.0, NAN, 1.0), (NAN, NAN, NAN)),
        ("lower", False, (INF, INF, 1.0), (NAN, 0.0, -INF)),
    ],
)
def test_degradation_is_positive_where_a_shift_makes_the_metric_worse(direction, relative, values, expected):
    change = make("degradation", relative=relative).compare(scores(*values), direction)

    np.testing.assert_allclose(change.values, [expected], rtol=1e-12)


def test_degradation_keeps_the_coordinates_of_the_shifts():
    given = scores(3.0, 2.0, 1.0)

    assert make("degradation").compare(given, "lower").coords.equals(given.coords)


@pytest.mark.parametrize(
    ("direction", "values", "expected"),
    [
        ("lower", (3.0, 9.0, 4.0), 4.0),
        ("higher", (3.0, 1.0, 4.0), 3.0),
        (0.9, (0.85, 0.1, 0.99), 0.99),
        ("lower", (INF, 1.0, 4.0), INF),
        ("lower", (NAN, 1.0, 4.0), NAN),
        ("lower", (3.0, NAN, 4.0), 4.0),
        ("higher", (INF, 1.0, INF), INF),
    ],
)
def test_worst_shift_is_the_score_of_the_worst_shift_that_is_not_identity(direction, values, expected):
    worst = make("worst_shift").compare(scores(*values), direction)

    np.testing.assert_array_equal(worst.values, [expected])


def test_worst_shift_carries_the_direction_of_the_compared_metric():
    assert make("worst_shift").compare(scores(3.0, 2.0, 1.0), "higher").attrs["direction"] == "higher"


def test_worst_shift_reduces_the_shift_alone():
    given = scores(3.0, 2.0, 1.0).expand_dims(seed=[0, 1])

    assert make("worst_shift").compare(given, "lower").dims == ("seed", "model")


def test_worst_shift_passes_over_a_shift_that_was_never_asked_for():
    given = scores(NAN, 2.0, 1.0).assign_coords(status=("shift", [ABSENT, DONE, DONE]))

    assert make("worst_shift").compare(given, "lower").item() == 1.0


def test_worst_shift_is_missing_when_a_shift_failed():
    given = scores(NAN, 2.0, 1.0).assign_coords(status=("shift", [FAILED, DONE, DONE]))

    assert math.isnan(make("worst_shift").compare(given, "lower").item())


def test_worst_shift_without_a_shift_is_missing():
    assert math.isnan(make("worst_shift").compare(scores(1.0, shifts=("identity",)), "lower").item())


@pytest.mark.parametrize("name", ["degradation", "worst_shift"])
def test_comparison_without_identity_is_refused(name):
    with pytest.raises(rh.InputError, match="the scores have no shift 'identity'"):
        make(name).compare(scores(1.0, 2.0, shifts=("a", "b")), "lower")


@pytest.mark.parametrize("name", ["degradation", "worst_shift"])
def test_comparison_leaves_its_input_as_it_was(name):
    given = scores(3.0, NAN, 1.0)
    before = given.copy(deep=True)
    make(name).compare(given, 0.9)

    xr.testing.assert_identical(given, before)


def test_misspelt_parameter_is_refused_with_the_right_one():
    with pytest.raises(rh.InputError, match="relative"):
        make("degradation", relativ=True)
