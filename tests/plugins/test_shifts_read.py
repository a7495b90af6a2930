"""Facts of the shifts that change how a sequence is read."""

from dataclasses import replace

import numpy as np
import pytest

import regharness as rh
from regharness import DataInfo, InputError
from regharness.seeding import rng_for
from regharness.testing import ShiftOperatorContract, make_dataset

LENGTH = 120
DATA = make_dataset(test=400, length=LENGTH)
KNOWN = replace(DATA, test=replace(DATA.test, sequence=DATA.test.sequence % 4))
INFO = DataInfo(("K562",), "log2", LENGTH, {"train": 256, "calibration": 64, "test": 400})


def read(name, severity, data=KNOWN, **parameters):
    return rh.shift(name, **parameters).apply(data, severity, rng_for(0, name)).sequence


class OfLongSequences(ShiftOperatorContract):
    def make_data(self):
        return DATA


class TestWindowOffset(OfLongSequences):
    def make_shift(self):
        return rh.shift("window_offset")


class TestWindowOffsetWithRandomBases(OfLongSequences):
    def make_shift(self):
        return rh.shift("window_offset", fill="random")


class TestAdapterContamination(OfLongSequences):
    def make_shift(self):
        return rh.shift("adapter_contamination")


class TestBlockMask(OfLongSequences):
    def make_shift(self):
        return rh.shift("block_mask", fill="random")


@pytest.mark.parametrize(("severity", "bp"), [(1, 5), (2, 15), (3, 30), (4, 60), (5, 100)])
def test_a_window_moves_to_the_left_or_the_right(severity, bp):
    before, after = KNOWN.test.sequence, read("window_offset", severity)
    right = (after[:, bp:] == before[:, :-bp]).all(axis=1) & (after[:, :bp] == 4).all(axis=1)
    left = (after[:, :-bp] == before[:, bp:]).all(axis=1) & (after[:, -bp:] == 4).all(axis=1)
    assert (right ^ left).all()
    assert 0.4 < right.mean() < 0.6


def test_random_bases_from_outside_have_the_sequences_own_composition():
    poor = replace(KNOWN, test=replace(KNOWN.test, sequence=np.where(KNOWN.test.sequence == 1, 0, 3).astype(np.uint8)))
    for name in ("window_offset", "block_mask"):
        assert set(np.unique(read(name, 5, poor, fill="random"))) == {0, 3}


@pytest.mark.parametrize(("severity", "bp"), [(1, 5), (2, 10), (3, 15), (4, 30), (5, 60)])
def test_reads_end_in_the_first_bases_of_the_adapter(severity, bp):
    truseq = "AGATCGGAAGAGCACACGTCTGAACTCCAGTCACATCACGATCTCGTATGCCGTCTTCTGCTTG"
    after = read("adapter_contamination", severity)
    assert {"".join("ACGT"[base] for base in row) for row in after[:, -bp:]} == {truseq[:bp]}
    assert (after[:, :-bp] == KNOWN.test.sequence[:, :-bp]).all()


@pytest.mark.parametrize(("severity", "bp"), [(1, 5), (2, 10), (3, 20), (4, 40), (5, 80)])
def test_one_stretch_of_every_sequence_is_hidden(severity, bp):
    hidden = read("block_mask", severity) == 4
    assert (hidden.sum(axis=1) == bp).all()
    # One run: it begins once.
    assert ((np.diff(hidden.astype(int), axis=1, prepend=0) == 1).sum(axis=1) == 1).all()
    assert len(set(hidden.argmax(axis=1).tolist())) > 20


def test_what_is_not_hidden_is_kept():
    after = read("block_mask", 5)
    assert (after == KNOWN.test.sequence)[after < 4].all()


@pytest.mark.parametrize("name", ["window_offset", "block_mask", "adapter_contamination"])
def test_a_stretch_as_long_as_the_sequence_is_refused_before_and_at_the_latest_when_applied(name):
    given = {"adapter": "ACGT" * 40} if name == "adapter_contamination" else {}
    operator = rh.shift(name, levels=[LENGTH], **given)
    with pytest.raises(InputError, match="a stretch of 120 bp leaves nothing of sequences of 120 bp"):
        operator.check(INFO)
    with pytest.raises(InputError, match="a stretch of 120 bp leaves nothing of sequences of 120 bp"):
        operator.apply(DATA, 1, rng_for(0, "x"))


def test_a_stretch_is_a_whole_number_of_bases():
    with pytest.raises(InputError, match=r"7\.5 is no whole number of bp"):
        rh.shift("block_mask", levels=[7.5])


def test_an_adapter_shorter_than_its_strongest_severity_is_refused():
    with pytest.raises(InputError, match="the adapter has 8 bp, and the strongest severity needs 60"):
        rh.shift("adapter_contamination", adapter="ACGTACGT")
