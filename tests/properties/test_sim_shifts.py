"""What the simulated shifts move, and what they leave."""

import numpy as np
import pytest

import regharness as rh
from regharness.seeding import rng_for
from regharness.testing.shift_contract import ShiftOperatorContract


def small():
    return rh.data("simulated_mpra", train=10, calibration=10, test=300).generate(2)


@pytest.fixture(scope="module")
def data():
    return rh.data("simulated_mpra", train=10, calibration=10, test=3000).generate(1)


def apply(name, data, severity, **parameters):
    return rh.shift(name, **parameters).apply(data, severity, rng_for(0, "shift", name, severity))


class Simulated(ShiftOperatorContract):
    def make_data(self):
        return small()


class TestGCContentUp(Simulated):
    def make_shift(self):
        return rh.shift("gc_content")


class TestGCContentDown(Simulated):
    def make_shift(self):
        return rh.shift("gc_content", direction="down")


class TestMotifEffectRewiring(Simulated):
    def make_shift(self):
        return rh.shift("motif_effect_rewiring")


class TestAssayNoise(Simulated):
    def make_shift(self):
        return rh.shift("assay_noise")


def test_rewiring_keeps_the_sequences_and_moves_the_truth_further_with_each_severity(data):
    correlations = []
    for severity in range(1, 6):
        shifted = apply("motif_effect_rewiring", data, severity)
        assert (shifted.sequence == data.test.sequence).all()
        pairs = zip(shifted.truth.T, data.test.truth.T, strict=True)
        correlations.append(np.mean([np.corrcoef(after, before)[0, 1] for after, before in pairs]))
    assert (np.diff(correlations) < 0).all()
    # The correlations at which the levels were set.
    np.testing.assert_allclose(correlations, [0.98, 0.94, 0.88, 0.73, 0.15], atol=0.12)


def test_rewiring_keeps_mean_and_spread_of_the_labels(data):
    shifted = apply("motif_effect_rewiring", data, 5)
    np.testing.assert_allclose(shifted.truth.mean(axis=0), data.test.truth.mean(axis=0), atol=0.1)
    np.testing.assert_allclose(shifted.truth.std(axis=0), data.test.truth.std(axis=0), rtol=0.1)


@pytest.mark.parametrize(("severity", "sd"), list(enumerate((0.15, 0.3, 0.6, 1.0, 1.5), 1)))
def test_assay_noise_adds_its_sd_to_the_target_and_its_variance_to_the_noise(data, severity, sd):
    shifted = apply("assay_noise", data, severity)
    added = shifted.target - data.test.target
    assert added.std() == pytest.approx(sd, rel=4 / np.sqrt(2 * added.size))
    np.testing.assert_allclose(shifted.noise_variance, data.test.noise_variance + sd**2, rtol=1e-5)
    assert (shifted.truth == data.test.truth).all()


def test_the_noise_variance_stays_calibrated_under_every_shift(data):
    for name in ("gc_content", "motif_effect_rewiring", "assay_noise"):
        shifted = apply(name, data, 4)
        z = (shifted.target - shifted.truth) / np.sqrt(shifted.noise_variance)
        assert np.square(z).mean() == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("length", [40, 60, 100])
@pytest.mark.parametrize(("direction", "sign"), [("up", 1), ("down", -1)])
def test_gc_content_moves_further_with_each_severity_in_short_sequences_too(length, direction, sign):
    short = rh.data("simulated_mpra", train=10, calibration=10, test=1000, length=length).generate(0)
    before = short.test.covariates["gc_content"].mean()
    moved = [apply("gc_content", short, s, direction=direction).covariates["gc_content"].mean() for s in range(1, 6)]
    assert (sign * np.diff([before, *moved]) > 0).all()
    assert sign * (moved[0] - before) == pytest.approx(0.03, abs=0.01)


def test_motif_usage_moves_the_usage_and_hardly_the_activity(data):
    shifted = apply("motif_usage", data, 5)
    moved = (shifted.truth.mean(axis=0) - data.test.truth.mean(axis=0)) / data.test.truth.std(axis=0)
    assert np.abs(moved).max() < 0.5
    np.testing.assert_allclose(shifted.truth.std(axis=0), data.test.truth.std(axis=0), rtol=0.4)
