"""What a cube keeps of the examples' covariates."""

import numpy as np
import pytest
import xarray as xr
from builders import spec, write

from regharness.api import run as run_spec

TEXT = ["chr1", "chrX", "été"]
MEASURED = """
from dataclasses import replace

import numpy as np

from regharness import hookimpl
from regharness.interfaces import Metric
from regharness_toys import Half, Toy


class Known(Toy):
    def __init__(self, test: int = 3, kind: str = "float", of: str = "test", name: str = "depth"):
        super().__init__(test=test, outputs=("a",))
        self.kind, self.of, self.name = kind, of, name

    def generate(self, seed):
        made = super().generate(seed)
        n = len(made.test)
        values = {
            "float": np.resize([0.1, np.nan, 3.0], n),
            "int": np.resize([1, 2, 2**40], n),
            "bool": np.resize([True, False, True], n),
            "text": np.resize(np.array(["chr1", "chrX", "été"]), n),
        }[self.kind]
        return replace(made, test=replace(made.test, covariates={self.name: values}))


class Other(Half):
    def __init__(self, text: bool = False):
        self.text = text

    def apply(self, dataset, severity, rng):
        test = dataset.test
        turned = {name: values.astype(str) for name, values in test.covariates.items()}
        return replace(test, covariates=turned if self.text else {})


class ShareOf(Metric):
    direction = "higher"
    needs = ("covariates.group",)

    def score_evidence(self, evidence):
        return float((evidence.covariates["group"] == "chr1").mean())


@hookimpl
def regharness_metrics():
    return {"share_of": ShareOf}


@hookimpl
def regharness_data_generators():
    return {"known": Known}


@hookimpl
def regharness_shift_operators():
    return {"other": Other}
"""


@pytest.fixture
def make(toys, install, tmp_path):
    """Run the data with some parameters, with shifts, and open the cube as anybody would."""
    install("regharness_known", MEASURED)

    def run(shifts=(), seeds=(0,), metrics=("mse",), folder="r", **parameters):
        task = {"name": "t", "data": {"use": "known", "with": parameters}, "shifts": list(shifts)}
        models = [{"name": "m", "use": "constant"}]
        file = write(tmp_path, spec(tasks=[task], seeds=list(seeds), models=models, metrics=list(metrics)))
        return run_spec(file, tmp_path / folder)

    return run


def stored(run, name, shift="identity"):
    return xr.open_zarr(run.folder / "cubes" / "t.zarr").sel(shift=shift, seed=0)[name].values


@pytest.mark.parametrize(
    ("kind", "kept"),
    [("float", [0.1, np.nan, 3.0]), ("int", [1.0, 2.0, 2.0**40]), ("bool", [1.0, 0.0, 1.0])],
)
def test_a_covariate_of_numbers_is_kept_in_double_precision(make, kind, kept):
    values = stored(make(kind=kind), "covariate_depth")
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, kept)


def test_a_covariate_of_text_is_kept(make):
    assert stored(make(kind="text"), "covariate_depth").tolist() == TEXT


def test_any_name_of_a_covariate_can_be_a_file(make):
    assert stored(make(name="CpG o/e"), "covariate_CpG%20o%2Fe")[0] == 0.1


def test_a_covariate_of_numbers_that_a_test_set_has_not_is_missing_there(make):
    assert np.isnan(stored(make([{"use": "other"}]), "covariate_depth", "other@1")).all()


def test_a_covariate_of_text_that_a_test_set_has_not_is_empty_there(make):
    run = make([{"use": "other"}], kind="text")
    assert stored(run, "covariate_depth", "other@1").tolist() == ["", "", ""]


def test_a_test_set_made_anew_leaves_nothing_of_what_it_was(make):
    make(test=5)
    run = make(test=2, name="other")
    assert np.isnan(stored(run, "covariate_depth")).all()
    np.testing.assert_array_equal(stored(run, "covariate_other")[:2], [0.1, np.nan])
    assert np.isnan(stored(run, "target")[2:]).all()


def test_covariates_grow_with_the_cube(make):
    make()
    run = make([{"use": "half"}], seeds=[0, 1], test=4)
    assert stored(run, "covariate_depth", "half@1").shape == (4,)
    np.testing.assert_array_equal(stored(run, "covariate_depth"), [0.1, np.nan, 3.0, 0.1])


def test_a_covariate_that_is_a_number_here_and_text_there_is_refused(make):
    run = make([{"use": "other", "with": {"text": True}}])
    assert [f["shift"] for f in run.failures] == ["other@1"]
    assert "covariate 'depth' is text, elsewhere a number" in run.failures[0]["reason"]


def test_a_metric_sees_the_covariates_of_a_cell(make):
    run = make(kind="text", name="group", metrics=["mse", "share_of"])
    assert run.scores["share_of"].values.item() == pytest.approx(1 / 3)
