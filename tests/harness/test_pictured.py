"""Curves that reports draw whatever a spec names, and how labels of shifts are read."""

import numpy as np
import pytest
import xarray as xr

from regharness.catalog import load_catalog
from regharness.dims import DONE, FAILED
from regharness.pictured import pictured_curves, pictured_metrics
from regharness.shift_labels import by_operator, operator_of, strongest

SHIFTS = ["identity", "gc_content@1", "gc_content@5", "assay_noise@3", "reverse_complement"]
DIMS = ("model", "shift", "seed", "example", "output")
SHAPE = (2, len(SHIFTS), 2, 40, 2)


@pytest.fixture
def cube():
    rng = np.random.default_rng(3)
    return xr.Dataset(
        {
            "mean": (DIMS, np.zeros(SHAPE, np.float32)),
            "aleatoric_variance": (DIMS, rng.gamma(2, 1, SHAPE).astype(np.float32)),
            "target": (DIMS[1:], rng.normal(size=SHAPE[1:]).astype(np.float32)),
            "status": (DIMS[:3], np.full(SHAPE[:3], DONE, np.int8)),
        },
        coords={"model": ["cnn", "ridge"], "shift": SHIFTS, "seed": [0, 1], "output": ["K562", "HepG2"]},
    )


@pytest.fixture
def curves(cube):
    return lambda: pictured_curves(cube, load_catalog())


def test_the_curves_of_retained_fraction_and_of_interval_coverage_are_pictured():
    assert list(pictured_metrics(load_catalog())) == ["interval_calibration_curve", "risk_coverage_curve"]


def test_curves_are_of_identity_and_the_highest_severity_of_each_operator(curves):
    assert curves()["shift"].values.tolist() == ["identity", "gc_content@5", "assay_noise@3", "reverse_complement"]


def test_the_risk_of_everything_retained_is_the_mean_squared_error(curves, cube):
    squares = np.square(cube["target"].sel(shift="gc_content@5").values.astype(float)).mean(axis=1)
    risk = curves()["risk_coverage_curve"].sel(model="cnn", shift="gc_content@5", retained_fraction=1.0)
    assert float(risk) == pytest.approx(squares.mean(), rel=1e-12)


def test_a_seed_whose_cell_is_not_done_is_left_out(curves, cube):
    cube["status"].loc[{"model": "cnn", "shift": "identity", "seed": 0}] = FAILED
    squares = np.square(cube["target"].sel(shift="identity", seed=1).values.astype(float)).mean(axis=0)
    risk = curves()["risk_coverage_curve"].sel(model="cnn", shift="identity", retained_fraction=1.0)
    assert float(risk) == pytest.approx(squares.mean(), rel=1e-12)


def test_a_model_with_no_cell_done_has_no_curve(curves, cube):
    cube["status"].loc[{"model": "cnn", "shift": "identity"}] = FAILED
    assert curves()["risk_coverage_curve"].sel(model="cnn", shift="identity").isnull().all()


def test_a_model_that_gives_no_variance_has_no_curve(curves, cube):
    cube["aleatoric_variance"].loc[{"model": "ridge"}] = np.nan
    found = curves()["interval_calibration_curve"].isnull().all(("shift", "level"))
    assert found.values.tolist() == [False, True]


def test_a_seed_that_gives_no_variance_is_missing_and_not_left_out(curves, cube):
    cube["aleatoric_variance"].loc[{"model": "ridge", "seed": 1}] = np.nan
    assert curves()["risk_coverage_curve"].sel(model="ridge").isnull().all()


def test_predictions_of_milder_severities_are_not_read(curves, cube):
    cube["aleatoric_variance"].loc[{"shift": "gc_content@1"}] = -1.0
    assert curves()["risk_coverage_curve"].notnull().all()


def test_a_shift_is_its_operator_at_a_severity():
    assert by_operator(SHIFTS) == {
        "gc_content": {1: "gc_content@1", 5: "gc_content@5"},
        "assay_noise": {3: "assay_noise@3"},
        "reverse_complement": {1: "reverse_complement"},
    }


def test_severities_go_from_mild_to_strong_as_numbers():
    assert list(by_operator(["a@10", "a@9"])["a"]) == [9, 10]


@pytest.mark.parametrize(("label", "operator"), [("a@b@3", "a@b"), ("a@b", "a@b"), ("@3", "@3"), ("a@", "a@")])
def test_what_is_no_severity_belongs_to_the_name(label, operator):
    assert operator_of(label) == operator


def test_the_strongest_of_no_shift_is_identity_alone():
    assert strongest(["identity"]) == ["identity"]
