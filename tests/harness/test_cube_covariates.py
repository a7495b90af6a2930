"""What a cube keeps of the examples' covariates."""

import numpy as np
import pytest
import xarray as xr

from regharness.cube import Cube
from regharness.cube_scoring import score_cube
from regharness.errors import CellError
from regharness.interfaces import Metric, Prediction, SequenceBatch


def examples(n, **covariates):
    return SequenceBatch(
        ids=np.arange(n).astype(str),
        sequence=np.zeros((n, 4), np.uint8),
        outputs=("y",),
        target=np.zeros((n, 1), np.float32),
        covariates=covariates,
    )


@pytest.fixture
def cube(tmp_path):
    made = Cube.create(tmp_path / "t.zarr", ["y"], 3, {"unit": "log2"})
    made.grow(["m"], [("identity", "identity", 0), ("moved@1", "moved", 1)], [0], ["y"])
    return made


def stored(cube, name, shift="identity"):
    return xr.open_zarr(cube.path, consolidated=False).sel(shift=shift, seed=0)[name].values


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (np.array([0.1, np.nan, 3.0]), [0.1, np.nan, 3.0]),
        (np.array([1, 2, 2**40]), [1.0, 2.0, 2.0**40]),
        (np.array([True, False, True]), [1.0, 0.0, 1.0]),
    ],
)
def test_a_covariate_of_numbers_is_kept_in_double_precision(cube, given, kept):
    cube.write_test_set("identity", 0, examples(3, depth=given), {})
    values = stored(cube, "covariate_depth")
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, kept)


def test_a_covariate_of_text_is_kept(cube):
    cube.write_test_set("identity", 0, examples(3, chrom=np.array(["chr1", "chrX", "été"])), {})
    assert stored(cube, "covariate_chrom").tolist() == ["chr1", "chrX", "été"]


def test_any_name_of_a_covariate_can_be_a_file(cube):
    cube.write_test_set("identity", 0, examples(3, **{"CpG o/e": np.ones(3)}), {})
    assert stored(cube, "covariate_CpG%20o%2Fe").tolist() == [1.0, 1.0, 1.0]


def test_a_covariate_that_a_test_set_has_not_is_missing_there(cube):
    cube.write_test_set("identity", 0, examples(3, depth=np.ones(3), chrom=np.full(3, "chr1")), {})
    cube.write_test_set("moved@1", 0, examples(3), {})
    assert np.isnan(stored(cube, "covariate_depth", "moved@1")).all()
    assert stored(cube, "covariate_chrom", "moved@1").tolist() == ["", "", ""]


def test_a_test_set_written_again_leaves_nothing_of_what_it_was(cube):
    cube.write_test_set("identity", 0, examples(3, depth=np.ones(3)), {})
    Cube(cube.path).write_test_set("identity", 0, examples(2), {})
    assert np.isnan(stored(cube, "covariate_depth")).all()


def test_covariates_grow_with_the_cube(cube):
    cube.write_test_set("identity", 0, examples(3, depth=np.ones(3)), {})
    cube.grow(["m"], [("more@1", "more", 1)], [0, 1], ["y"])
    cube.write_test_set("more@1", 0, examples(5, depth=np.arange(5)), {})
    assert stored(cube, "covariate_depth", "more@1").tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(stored(cube, "covariate_depth"), [1, 1, 1, np.nan, np.nan])


def test_a_covariate_that_is_a_number_here_and_text_there_is_refused(cube):
    cube.write_test_set("identity", 0, examples(3, depth=np.ones(3)), {})
    with pytest.raises(CellError, match="covariate 'depth' is text, elsewhere a number"):
        cube.write_test_set("moved@1", 0, examples(3, depth=np.full(3, "deep")), {})


class ShareOf(Metric):
    direction = "higher"
    needs = ("covariates.chrom",)

    def score_evidence(self, evidence):
        return float((evidence.covariates["chrom"] == "chr1").mean())


def test_a_metric_sees_the_covariates_of_a_cell(cube):
    cube.write_test_set("identity", 0, examples(3, chrom=np.array(["chr1", "chr2", "chr1"])), {})
    cube.write_prediction("m", "identity", 0, Prediction(np.zeros((3, 1), np.float32)))
    cube.write_status({("m", "identity", 0): (1, "key")})
    scores = score_cube(xr.open_zarr(cube.path, consolidated=False), {"share": ShareOf()})
    assert scores["share"].sel(shift="identity").item() == pytest.approx(2 / 3)
