"""Quantiles of networks from files, and of models inside uncertainty methods."""

import numpy as np
import pytest
from networks import MAKERS
from scipy.stats import norm

import regharness as rh
from regharness import Prediction
from regharness.catalog import load_catalog
from regharness.errors import CellError
from regharness.interfaces import ModelAdapter
from regharness.testing import ModelAdapterContract, make_batch, make_dataset
from regharness_networks.heads import average, predicted
from regharness_networks.parameters import NetworkParameters

CPU = rh.RunContext(device="cpu")
LEVELS = (0.1, 0.5, 0.9)


def head(values, **described):
    parameters = NetworkParameters(head="quantiles", quantiles=LEVELS, **described)
    return predicted(np.array(values, np.float64), ["K562", "HepG2"], parameters)


class Spread(ModelAdapter):
    """Normal quantiles around the mean of a resample of the training set."""

    quantile_levels = LEVELS

    def fit(self, train, calibration, context):
        rows = context.rng("bootstrap").integers(0, len(train), len(train))
        self.mean, self.sd = train.target[rows].mean(axis=0), train.target[rows].std(axis=0)

    def predict(self, batch, context):
        z = norm.ppf(LEVELS).astype(np.float32)
        mean, sd = (np.tile(part, (len(batch), 1)) for part in (self.mean, self.sd))
        return Prediction(mean, sd**2, quantiles=mean[..., None] + sd[..., None] * z, quantile_levels=LEVELS)

    def save(self, folder):
        np.save(folder / "learnt.npy", np.stack([self.mean, self.sd]), allow_pickle=False)

    def load(self, folder):
        self.mean, self.sd = np.load(folder / "learnt.npy", allow_pickle=False)


def wrapped(name, make=Spread, **parameters):
    return load_catalog().create("uncertainty", name, parameters).wrap(make)


class TestSpread(ModelAdapterContract):
    def make_model(self):
        return Spread()


class TestEnsembleOfQuantiles(ModelAdapterContract):
    def make_model(self):
        return wrapped("deep_ensemble", members=2)


class TestNetworkOfQuantiles(ModelAdapterContract):
    def make_model(self):
        return rh.model("onnx", **self.file, head="quantiles", quantiles=LEVELS, strands="mean")

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path):
        self.file = MAKERS["onnx"](tmp_path, values=6)


def test_a_head_gives_its_quantiles_in_the_unit_of_the_task():
    found = head([[1, 2, 4, 10, 20, 40]], scale={"K562": 2.0, "HepG2": 0.5}, offset=1.0)
    assert found.quantiles[0].tolist() == [[3, 5, 9], [6, 11, 21]]
    assert found.quantile_levels == LEVELS


def test_quantiles_are_taken_as_logarithms_one_by_one():
    found = head([[1, 3, 7, 0, 1, 3]], log2_pseudocount=1.0)
    assert found.quantiles[0].tolist() == [[1, 2, 3], [0, 1, 2]]


def test_quantiles_that_cross_are_put_in_order():
    assert head([[4, 1, 2, 0, 0, 0]]).quantiles[0, 0].tolist() == [1, 2, 4]


def test_a_quantile_without_a_logarithm_is_refused():
    with pytest.raises(CellError, match="log2 of a quantile of -1"):
        head([[-2, 3, 7, 0, 1, 3]], log2_pseudocount=1.0)


def test_quantiles_cannot_be_turned_around():
    with pytest.raises(ValueError, match="below zero it would turn quantiles around"):
        head([[1, 2, 3, 1, 2, 3]], scale={"K562": 1.0, "HepG2": -1.0})


def test_strands_are_averaged_level_by_level():
    both = average(head([[1, 2, 3, 0, 0, 0]]), head([[3, 6, 9, 0, 0, 2]]))
    assert both.quantiles[0].tolist() == [[2, 4, 6], [0, 0, 1]]
    assert both.quantile_levels == LEVELS


def test_a_network_that_is_asked_for_each_output_gives_the_quantiles_of_each(tmp_path):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    # The quantiles are the number that an output is given, times 1, 2, 3.
    graph = helper.make_graph(
        [
            helper.make_node("ReduceSum", ["sequence", "axes"], ["sum"], keepdims=0),
            helper.make_node("Sub", ["sum", "sum"], ["zero"]),
            helper.make_node("Unsqueeze", ["zero", "last"], ["column"]),
            helper.make_node("Add", ["column", "number"], ["raised"]),
            helper.make_node("Mul", ["raised", "factors"], ["quantiles"]),
        ],
        "net",
        [
            helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["n", 4, "length"]),
            helper.make_tensor_value_info("number", TensorProto.FLOAT, ["n", 1]),
        ],
        [helper.make_tensor_value_info("quantiles", TensorProto.FLOAT, ["n", 3])],
        [
            numpy_helper.from_array(np.array([1, 2]), "axes"),
            numpy_helper.from_array(np.array([1]), "last"),
            numpy_helper.from_array(np.array([[1, 2, 3]], np.float32), "factors"),
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), tmp_path / "n.onnx")
    inputs = {"number": {"use": "output", "values": {"a": 1.0, "b": 10.0}}}
    model = rh.model("onnx", path=str(tmp_path / "n.onnx"), head="quantiles", quantiles=LEVELS, inputs=inputs)
    found = model.predict(make_batch(5, outputs=("b", "a")).inputs(), CPU)
    assert model.quantile_levels == found.quantile_levels == LEVELS
    assert found.quantiles[4].tolist() == [[10, 20, 30], [1, 2, 3]]


def test_an_ensemble_averages_the_quantiles_of_its_members_level_by_level():
    data, members = make_dataset(train=50), []

    def make():
        members.append(Spread())
        return members[-1]

    model = wrapped("deep_ensemble", make, members=3)
    model.fit(data.train, data.calibration, CPU)
    each = np.stack([member.predict(data.test, CPU).quantiles for member in members])
    assert np.ptp(each, axis=0).max() > 0.01
    np.testing.assert_allclose(model.predict(data.test, CPU).quantiles, each.mean(axis=0), rtol=1e-5)


@pytest.mark.parametrize("name", ["variance_scaling", "residual_variance"])
def test_a_method_that_changes_the_variance_drops_the_quantiles_that_went_with_the_old_one(name):
    data, model = make_dataset(), wrapped(name)
    model.fit(data.train, data.calibration, CPU)
    found = model.predict(data.test.inputs(), CPU)
    assert (model.quantile_levels, found.quantile_levels, found.quantiles) == ((), (), None)
