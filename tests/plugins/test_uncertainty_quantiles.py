"""Quantiles, recalibrated and conformalised, and the ranks behind them: hand calculations and known distributions."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import gamma, norm

import regharness as rh
from regharness import Dataset, InputError, Prediction
from regharness.catalog import load_catalog
from regharness.errors import CellError
from regharness.interfaces import ModelAdapter
from regharness.seeding import rng_for
from regharness.testing import ModelAdapterContract, make_batch, make_dataset
from regharness_uncertainty.ranks import rank

CPU = rh.RunContext(device="cpu")
LEVELS = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)


class Standard(ModelAdapter):
    """Zero, with a variance of one in two parts."""

    trainable = False

    def __init__(self, variance=1.0):
        self.variance = variance

    def predict(self, batch, context):
        mean = np.zeros((len(batch), len(batch.outputs)), np.float32)
        if self.variance is None:
            return Prediction(mean)
        part = np.full_like(mean, self.variance / 4)
        return Prediction(mean, aleatoric_variance=part, epistemic_variance=3 * part)


class Levels(ModelAdapter):
    """The quantiles of a normal distribution about zero, whose SD is told by whether a sequence starts with A."""

    trainable = False

    def __init__(self, levels=(0.05, 0.25, 0.5, 0.75, 0.95), sd=1.0, sd_of_a=None):
        self.quantile_levels, self.sd, self.sd_of_a = levels, sd, sd if sd_of_a is None else sd_of_a

    def predict(self, batch, context):
        mean = np.zeros((len(batch), len(batch.outputs)), np.float32)
        sd = np.where(batch.sequence[:, :1] == 0, self.sd_of_a, self.sd)[..., None]
        quantiles = np.broadcast_to(sd * norm.ppf(self.quantile_levels), (*mean.shape, len(self.quantile_levels)))
        return Prediction(mean, quantiles=quantiles.astype(np.float32), quantile_levels=self.quantile_levels)


def wrapped(name, make, **parameters):
    return load_catalog().create("uncertainty", name, parameters).wrap(make)


def measured(prefix, values):
    """Examples with these targets ``(example, output)``."""
    values = np.asarray(values, np.float32)
    batch = make_batch(len(values), outputs=tuple("ab"[: values.shape[1]]), prefix=prefix)
    return replace(batch, target=values, truth=None, noise_variance=None)


def predicted(model, calibration, test=None):
    """Fitted to a calibration split, and asked for a test set."""
    data = Dataset(calibration, calibration, test or calibration)
    model.fit(data.train, data.calibration, CPU)
    return model.predict(data.test.inputs(), CPU)


def skewed(prefix, n=4000):
    return measured(prefix, rng_for(0, "gamma", prefix).gamma(2.0, 1.0, (n, 2)))


class TestRecalibrated(ModelAdapterContract):
    def make_model(self):
        return wrapped("quantile_recalibration", lambda: rh.model("gc_linear"))


class TestConformalised(ModelAdapterContract):
    def make_model(self):
        return wrapped("conformalised_quantiles", Levels)


def test_recalibrated_quantiles_are_those_of_the_errors():
    # A mirrored recalibration would give those of a distribution that is skewed the other way.
    found = predicted(wrapped("quantile_recalibration", Standard), skewed("cal-"))
    assert found.quantile_levels == LEVELS
    np.testing.assert_allclose(found.quantiles[0], [gamma.ppf(LEVELS, 2.0)] * 2, rtol=0.06, atol=0.05)


def test_new_measurements_stay_below_each_recalibrated_quantile_as_often_as_it_says():
    test = skewed("test-")
    found = predicted(wrapped("quantile_recalibration", lambda: Standard(0.1)), skewed("cal-"), test)
    share = (test.target[..., None] <= found.quantiles).mean(axis=0)
    np.testing.assert_allclose(share, [LEVELS] * 2, atol=0.03)


def test_recalibrated_moments_are_those_of_the_errors():
    found = predicted(wrapped("quantile_recalibration", Standard), skewed("cal-"))
    # A gamma distribution of shape 2 has mean and variance 2.
    np.testing.assert_allclose(found.mean, 2.0, rtol=0.05)
    np.testing.assert_allclose(found.aleatoric_variance + found.epistemic_variance, 2.0, rtol=0.15)


def test_a_recalibration_by_hand():
    found = predicted(
        wrapped("quantile_recalibration", Standard, levels=[0.25, 0.375, 0.5, 0.75]),
        measured("c", [[0.0], [3.0], [1.0]]),
    )
    # A quarter lies at 0, between 0 and 1, between 1 and 3, and at 3.
    np.testing.assert_allclose(found.quantiles[0, 0], [0.0, 0.5, 1.0, 3.0], atol=1e-6)
    mean = (0 + 0.5 + 2 + 3) / 4
    square = (0 + 1 / 3 + 13 / 3 + 9) / 4
    np.testing.assert_allclose(found.mean, mean, rtol=1e-6)
    np.testing.assert_allclose(found.aleatoric_variance + found.epistemic_variance, square - mean**2, rtol=1e-5)


def test_errors_of_equal_size_are_no_obstacle():
    found = predicted(wrapped("quantile_recalibration", Standard, levels=[0.5]), measured("c", [[1.0], [1.0], [1.0]]))
    np.testing.assert_allclose(found.quantiles, 1.0)
    np.testing.assert_allclose(found.aleatoric_variance, 0.0)


def test_recalibration_keeps_the_proportion_of_the_parts():
    found = predicted(wrapped("quantile_recalibration", Standard), skewed("cal-"))
    np.testing.assert_allclose(found.epistemic_variance, 3 * found.aleatoric_variance, rtol=1e-5)


def test_a_target_scaled_and_moved_recalibrates_alike():
    class Moved(Standard):
        def predict(self, batch, context):
            one = super().predict(batch, context)
            return replace(one, mean=one.mean + np.float32(5.0))

    one = predicted(wrapped("quantile_recalibration", Standard), skewed("cal-", 400))
    moved = skewed("cal-", 400)
    moved = replace(moved, target=10 * moved.target + 5)
    two = predicted(wrapped("quantile_recalibration", lambda: Moved(100.0)), moved)
    np.testing.assert_allclose(two.quantiles, 10 * one.quantiles + 5, rtol=1e-5)


@pytest.mark.parametrize(
    ("variance", "n", "message"),
    [
        (None, 100, "needs a model with a variance; residual_variance gives one, split_conformal intervals without"),
        (0.0, 100, "100 calibration examples have a variance of zero"),
        (1.0, 38, r"level 0\.025 to 0\.975 need 39 calibration examples or more, and the calibration split has 38"),
    ],
)
def test_what_cannot_be_recalibrated_is_refused(variance, n, message):
    with pytest.raises(CellError, match=message):
        predicted(wrapped("quantile_recalibration", lambda: Standard(variance)), skewed("cal-", n))


def test_as_many_examples_as_the_refusal_asks_for_are_enough():
    assert predicted(wrapped("quantile_recalibration", Standard), skewed("cal-", 39)).quantiles.shape == (39, 2, 9)


@pytest.mark.parametrize(
    ("levels", "message"), [([0.5, 0.1], "levels rise"), ([0.0, 0.5], "between 0 and 1"), ([], "at least 1")]
)
def test_levels_that_cannot_be_are_refused(levels, message):
    with pytest.raises(InputError, match=message):
        wrapped("quantile_recalibration", Standard, levels=levels)


@pytest.mark.parametrize("alpha", [0.1, 0.3, 0.5])
@pytest.mark.parametrize("sd", [0.1, 10.0])
def test_conformalised_quantiles_hold_their_share_whether_too_near_or_too_far(alpha, sd):
    test = skewed("test-")
    found = predicted(wrapped("conformalised_quantiles", lambda: Levels(sd=sd), alpha=alpha), skewed("cal-"), test)
    lower, upper = np.moveaxis(found.quantiles, 2, 0)
    np.testing.assert_allclose(((lower <= test.target) & (test.target <= upper)).mean(axis=0), 1 - alpha, atol=0.025)


def test_the_ends_move_by_the_stated_score():
    targets = np.arange(1.0, 20.0)[:, None]
    found = predicted(wrapped("conformalised_quantiles", lambda: Levels((0.05, 0.95))), measured("c", targets))
    # Each target lies y - u beyond the upper end; of 19 the 18th smallest is that of 18: ceil(20 x 0.9).
    end = norm.ppf(0.95)
    np.testing.assert_allclose(found.quantiles[0, 0], [-end - (18 - end), 18.0], rtol=1e-6)
    assert found.quantile_levels == (0.05, 0.95)


def test_the_variance_of_an_interval_is_that_of_the_normal_one_that_is_as_wide():
    found = predicted(wrapped("conformalised_quantiles", Levels), skewed("cal-"))
    width = found.quantiles[..., 1] - found.quantiles[..., 0]
    np.testing.assert_allclose(2 * norm.ppf(0.95) * np.sqrt(found.aleatoric_variance), width, rtol=1e-5)
    assert found.epistemic_variance is None


def test_the_levels_nearest_to_those_asked_for_are_moved():
    targets = np.zeros((19, 1))
    found = predicted(wrapped("conformalised_quantiles", Levels, alpha=0.4), measured("c", targets))
    # 0.25 and 0.75 are nearest to 0.2 and 0.8; with every target in the middle both move there.
    np.testing.assert_allclose(found.quantiles, 0.0, atol=1e-6)
    wide = predicted(
        wrapped("conformalised_quantiles", lambda: Levels(sd_of_a=2.0), alpha=0.4),
        replace(measured("c", targets), sequence=np.ones((19, 40), np.uint8)),
        replace(measured("c", targets), sequence=np.zeros((19, 40), np.uint8)),
    )
    np.testing.assert_allclose(wide.quantiles[0, 0], norm.ppf([0.25, 0.75]), rtol=1e-5)


def test_ends_that_would_pass_each_other_meet():
    targets = np.zeros((19, 1))
    found = predicted(
        wrapped("conformalised_quantiles", lambda: Levels(sd_of_a=0.5)),
        replace(measured("c", targets), sequence=np.ones((19, 40), np.uint8)),
        replace(measured("c", targets), sequence=np.zeros((19, 40), np.uint8)),
    )
    np.testing.assert_allclose(found.quantiles, 0.0, atol=1e-6)
    assert (found.quantiles[..., 0] <= found.quantiles[..., 1]).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Standard, "needs quantiles below and above the median, and Standard gives none"),
        (lambda: Levels((0.5, 0.9)), r"and Levels gives those of 0\.5, 0\.9"),
    ],
)
def test_a_model_without_quantiles_on_both_sides_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        wrapped("conformalised_quantiles", make)


@pytest.mark.parametrize("hundredths", range(1, 100))
def test_a_rank_is_exact(hundredths):
    found = [rank(n, hundredths / 100) for n in range(1, 500)]
    # ceil(a / 100) in integers.
    assert found == [-(-(n + 1) * (100 - hundredths) // 100) for n in range(1, 500)]


def test_a_rank_is_exact_for_a_tiny_share():
    assert rank(999_999, 1e-6) == 999_999


@pytest.mark.parametrize(
    "name", ["split_conformal", "mondrian_conformal", "normalised_conformal", "weighted_conformal"]
)
def test_a_conformal_interval_is_given_as_two_quantiles(name):
    test = skewed("test-")
    model = wrapped(name, Standard, alpha=0.2)
    found = predicted(model, skewed("cal-"), test)
    assert found.quantile_levels == model.quantile_levels == (0.1, 0.9)
    lower, upper = np.moveaxis(found.quantiles, 2, 0)
    np.testing.assert_allclose(((lower <= test.target) & (test.target <= upper)).mean(axis=0), 0.8, atol=0.025)
    variance = found.aleatoric_variance + (0 if found.epistemic_variance is None else found.epistemic_variance)
    np.testing.assert_allclose(upper - lower, 2 * norm.ppf(0.9) * np.sqrt(variance), rtol=1e-4)


def test_a_method_declares_its_quantiles_before_it_is_fitted():
    assert wrapped("quantile_recalibration", Standard, levels=[0.2, 0.8]).quantile_levels == (0.2, 0.8)
    assert wrapped("conformalised_quantiles", Levels, alpha=0.2).quantile_levels == (0.1, 0.9)
    assert wrapped("deep_ensemble", lambda: rh.model("mean")).quantile_levels == ()


def test_make_dataset_of_two_outputs_is_recalibrated_for_each():
    data = make_dataset(calibration=200, outputs=("a", "b"))
    data.calibration.target[:, 1] += 10
    found = predicted(wrapped("quantile_recalibration", Standard), data.calibration)
    np.testing.assert_allclose(found.mean[:, 1] - found.mean[:, 0], 10.0, atol=0.1)
