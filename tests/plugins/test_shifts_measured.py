"""Facts of the shifts that change the measurement of any data."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import pearsonr

import regharness as rh
from regharness import SequenceBatch
from regharness.seeding import rng_for
from regharness.testing import ShiftOperatorContract, make_dataset

DATA = make_dataset(test=4000)
NAMES = ["assay_noise", "batch_offset", "batch_gain", "gc_amplification", "barcode_chimera"]


def measured(name, severity, data=DATA, **parameters):
    return rh.shift(name, **parameters).apply(data, severity, rng_for(0, name))


def by_hand(target, gc=(0.5, 0.5), noise=0.04):
    """Two elements of 20 bp with these targets and GC contents."""
    codes = np.array([[1] * round(20 * share) + [0] * (20 - round(20 * share)) for share in gc], np.uint8)
    column = np.array(target, np.float32)[:, None]
    batch = SequenceBatch(np.array(["a", "b"]), codes, ("K562",), column, np.full_like(column, noise))
    return replace(DATA, test=batch)


class TestBatchOffset(ShiftOperatorContract):
    def make_shift(self):
        return rh.shift("batch_offset")


class TestBatchGain(ShiftOperatorContract):
    def make_shift(self):
        return rh.shift("batch_gain")


class TestGCAmplification(ShiftOperatorContract):
    def make_shift(self):
        return rh.shift("gc_amplification")


class TestBarcodeChimera(ShiftOperatorContract):
    def make_shift(self):
        return rh.shift("barcode_chimera", levels=[0.2, 0.5])


@pytest.mark.parametrize(("severity", "offset"), [(1, 0.1), (2, 0.2), (3, 0.4), (4, 0.7), (5, 1.0)])
def test_an_offset_is_added_to_every_target(severity, offset):
    np.testing.assert_allclose(measured("batch_offset", severity).target - DATA.test.target, offset, atol=1e-6)


@pytest.mark.parametrize(("severity", "gain"), [(1, 1.1), (2, 1.2), (3, 1.4), (4, 1.7), (5, 2.0)])
def test_a_gain_stretches_targets_and_their_noise_around_the_mean(severity, gain):
    batch = measured("batch_gain", severity)
    assert batch.target.mean() == pytest.approx(DATA.test.target.mean(), abs=1e-5)
    assert batch.target.std() == pytest.approx(gain * DATA.test.target.std(), rel=1e-5)
    assert pearsonr(batch.target[:, 0], DATA.test.target[:, 0]).statistic == pytest.approx(1.0)
    np.testing.assert_allclose(batch.noise_variance, gain**2 * DATA.test.noise_variance, rtol=1e-5)


@pytest.mark.parametrize(("severity", "loss"), [(1, 0.15), (2, 0.3), (3, 0.6), (4, 1.0), (5, 1.5)])
def test_reads_are_lost_with_the_square_of_the_distance_from_half_gc(severity, loss):
    data = by_hand([1.0, 1.0], gc=(0.5, 0.8))
    # 0.8 is two times 0.15 from one half.
    np.testing.assert_allclose(
        measured("gc_amplification", severity, data).target[:, 0], [1.0, 1.0 - 4 * loss], rtol=1e-5
    )


@pytest.mark.parametrize(("severity", "share"), [(1, 0.05), (2, 0.1), (3, 0.2), (4, 0.4), (5, 0.8)])
def test_a_share_of_the_elements_is_chimeric(severity, share):
    changed = (measured("barcode_chimera", severity).target != DATA.test.target).any(axis=1)
    assert changed.mean() == pytest.approx(share, abs=1e-9)


def test_a_chimera_has_the_mean_expression_of_both():
    # 2^1 and 2^3 average to 5; half of the noise of each by its share, 1/5 and 4/5.
    batch = measured("barcode_chimera", 1, by_hand([1.0, 3.0]), levels=[1.0])
    np.testing.assert_allclose(batch.target[:, 0], np.log2(5.0), rtol=1e-6)
    np.testing.assert_allclose(batch.noise_variance[:, 0], 0.04 * (0.2**2 + 0.8**2), rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_data_without_noise_information_stay_without(name):
    silent = replace(DATA, test=replace(DATA.test, noise_variance=None))
    assert measured(name, 3, silent).noise_variance is None


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_noise_variance_stays_unknown(name):
    noise = DATA.test.noise_variance.copy()
    noise[:] = np.nan
    assert np.isnan(
        measured(name, 3, replace(DATA, test=replace(DATA.test, noise_variance=noise))).noise_variance
    ).all()
