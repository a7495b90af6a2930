"""Conformal methods: coverage that theory promises, on errors of any kind, with and without shift."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

import regharness as rh
from regharness import Dataset, InputError, Prediction
from regharness.catalog import load_catalog
from regharness.errors import CellError
from regharness.interfaces import ModelAdapter
from regharness.seeding import rng_for
from regharness.sequences import gc_content
from regharness.testing import ModelAdapterContract, make_batch, make_dataset

CPU = rh.RunContext(device="cpu")
METHODS = ["split_conformal", "normalised_conformal", "mondrian_conformal", "weighted_conformal"]


class Constant(ModelAdapter):
    """Zero, with a constant variance in two parts, or one that is told by the GC content."""

    trainable = False

    def __init__(self, variance=1.0):
        self.variance = variance

    def predict(self, batch, context):
        mean = np.zeros((len(batch), len(batch.outputs)), np.float32)
        if self.variance is None:
            return Prediction(mean)
        part = np.full_like(mean, self.variance / 4)
        return Prediction(mean, aleatoric_variance=part, epistemic_variance=3 * part)


def wrapped(name, make=Constant, **parameters):
    return load_catalog().create("uncertainty", name, parameters).wrap(make)


def skewed(n, prefix, spread_by_gc=0.0):
    """Errors of a skewed distribution, larger where GC content is higher if asked for."""
    batch = make_batch(n, 100, outputs=("a", "b"), prefix=prefix)
    rng = rng_for(0, "errors", prefix)
    scale = np.exp(spread_by_gc * (gc_content(batch.sequence) - 0.5))[:, None]
    return replace(batch, target=(scale * rng.gamma(1.0, 1.0, (n, 2))).astype(np.float32))


def dataset(spread_by_gc=0.0, n=4000):
    parts = [skewed(size, prefix, spread_by_gc) for size, prefix in ((50, "train-"), (n, "cal-"), (n, "test-"))]
    return Dataset(*parts)


def fitted(model, data):
    model.fit(data.train, data.calibration, CPU)
    return model


def covered(model, batch, level=0.9):
    found = model.predict(batch.inputs(), CPU)
    variance = found.aleatoric_variance + (0 if found.epistemic_variance is None else found.epistemic_variance)
    inside = np.abs(batch.target - found.mean) <= norm.ppf((1 + level) / 2) * np.sqrt(variance) * (1 + 1e-6)
    return inside.mean(axis=0)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("alpha", [0.1, 0.3])
def test_intervals_hold_their_share_of_new_measurements_whatever_the_errors(name, alpha):
    data = dataset()
    # A share of 4,000 has an SD of 0.005 to 0.007, and the quantile of as many another such.
    np.testing.assert_allclose(
        covered(fitted(wrapped(name, alpha=alpha), data), data.test, 1 - alpha), 1 - alpha, atol=0.025
    )


@pytest.mark.parametrize("use", ["kmer_ridge", "gc_linear"])
def test_coverage_of_split_conformal_around_a_model_that_learns(use):
    data = rh.data("simulated_mpra", train=500, calibration=8000, test=8000).generate(0)
    model = fitted(wrapped("split_conformal", lambda: rh.model(use)), data)
    assert ((covered(model, data.test) > 0.88) & (covered(model, data.test) < 0.92)).all()


def test_the_half_width_is_the_stated_quantile_of_absolute_errors():
    data = dataset(n=99)
    found = fitted(wrapped("split_conformal"), data).predict(data.test.inputs(), CPU)
    # The 90th smallest of 99: ceil(100 x 0.9).
    expected = np.sort(np.abs(data.calibration.target), axis=0)[89]
    np.testing.assert_allclose(np.sqrt(found.aleatoric_variance[0]) * norm.ppf(0.95), expected, rtol=1e-5)


def test_a_calibration_split_that_is_too_small_is_refused_with_the_least_number():
    with pytest.raises(CellError, match=r"level 0\.9 needs 9 calibration examples or more, and the .* has 8"):
        fitted(wrapped("split_conformal"), dataset(n=8))


def test_a_normalised_interval_keeps_the_proportion_of_the_parts():
    data = dataset()
    found = fitted(wrapped("normalised_conformal"), data).predict(data.test.inputs(), CPU)
    np.testing.assert_allclose(found.epistemic_variance, 3 * found.aleatoric_variance, rtol=1e-5)


def test_a_normalised_interval_needs_a_variance():
    with pytest.raises(CellError, match="needs a model with a variance; split_conformal does without"):
        fitted(wrapped("normalised_conformal", lambda: Constant(None)), dataset())


def test_every_group_is_covered_where_errors_grow_with_gc_content():
    data = dataset(spread_by_gc=8.0)
    gc = gc_content(data.test.sequence)
    rich = data.test.select(gc >= np.quantile(gc, 0.8))
    assert covered(fitted(wrapped("split_conformal"), data), rich).mean() < 0.85
    np.testing.assert_allclose(covered(fitted(wrapped("mondrian_conformal"), data), rich), 0.9, atol=0.04)


def test_groups_can_be_told_by_a_covariate_of_the_data():
    data = dataset()
    parts = [
        replace(part, covariates={**part.covariates, "age": rng_for(1, name).normal(size=len(part))})
        for name, part in (("train", data.train), ("calibration", data.calibration), ("test", data.test))
    ]
    model = fitted(wrapped("mondrian_conformal", covariate="age", groups=3), Dataset(*parts))
    np.testing.assert_allclose(covered(model, parts[2]), 0.9, atol=0.025)
    with pytest.raises(CellError, match="no covariate named 'age'"):
        model.predict(data.test.inputs(), CPU)


@pytest.mark.parametrize("severity", [2, 3, 4])
def test_weights_restore_coverage_under_a_tilt_of_gc_content(severity):
    data = dataset(spread_by_gc=8.0)
    tilted = rh.shift("gc_tilt").apply(data, severity, rng_for(0, "tilt"))
    assert covered(fitted(wrapped("split_conformal"), data), tilted).mean() < 0.86
    weighted = covered(fitted(wrapped("weighted_conformal"), data), tilted)
    assert weighted.mean() == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize(("severity", "n"), [(3, 500), (3, 1000), (4, 1000), (4, 2000)])
def test_weights_restore_coverage_on_average_whatever_the_size_of_the_calibration_split(severity, n):
    found, without = [], []
    for seed in range(12):
        parts = [skewed(size, f"{name}{seed}-", 8.0) for name, size in (("train", 50), ("cal", n), ("test", 3000))]
        data = Dataset(*parts)
        tilted = rh.shift("gc_tilt").apply(data, severity, rng_for(seed, "tilt"))
        found.append(covered(fitted(wrapped("weighted_conformal"), data), tilted).mean())
        without.append(covered(fitted(wrapped("split_conformal"), data), tilted).mean())
    assert np.mean(without) < 0.83
    assert np.mean(found) == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.3, 0.45])
@pytest.mark.parametrize("n", [19, 59, 99])
def test_with_equal_weights_the_interval_is_that_of_split_conformal(n, alpha):
    # A sequence that is asked for alone shows no shift.
    data = dataset(n=n)
    alone = data.test.select(np.array([0])).inputs()
    one, two = (
        fitted(wrapped(f"{name}_conformal", alpha=alpha), data).predict(alone, CPU) for name in ("split", "weighted")
    )
    np.testing.assert_array_equal(two.aleatoric_variance, one.aleatoric_variance)


def test_a_test_set_like_nothing_in_the_calibration_split_gets_the_largest_error():
    data = dataset(n=200)
    poly = replace(data.test, sequence=np.full_like(data.test.sequence, 2))
    found = fitted(wrapped("weighted_conformal"), data).predict(poly.inputs(), CPU)
    largest = np.abs(data.calibration.target).max(axis=0)
    np.testing.assert_allclose(found.quantiles[0], np.stack([-largest, largest], axis=1), rtol=1e-6)


def test_without_shift_weights_change_little():
    data = dataset()
    one = fitted(wrapped("split_conformal"), data).predict(data.test.inputs(), CPU)
    two = fitted(wrapped("weighted_conformal"), data).predict(data.test.inputs(), CPU)
    ratio = np.sqrt(two.aleatoric_variance / one.aleatoric_variance)
    assert 0.95 < np.median(ratio) < 1.05


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("split_conformal", {"alpha": 0.0}, "alpha: 0 is not between 0 and 1"),
        ("weighted_conformal", {"alpha": 1.5}, r"alpha: 1\.5 is not between"),
        ("mondrian_conformal", {"groups": 1}, "groups: 1 is not two or more"),
    ],
)
def test_parameters_that_cannot_be_are_refused(name, parameters, message):
    with pytest.raises(InputError, match=message):
        wrapped(name, **parameters)


class Contract(ModelAdapterContract):
    def make_model(self):
        return wrapped(self.name, lambda: rh.model("gc_linear"))

    def make_data(self):
        return make_dataset(calibration=128, outputs=("K562", "HepG2"))


class TestSplitConformal(Contract):
    name = "split_conformal"


class TestNormalisedConformal(Contract):
    name = "normalised_conformal"


class TestMondrianConformal(Contract):
    name = "mondrian_conformal"


class TestWeightedConformal(Contract):
    name = "weighted_conformal"

    def test_an_examples_prediction_does_not_depend_on_the_others(self):
        """It does: weights are those of the whole test set."""
        model, test = self.fitted(), self.make_data().test
        found = self.predict(model, test.select(np.arange(20)))
        assert (found.aleatoric_variance != self.predict(model, test).aleatoric_variance[:20]).any()
        np.testing.assert_array_equal(found.mean, self.predict(model, test).mean[:20])
