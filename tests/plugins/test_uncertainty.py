"""Variance scaling: what its definition says, around models that learn and models that do not."""

import numpy as np
import pytest

import regharness as rh
from regharness import Prediction
from regharness.catalog import load_catalog
from regharness.errors import CellError
from regharness.interfaces import ModelAdapter
from regharness.testing import ModelAdapterContract, make_dataset

CONTEXT = rh.RunContext(device="cpu")


class Frozen(ModelAdapter):
    """GC content, with an optional constant variance in two parts."""

    trainable = False

    def __init__(self, variance=None):
        self.variance = variance

    def predict(self, batch, context):
        gc = np.isin(batch.sequence, (1, 2)).mean(axis=1, dtype=np.float32)
        mean = np.repeat(gc[:, None], len(batch.outputs), axis=1)
        if self.variance is None:
            return Prediction(mean)
        part = np.full_like(mean, self.variance)
        return Prediction(mean, aleatoric_variance=part, epistemic_variance=3 * part)


def wrap(make):
    return load_catalog().create("uncertainty", "variance_scaling").wrap(make)


class TestAroundAModelThatLearns(ModelAdapterContract):
    def make_model(self):
        return wrap(lambda: rh.model("gc_linear"))


class TestAroundAFrozenModelWithoutVariance(ModelAdapterContract):
    def make_model(self):
        return wrap(Frozen)


class TestAroundAFrozenModelWithVariance(ModelAdapterContract):
    def make_model(self):
        return wrap(lambda: Frozen(0.01))


class TestAroundTheOracle(ModelAdapterContract):
    def make_model(self):
        return wrap(lambda: rh.model("oracle"))


def fitted(make, data):
    model = wrap(make)
    model.fit(data.train, data.calibration, CONTEXT)
    return model


@pytest.mark.parametrize("make", [Frozen, lambda: Frozen(0.01), lambda: rh.model("gc_linear")])
def test_z_on_the_calibration_split_has_a_mean_square_of_one(make):
    data = make_dataset(outputs=("a", "b"))
    p = fitted(make, data).predict(data.calibration.inputs(), CONTEXT)
    variance = p.aleatoric_variance + (0 if p.epistemic_variance is None else p.epistemic_variance)
    score = rh.evaluate(data.calibration.target, p.mean, variance, ["z_mean_square"])["z_mean_square"]
    np.testing.assert_allclose(score, 1.0, rtol=1e-5)


def test_a_model_without_variance_gets_its_calibration_error():
    data = make_dataset()
    error = np.square(data.calibration.target - Frozen().predict(data.calibration, CONTEXT).mean).mean()
    p = fitted(Frozen, data).predict(data.test.inputs(), CONTEXT)
    np.testing.assert_allclose(p.aleatoric_variance, error, rtol=1e-5)
    assert p.epistemic_variance is None


def test_both_parts_are_scaled_alike():
    data = make_dataset()
    p = fitted(lambda: Frozen(0.01), data).predict(data.test.inputs(), CONTEXT)
    np.testing.assert_allclose(p.epistemic_variance, 3 * p.aleatoric_variance, rtol=1e-6)


def test_a_variance_of_zero_cannot_be_scaled():
    data = make_dataset()
    with pytest.raises(CellError, match="no factor corrects a variance of zero: 64 calibration examples of K562"):
        fitted(lambda: Frozen(0.0), data)


def test_the_mean_is_left_as_it_is():
    data = make_dataset()
    p = fitted(Frozen, data).predict(data.test.inputs(), CONTEXT)
    np.testing.assert_array_equal(p.mean, Frozen().predict(data.test, CONTEXT).mean)
