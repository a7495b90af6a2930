"""From predictions to scores: arrays, labelled arrays, cubes."""

import math

import numpy as np
import pytest
import scipy.stats
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

import regharness as rh
from regharness import cube_cells, cube_slabs
from regharness.catalog import load_catalog
from regharness.cube_scoring import compare_shifts, score_cube
from regharness.dims import ABSENT, DONE, FAILED, MISSING
from regharness.metric_protocols import Evidence, Metric
from regharness.scoring import score_cell
from regharness.statistics import bootstrap_evidence

NAN = math.nan
DIMS = ("model", "shift", "seed", "example", "output")
SHAPE = (2, 3, 2, 40, 2)


def metric(name, **parameters):
    return load_catalog().create("metric", name, parameters)


@pytest.fixture
def arrays():
    rng = np.random.default_rng(2)
    mean, variance = rng.normal(size=(50, 3)), rng.gamma(2, 1, (50, 3))
    return mean + rng.normal(size=(50, 3)) * np.sqrt(variance), mean, variance


@pytest.fixture
def cube():
    rng = np.random.default_rng(4)
    return xr.Dataset(
        {
            "mean": (DIMS, rng.normal(size=SHAPE).astype(np.float32)),
            "aleatoric_variance": (DIMS, rng.gamma(2, 1, SHAPE).astype(np.float32)),
            "epistemic_variance": (DIMS, rng.gamma(1, 1, SHAPE).astype(np.float32)),
            "target": (DIMS[1:], rng.normal(size=SHAPE[1:]).astype(np.float32)),
        },
        coords={
            "model": ["cnn", "linear"],
            "shift": ["identity", "gc_content", "assay_noise"],
            "seed": [0, 1],
            "output": ["K562", "HepG2"],
            "severity": ("shift", [0, 3, 5]),
            "example_id": (("shift", "seed", "example"), np.arange(240).reshape(3, 2, 40).astype(str)),
        },
    )


def test_one_output_gives_plain_floats(arrays):
    scores = rh.evaluate(*(part[:, 0] for part in arrays))

    assert {type(value) for value in scores.values()} == {float, int}


def test_several_outputs_are_each_scored_alone(arrays):
    together = rh.evaluate(*arrays)
    alone = [rh.evaluate(*(part[:, j] for part in arrays)) for j in range(3)]

    assert {name: values.tolist() for name, values in together.items()} == {
        name: [row[name] for row in alone] for name in alone[0]
    }


def test_default_metrics_without_variance_are_those_of_the_mean(arrays):
    assert set(rh.evaluate(*arrays[:2])) == {
        "mse", "r2", "pearson_r", "spearman_rho", "n_valid", "n_dropped",
    }  # fmt: skip


def test_results_come_in_the_order_asked_for(arrays):
    scores = rh.evaluate(*arrays, metrics=["nll", "bias", "crps"])

    assert [*scores] == ["nll", "bias", "crps", "n_valid", "n_dropped"]


def test_single_name_stands_for_a_list_of_one(arrays):
    assert [*rh.evaluate(*arrays, metrics="mae")] == ["mae", "n_valid", "n_dropped"]


def test_counts_can_be_named_though_they_are_always_there():
    assert rh.evaluate([1.0], [2.0], metrics=["mae", "n_valid"]) == {"mae": 1.0, "n_valid": 1, "n_dropped": 0}


def test_example_that_misses_anything_is_dropped_from_every_metric():
    target = np.array([NAN, 1.0, 2.0, 3.0, 9.0])
    mean = np.array([0.0, NAN, 2.0, 4.0, 9.0])
    variance = np.array([1.0, 1.0, 1.0, 1.0, NAN])

    assert rh.evaluate(target, mean, variance, ["mse", "mean_width_50"]) == pytest.approx(
        {"mse": 0.5, "mean_width_50": 2 * 0.6744897501960817, "n_valid": 2, "n_dropped": 3}
    )


def test_each_output_drops_its_own_missing_examples():
    scores = rh.evaluate([[1.0, NAN], [3.0, 4.0]], [[0.0, 0.0], [0.0, NAN]], metrics=["mae"])

    np.testing.assert_array_equal([scores["mae"], scores["n_valid"], scores["n_dropped"]], [[2, NAN], [2, 0], [0, 2]])


@pytest.mark.parametrize("n", [0, 4])
def test_without_a_valid_example_every_metric_is_nan(n):
    scores = rh.evaluate(np.full(n, NAN), np.zeros(n), np.ones(n))

    assert all(math.isnan(value) for name, value in scores.items() if not name.startswith("n_"))


def test_masked_values_are_missing():
    target = np.ma.masked_array([1, 2, 1000], mask=[False, False, True])

    assert rh.evaluate(target, [0, 0, 0], metrics=["mae"]) == {"mae": 1.5, "n_valid": 2, "n_dropped": 1}


def test_labelled_arrays_are_scored_whatever_the_order_of_their_dimensions(arrays):
    labelled = [xr.DataArray(part, dims=("example", "output")) for part in arrays]
    labelled[1] = labelled[1].transpose("output", "example")

    np.testing.assert_array_equal(rh.evaluate(*labelled)["crps"], rh.evaluate(*arrays)["crps"])


def test_labelled_arrays_of_other_examples_are_refused():
    target = xr.DataArray([1.0, 2.0], {"example": ["a", "b"]}, ("example",))
    mean = xr.DataArray([1.0, 2.0], {"example": ["b", "a"]}, ("example",))

    with pytest.raises(rh.InputError, match="the labels of target, mean differ"):
        rh.evaluate(target, mean)


def test_labelled_array_without_examples_is_refused():
    array = xr.DataArray([1.0, 2.0], dims=("sample",))

    with pytest.raises(rh.InputError, match="target has no dimension 'example'"):
        rh.evaluate(array, array)


@pytest.mark.parametrize(
    ("given", "metrics", "message"),
    [
        (([1.0], [1.0, 2.0]), "default", r"target is \(1,\), mean is \(2,\)"),
        (([1.0], [1.0], [[1.0]]), "default", r"variance is \(1, 1\)"),
        ((1.0, 1.0), "default", "shapes do not fit"),
        ((np.zeros((1, 1, 1)),) * 2, "default", "shapes do not fit"),
        ((["a"], [1.0]), "default", "target is not an array of numbers"),
        (([1.0, 2.0], [1.0, 2.0], [1.0, -0.5]), "default", "negative in 1 places, down to -0.5"),
        (([1.0], [1.0]), ["crps"], "'crps' needs a predictive variance"),
        (([1.0], [1.0]), ["pearson"], "no metric named 'pearson'; did you mean 'pearson_r'"),
        (([1.0], [1.0]), ["mse", "degradation"], "'degradation' compares shifts"),
        (([1.0], [1.0]), [metric("mse")], "metrics are asked for by name, and a MeanSquaredError is none"),
        (([1.0], [1.0]), None, "metrics are asked for by name, and a NoneType is none"),
        (([1.0], [1.0j]), ["mse"], "mean is of complex numbers"),
    ],
)
def test_wrong_input_is_refused_with_its_reason(given, metrics, message):
    with pytest.raises(rh.InputError, match=message):
        rh.evaluate(*given, metrics=metrics)


def test_cell_scores_metric_objects_under_the_names_given():
    examples = Evidence(np.array([1.0, 3.0]), np.zeros(2))
    scores = score_cell(examples, {"error": metric("mae"), "crps": metric("crps")})

    assert scores == pytest.approx({"error": 2.0, "crps": NAN, "n_valid": 2, "n_dropped": 0}, nan_ok=True)


def test_cube_scores_equal_a_loop_over_its_cells(cube):
    scores = rh.evaluate_cube(cube)
    for cell in np.ndindex(SHAPE[:3]):
        place = dict(zip(DIMS, cell, strict=False))
        variance = cube["aleatoric_variance"].astype(float) + cube["epistemic_variance"].astype(float)
        alone = rh.evaluate(cube["target"][cell[1:]], cube["mean"][cell], variance[cell])
        for name, values in alone.items():
            np.testing.assert_array_equal(scores[name].isel(place), values)


def test_cube_scores_keep_every_dimension_but_example(cube):
    scores = rh.evaluate_cube(cube)

    assert {variable.dims for variable in scores.values()} == {("model", "shift", "seed", "output")}


def test_cube_scores_keep_the_coordinates_without_examples(cube):
    assert set(rh.evaluate_cube(cube).coords) == {"model", "shift", "seed", "output", "severity"}


def test_cube_scores_say_which_direction_is_better(cube):
    scores = rh.evaluate_cube(cube, ["mse", "r2", "coverage_90"])

    assert [scores[name].attrs["direction"] for name in ("mse", "r2", "coverage_90")] == [
        "lower",
        "higher",
        0.9,
    ]


def test_cube_scores_say_what_each_metric_is(cube):
    assert rh.evaluate_cube(cube, ["mse"])["mse"].attrs["long_name"] == "Mean squared error."


def test_padding_after_the_examples_of_a_cell_does_not_count(cube):
    sizes = xr.DataArray([[40, 30], [20, 40], [1, 0]], dims=("shift", "seed"))
    padded = cube.assign(n_examples=sizes).where(xr.DataArray(np.arange(40), dims="example") < sizes)
    padded["n_examples"] = sizes
    scores = rh.evaluate_cube(padded)
    short = rh.evaluate_cube(cube.isel(shift=[1], seed=[0], example=slice(20)))

    assert int(scores["n_dropped"].sum()) == 0
    np.testing.assert_array_equal(scores["n_valid"][0, :, :, 0], sizes)
    xr.testing.assert_equal(scores["crps"].isel(shift=[1], seed=[0]), short["crps"])


@pytest.mark.parametrize("status", [MISSING, FAILED, ABSENT])
def test_cell_that_is_not_done_is_never_scored(cube, status):
    statuses = np.full(SHAPE[:3], DONE)
    statuses[1, 2, 0] = status
    scores = rh.evaluate_cube(cube.assign(status=(DIMS[:3], statuses)))
    cell = scores.isel(model=1, shift=2, seed=0)

    assert all(np.isnan(cell[name]).all() for name in cell if name not in ("n_valid", "n_dropped"))
    assert (cell["n_valid"].values.tolist(), cell["n_dropped"].values.tolist()) == ([0, 0], [0, 0])
    assert int(scores["crps"].isnull().sum()) == 2


def test_model_without_variance_is_scored_on_its_mean(cube):
    partial = cube.copy(deep=True)
    for name in ("aleatoric_variance", "epistemic_variance"):
        partial[name][1] = NAN
    scores = rh.evaluate_cube(partial, ["mse", "crps"])

    xr.testing.assert_equal(scores["mse"], rh.evaluate_cube(cube, ["mse"])["mse"])
    assert scores["crps"].isnull().any(("shift", "seed", "output")).values.tolist() == [False, True]
    assert int(scores["n_dropped"].sum()) == 0


def test_total_variance_is_the_sum_of_the_parts_that_a_model_gives(cube):
    partial = cube.copy(deep=True)
    partial["epistemic_variance"][1] = NAN
    only = cube.drop_vars("epistemic_variance").isel(model=[1])

    xr.testing.assert_equal(
        rh.evaluate_cube(partial, ["nll"])["nll"].isel(model=[1]), rh.evaluate_cube(only, ["nll"])["nll"]
    )


def test_cube_with_one_total_variance_equals_the_cube_of_its_parts(cube):
    total = cube["aleatoric_variance"].astype(float) + cube["epistemic_variance"].astype(float)
    whole = cube.drop_vars(["aleatoric_variance", "epistemic_variance"]).assign(variance=total)

    xr.testing.assert_identical(rh.evaluate_cube(whole), rh.evaluate_cube(cube))


def test_dataset_of_one_cell_and_one_output_gives_scalars():
    dataset = xr.Dataset({"mean": ("example", [0.0, 0.0]), "target": ("example", [1.0, 3.0])})

    assert rh.evaluate_cube(dataset, ["mae"])["mae"].item() == 2.0


def test_dimensions_in_another_order_change_no_score(cube):
    xr.testing.assert_allclose(
        rh.evaluate_cube(cube.transpose("example", "output", ...)).transpose("model", "shift", "seed", "output"),
        rh.evaluate_cube(cube),
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.drop_vars("target"), "the dataset has no variable 'target'"),
        (lambda c: c.assign(variance=c["mean"]), "the dataset has 'variance' and its parts"),
        (lambda c: c.assign(target=c["target"].isel(example=0)), "'target' has the dimensions"),
        (lambda c: c.assign(mean=c["mean"].isel(seed=0)), "'target' has the dimensions"),
        (
            lambda c: c.assign(aleatoric_variance=-c["aleatoric_variance"]),
            "'aleatoric_variance' of model cnn, shift identity, seed 0 is negative in 80 places",
        ),
        (lambda c: c["mean"], "a cube is an xarray.Dataset, not a DataArray"),
        (lambda c: c.assign(target=c["target"] + 1j), "'target' is of complex numbers"),
        (lambda c: c.assign(status=("output", [1, 1])), "'status' has the dimensions .'output',.*lie along: model"),
        (lambda c: c.assign(n_examples=("model", [40, 41])), "'n_examples' is 40 to 41, and there are 40 examples"),
        (lambda c: c.expand_dims(mse=2), "dimension or coordinate 'mse', which is what a score is called"),
        (
            lambda c: c.assign(quantiles=c["mean"].expand_dims(quantile=["low"])),
            "the labels along 'quantile' are no levels",
        ),
        (lambda c: c.assign(members=c["mean"].expand_dims(member=0)), "'members' has no member"),
    ],
)
def test_wrong_cube_is_refused_with_its_reason(cube, change, message):
    with pytest.raises(rh.InputError, match=message):
        rh.evaluate_cube(change(cube))


@pytest.mark.parametrize(
    ("name", "value", "metric", "message"),
    [
        ("noise_variance", ("example", np.full(40, -1.0)), "excess_risk", "'noise_variance' .* negative in 40 places"),
        ("noise_variance", ("model", [1.0, 1.0]), "excess_risk", "'noise_variance' has the dimensions"),
        ("covariate_element", ("model", ["a", "b"]), "within_group", "'covariate_element' has the dimensions"),
        ("covariate_element", (("example", "output"), np.ones((40, 2))), "within_group", "nor 'output'"),
    ],
)
def test_what_else_a_metric_needs_is_checked_too(cube, name, value, metric, message):
    with pytest.raises(rh.InputError, match=message):
        rh.evaluate_cube(cube.assign({name: value}), [metric])


@pytest.mark.parametrize("dimension", ["level", "shift"])
def test_curve_along_a_dimension_that_cells_lie_along_is_refused(cube, dimension):
    class Clashing(type(metric("calibration_curve"))):
        pass

    Clashing.dimension = dimension
    with pytest.raises(rh.InputError, match=f"'curve' gives a curve along '{dimension}'"):
        score_cube(cube.rename(seed="level"), {"curve": Clashing()})


def test_variance_metric_on_a_cube_without_variance_is_refused(cube):
    with pytest.raises(rh.InputError, match="'crps' needs a predictive variance"):
        rh.evaluate_cube(cube.drop_vars(["aleatoric_variance", "epistemic_variance"]), ["crps"])


def test_cube_on_disk_scores_as_the_one_in_memory(cube, tmp_path):
    # Without text labels, whose fixed-length type zarr warns about.
    cube = cube.drop_vars(["example_id", "model", "shift", "output"])
    cube.to_zarr(tmp_path / "cube.zarr", consolidated=False)
    with xr.open_zarr(tmp_path / "cube.zarr", chunks=None, consolidated=False) as stored:
        xr.testing.assert_equal(rh.evaluate_cube(stored), rh.evaluate_cube(cube))


class Recording(BackendArray):
    """A lazy array that records how much of it is read at a time."""

    def __init__(self, values, reads):
        self.values, self.reads = values, reads
        self.shape, self.dtype = values.shape, values.dtype

    def __getitem__(self, key):
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._read)

    def _read(self, key):
        part = self.values[key]
        self.reads.append(part.size)
        return part


@pytest.mark.parametrize(("slab", "most"), [(40 * 2 * 4, 40 * 2), (2 * 40 * 2 * 4, 2 * 40 * 2)])
def test_lazy_cube_is_read_a_few_cells_at_a_time(cube, monkeypatch, slab, most):
    monkeypatch.setattr(cube_slabs, "SLAB", slab)
    reads = []
    lazy = cube.assign(
        {name: (cube[name].dims, indexing.LazilyIndexedArray(Recording(cube[name].values, reads))) for name in cube}
    )
    scores = rh.evaluate_cube(lazy)

    assert max(reads) == most
    xr.testing.assert_identical(scores, rh.evaluate_cube(cube))


def test_shift_metrics_compare_the_metric_that_the_leaderboard_ranks_by(cube):
    scores = score_cube(cube, {"mae": metric("mae"), "r2": metric("r2")})
    compared = compare_shifts(scores, {"degradation": metric("degradation")}, rank_by="r2")

    np.testing.assert_allclose(compared["degradation"].values, scores["r2"].values[:, :1] - scores["r2"].values)


def test_shift_metrics_can_name_the_metric_that_they_compare(cube):
    scores = score_cube(cube, {"mae": metric("mae"), "r2": metric("r2")})
    compared = compare_shifts(scores, {"worst_mae": metric("worst_shift", of="mae")}, rank_by="r2")

    np.testing.assert_array_equal(compared["worst_mae"], scores["mae"].values[:, 1:].max(axis=1))


@pytest.mark.parametrize(("name", "direction"), [("degradation", "lower"), ("worst_shift", "higher")])
def test_compared_scores_say_their_direction_and_what_they_compare(cube, name, direction):
    scores = compare_shifts(score_cube(cube, {"r2": metric("r2")}), {"x": metric(name)}, rank_by="r2")

    assert scores["x"].attrs == {"direction": direction, "of": "r2"}


def test_comparison_adds_to_the_scores_and_changes_none(cube):
    scores = score_cube(cube, {"r2": metric("r2")})
    compared = compare_shifts(scores, {"worst": metric("worst_shift")}, rank_by="r2")

    xr.testing.assert_identical(compared.drop_vars("worst"), scores)


@pytest.mark.parametrize("as_coordinate", [False, True])
def test_comparison_tells_a_shift_never_asked_for_from_a_failed_one(cube, as_coordinate):
    status = np.full(SHAPE[:3], DONE)
    status[0, 1], status[1, 1] = ABSENT, FAILED
    cube = cube.assign(status=(DIMS[:3], status))
    scores = score_cube(cube, {"mae": metric("mae")}).assign(status=cube["status"])
    if as_coordinate:
        scores = scores.set_coords("status")
    worst = compare_shifts(scores, {"worst": metric("worst_shift")}, rank_by="mae")["worst"]

    np.testing.assert_array_equal(worst[0], scores["mae"][0, 2])
    assert worst[1].isnull().all()


def test_comparison_of_a_metric_that_was_not_scored_is_refused(cube):
    scores = score_cube(cube, {"r2": metric("r2")})

    with pytest.raises(rh.InputError, match=r"degradation compares scores of 'mse'.*scored: r2"):
        compare_shifts(scores, {"degradation": metric("degradation", of="mse")}, rank_by="r2")


def test_confidence_intervals_of_a_mean_are_those_of_scipy(arrays):
    target, mean, _ = (part[:, 0] for part in arrays)
    found = rh.confidence_intervals(target, mean, metrics=["mse"], resamples=9999)["mse"]
    expected = scipy.stats.bootstrap((np.square(target - mean),), np.mean, n_resamples=9999, rng=0)

    assert found.estimate == rh.evaluate(target, mean, metrics=["mse"])["mse"]
    assert (found.low, found.high) == pytest.approx(expected.confidence_interval, rel=0.03)


def test_confidence_intervals_of_several_outputs_are_each_their_own(arrays):
    together = rh.confidence_intervals(*arrays, ["crps"])["crps"]
    assert together == [rh.confidence_intervals(*(p[:, j] for p in arrays), ["crps"])["crps"] for j in range(3)]


def test_one_example_has_no_interval():
    found = rh.confidence_intervals([1.0], [0.0], metrics=["mse"])["mse"]
    assert (found.estimate, math.isnan(found.low), math.isnan(found.high)) == (1.0, True, True)


def test_members_give_the_mean_and_the_variance_of_an_ensemble():
    members, variances = np.array([[1.0, 3.0], [0.0, 4.0]]), np.array([[0.5, 1.5], [1.0, 1.0]])
    scores = rh.evaluate([2.0, 2.0], members=members, member_variance=variances, metrics=["mse", "sharpness"])

    # Variances of the means 1 and 4 (ddof 0), means of the variances 1 and 1.
    assert (scores["mse"], scores["sharpness"]) == (0.0, pytest.approx(math.sqrt((2 + 5) / 2)))


def test_quantiles_alone_can_be_scored():
    scores = rh.evaluate([1.0, 5.0], quantiles=[[0.0, 2.0], [0.0, 2.0]], quantile_levels=[0.05, 0.95])
    assert (scores["coverage_90"], scores["mean_width_90"]) == (0.5, 2.0)


def test_quantile_levels_that_are_no_numbers_are_refused():
    with pytest.raises(rh.InputError, match="the quantile levels are no numbers: could not convert"):
        rh.evaluate([1.0], quantiles=[[0.0, 2.0]], quantile_levels=["low", "high"])


def test_arrays_without_a_prediction_are_refused():
    with pytest.raises(rh.InputError, match="there is no prediction"):
        rh.evaluate([1.0, 2.0], variance=[1.0, 1.0])


def chunked(cube, size):
    large = xr.concat([cube] * 3, "example")
    return large, large.drop_vars("example_id").chunk(example=size)


@pytest.mark.parametrize("size", [7, 40, 50, 1000])
def test_chunks_of_dask_change_no_score(cube, monkeypatch, size):
    monkeypatch.setattr(cube_cells, "EXACT_UP_TO", 30)
    large, lazy = chunked(cube, size)
    names = ["mse", "crps", "coverage_90", "pearson_r", "spearman_rho", "aurc"]

    xr.testing.assert_allclose(rh.evaluate_cube(lazy, names), rh.evaluate_cube(large, names), rtol=1e-9)


def test_models_that_give_no_variance_give_none_in_chunks_either(cube, monkeypatch):
    monkeypatch.setattr(cube_cells, "EXACT_UP_TO", 30)
    partial = cube.copy(deep=True)
    partial["aleatoric_variance"][0] = NAN
    partial["epistemic_variance"][0] = NAN
    _, lazy = chunked(partial, 50)
    found = rh.evaluate_cube(lazy, ["crps"])

    assert found["crps"].isnull().all(("shift", "seed", "output")).values.tolist() == [True, False]
    assert int(found["n_dropped"].sum()) == 0


def test_models_can_be_scored_on_the_examples_that_all_of_them_have(cube):
    gappy = cube.copy(deep=True)
    gappy["mean"][0, 1, 0, :5, 0] = NAN
    gappy["aleatoric_variance"][1, 1, 0, 5:7, 0] = NAN
    scores = rh.evaluate_cube(gappy, ["mse"], common="model").isel(shift=1, seed=0)
    fewer = rh.evaluate_cube(cube.isel(shift=[1], seed=[0], example=slice(7, None)), ["mse"]).isel(shift=0, seed=0)

    assert scores["n_dropped"].values.tolist() == [[7, 0], [7, 0]]
    xr.testing.assert_allclose(scores["mse"].isel(output=0), fewer["mse"].isel(output=0))


def test_each_model_drops_its_own_missing_examples_otherwise(cube):
    gappy = cube.copy(deep=True)
    gappy["mean"][0, 1, 0, :5, 0] = NAN

    assert rh.evaluate_cube(gappy, ["mse"])["n_dropped"].isel(shift=1, seed=0).values.tolist() == [[5, 0], [0, 0]]


def test_a_model_without_predictions_takes_no_example_from_the_others(cube):
    partial = cube.copy(deep=True)
    partial["mean"][0] = NAN
    scores = rh.evaluate_cube(partial, ["mse"], common="model")

    xr.testing.assert_equal(scores["mse"].isel(model=1), rh.evaluate_cube(cube, ["mse"])["mse"].isel(model=1))


def test_chunks_share_the_missing_examples_of_models_too(cube, monkeypatch):
    monkeypatch.setattr(cube_cells, "EXACT_UP_TO", 30)
    gappy = cube.copy(deep=True)
    gappy["mean"][0, 1, 0, ::3, 0] = NAN
    large, lazy = chunked(gappy, 50)

    xr.testing.assert_allclose(
        rh.evaluate_cube(lazy, ["mse"], common="model"), rh.evaluate_cube(large, ["mse"], common="model")
    )


@pytest.mark.parametrize("name", ["output", "example", "models"])
def test_examples_in_common_need_a_dimension_of_cells(cube, name):
    with pytest.raises(rh.InputError, match=f"'{name}' is no dimension that cells lie along"):
        rh.evaluate_cube(cube, ["mse"], common=name)


class Furthest:
    """What a third party may write: a score, a direction, and no base class."""

    direction = "lower"

    def score(self, target, mean, variance):
        assert variance is None
        return float(np.abs(target - mean).max())


def test_a_score_and_a_direction_are_enough_for_a_metric(cube):
    score = score_cube(cube, {"furthest": Furthest()})["furthest"].sel(model="cnn", output="K562")[0, 0]
    one = cube.isel(model=0, shift=0, seed=0, output=0)
    assert score == np.abs(one["target"].astype(float) - one["mean"].astype(float)).max()


def test_they_are_enough_for_intervals_too():
    evidence = Evidence(np.zeros(30), np.full(30, 2.0))
    found = bootstrap_evidence(evidence, {"furthest": Furthest()}, resamples=20, method="percentile")["furthest"]
    assert (found.estimate, found.low, found.high) == (2.0, 2.0, 2.0)


def test_no_valid_example_has_no_interval():
    found = rh.confidence_intervals([NAN, NAN], [0.0, 1.0], metrics=["mse", "r2", "medae"], resamples=10)
    assert all(np.isnan([one.estimate, one.low, one.high, one.standard_error]).all() for one in found.values())


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (([1.0, 2.0], [1.0]), "the target has 2 examples, mean has 1"),
        (([1.0, 2.0], [1.0, 2.0], [1.0, -0.5]), "the variance is negative in 1 places, down to -0.5"),
    ],
)
def test_a_state_refuses_what_cannot_be_scored(parts, message):
    crps = rh.metric("crps")
    with pytest.raises(rh.InputError, match=message):
        crps.update(crps.init(), *map(np.array, parts))


def test_a_metric_that_breaks_is_named():
    class Broken(Metric):
        def score(self, target, mean, variance):
            raise ValueError("out of order")

    with pytest.raises(rh.InputError, match="metric 'mine' failed: ValueError: out of order"):
        score_cell(Evidence(np.zeros(2), np.zeros(2)), {"mine": Broken()})
