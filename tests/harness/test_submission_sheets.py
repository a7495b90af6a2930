"""Sheets: scores as JSON and back, and what of two is different."""

import copy
import json

import numpy as np
import pytest
import xarray as xr
from submissions import finished_run, manifest

from regharness.catalog import load_catalog
from regharness.submission.packing import pack
from regharness.submission.refusal import Refused
from regharness.submission.sheet_reading import from_plain
from regharness.submission.sheets import differences, to_plain
from regharness.submission.side_by_side import side_by_side


@pytest.fixture
def plain(toys, tmp_path):
    run = finished_run(tmp_path)
    pack(run, "constant", tmp_path / "constant.zip", load_catalog())
    return manifest(tmp_path / "constant.zip")["claims"]


def changed(plain, change):
    other = copy.deepcopy(plain)
    change(other["tasks"]["t"])
    return other


def test_a_sheet_comes_back_from_its_json_as_it_was(plain):
    assert to_plain(from_plain(json.loads(json.dumps(plain)), "claims")) == plain


def test_what_is_not_there_and_what_is_infinite_survive(plain):
    def change(task):
        task["scores"]["mse"]["values"][0][0] = [None, "inf"]

    scores = from_plain(changed(plain, change), "claims").scores["mse"]
    assert np.isnan(scores.values[0, 0, 0, 0])
    assert scores.values[0, 0, 0, 1] == np.inf


def test_a_sheet_does_not_differ_from_itself(plain):
    sheet = from_plain(plain, "claims")
    assert list(differences(sheet, sheet)) == []


@pytest.mark.parametrize("part", ["scores", "blocks", "curves"])
def test_one_number_that_differs_is_named_with_its_place(plain, part):
    name = {"scores": "mse", "blocks": "crps", "curves": "risk_coverage_curve"}[part]

    def change(task):
        values = task[part][name]["values"]
        while isinstance(values[0], list):
            values = values[0]
        values[0] += 1e-6

    (told,) = differences(from_plain(changed(plain, change), "claims"), from_plain(plain, "claims"))
    assert name in told
    assert "shift identity" in told


def test_a_sum_in_another_order_is_no_difference(plain):
    def change(task):
        task["scores"]["mse"]["values"][0][0][0] *= 1 + 1e-15

    assert not list(differences(from_plain(changed(plain, change), "claims"), from_plain(plain, "claims")))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda task: task["scores"]["mse"]["values"].pop(), "mse has not one number for each shift, seed, output"),
        (lambda task: task["scores"]["mse"]["values"][0][0].pop(), "inhomogeneous"),
        (lambda task: task["scores"]["mse"].update(dims=["shift", "seed", "world"]), "mse is along shift, seed, world"),
        (lambda task: task["scores"].pop("n_valid"), "there is no n_valid"),
        (lambda task: task["scores"]["mse"].update(values="much"), "could not convert"),
        (lambda task: task.update(shifts=["a" * 300]), "at most 200 characters"),
        (lambda task: task.update(more=1), "not permitted"),
        (lambda task: task["curves"]["risk_coverage_curve"].update(dims=["seed", "retained_fraction"]), "is not along"),
    ],
)
def test_what_is_no_sheet_is_refused_with_a_reason(plain, change, reason):
    with pytest.raises(Refused, match=reason):
        from_plain(changed(plain, change), "claims")


def test_models_side_by_side_keep_their_scores(plain):
    def change(task):
        task["scores"]["mse"]["values"][0][0][0] = 5.0

    one, other = from_plain(plain, "claims"), from_plain(changed(plain, change), "claims")
    both = side_by_side({"one": one, "other": other}).scores
    assert both["mse"].dims[:2] == ("task", "model")
    xr.testing.assert_equal(both["mse"].sel(model="one").drop_vars("model"), one.scores["mse"])
    assert both["mse"].sel(model="other").values[0, 0, 0, 0] == 5.0


def test_a_shift_that_one_model_lacks_is_missing_and_never_zero(plain):
    sheet = from_plain(plain, "claims")
    less = type(sheet)(*(part.isel(shift=slice(1, None)) for part in (sheet.scores, sheet.blocks, sheet.curves)))
    both = side_by_side({"whole": sheet, "less": less}).scores
    assert np.isnan(both["mse"].sel(model="less", shift="identity")).all()
    assert (both["status"].sel(model="less", shift="identity") == -1).all()
