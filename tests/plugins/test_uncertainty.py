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


class Spy(Frozen):
    """Remember what predictions are asked for."""

    def __init__(self, needs=frozenset()):
        super().__init__()
        self.needs = needs
        self.seen = []

    def predict(self, batch, context):
        self.seen.append(batch)
        return super().predict(batch, context)

    def execution(self):
        return {"device": "abacus"}


def seen_at_calibration(spy):
    fitted(lambda: spy, make_dataset())
    return spy.seen[0]


def test_a_model_sees_no_truth_target_or_noise_of_the_calibration_split():
    batch = seen_at_calibration(Spy())
    assert (batch.target, batch.truth, batch.noise_variance) == (None, None, None)


def test_a_model_that_needs_the_truth_sees_it_and_the_noise_but_not_the_target():
    batch = seen_at_calibration(Spy(frozenset({"truth"})))
    np.testing.assert_array_equal(batch.truth, make_dataset().calibration.truth)
    np.testing.assert_array_equal(batch.noise_variance, make_dataset().calibration.noise_variance)
    assert batch.target is None


def test_a_wrapped_model_needs_what_the_model_needs():
    assert wrap(lambda: Spy(frozenset({"truth"}))).needs == {"truth"}


def test_a_wrapped_model_tells_what_the_model_ran_on():
    assert wrap(Spy).execution() == {"device": "abacus"}


def test_a_frozen_model_becomes_one_that_learns():
    assert wrap(Frozen).trainable


def test_each_output_has_a_factor_of_its_own():
    data = make_dataset(outputs=("a", "b"))
    data.calibration.target[:, 1] += 10
    before = Frozen(0.01).predict(data.test, CONTEXT).aleatoric_variance
    factor = fitted(lambda: Frozen(0.01), data).predict(data.test.inputs(), CONTEXT).aleatoric_variance / before
    error = data.calibration.target - Frozen().predict(data.calibration, CONTEXT).mean
    # Both parts together are four times the one.
    np.testing.assert_allclose(factor[0], np.square(error).mean(axis=0) / 0.04, rtol=1e-5)
