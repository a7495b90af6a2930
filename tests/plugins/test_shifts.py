"""Contracts and hand-checkable facts of the shifts that work on any data."""

from dataclasses import replace

import numpy as np
import pytest

import regharness as rh
from regharness import DataInfo, InputError
from regharness.seeding import rng_for
from regharness.sequences import cpg_ratio
from regharness.testing import ShiftOperatorContract, make_batch, make_dataset
from regharness_motifs.library import load_motifs
from regharness_motifs.scanning import occupancy_features

INFO = DataInfo(("a",), "log2", 40, {"train": 9, "calibration": 9, "test": 100}, frozenset({"held_out"}), ("chr1",))


class TestGCQuantileHigh(ShiftOperatorContract):
    def make_shift(self):
        return rh.shift("gc_quantile")


class TestGCQuantileLow(ShiftOperatorContract):
    def make_shift(self):
        return rh.shift("gc_quantile", direction="low")


class TestHeldOutGroup(ShiftOperatorContract):
    def make_shift(self):
        return rh.shift("held_out_group", group="group")


class TestReverseComplement(ShiftOperatorContract):
    def make_shift(self):
        return rh.shift("reverse_complement")


class TestSequencingError(ShiftOperatorContract):
    def make_shift(self):
        return rh.shift("sequencing_error")


class TestAssayNoiseOnAnyData(ShiftOperatorContract):
    def make_shift(self):
        return rh.shift("assay_noise")


def apply(operator, data, severity=1):
    return operator.apply(data, severity, rng_for(0, "test"))


def with_test(sequence):
    """A data set whose test sequences are these, of one output."""
    data = make_dataset(test=len(sequence))
    codes = np.array([["ACGTN".index(base) for base in row] for row in sequence], np.uint8)
    return replace(data, test=replace(data.test, sequence=codes))


def letters(batch):
    return ["".join("ACGTN"[code] for code in row) for row in batch.sequence]


def test_the_reverse_complement_of_a_sequence_is_its_other_strand():
    assert letters(apply(rh.shift("reverse_complement"), with_test(["AACGTN", "GATTAC"]))) == ["NACGTT", "GTAATC"]


def test_the_reverse_complement_twice_is_the_sequence():
    data = make_dataset()
    once = apply(rh.shift("reverse_complement"), data)
    twice = apply(rh.shift("reverse_complement"), replace(data, test=once))
    assert (twice.sequence == data.test.sequence).all()


@pytest.mark.parametrize(("severity", "share"), [(1, 0.5), (2, 0.4), (3, 0.3), (4, 0.2), (5, 0.1)])
def test_gc_quantile_keeps_the_outer_share(severity, share):
    assert len(apply(rh.shift("gc_quantile"), make_dataset(test=200), severity)) == 200 * share


@pytest.mark.parametrize(("direction", "kept"), [("high", ["GGGG", "CCCA"]), ("low", ["AAAA", "TTTC"])])
def test_gc_quantile_keeps_the_richest_or_the_poorest(direction, kept):
    data = with_test(["AAAA", "GGGG", "TTTC", "CCCA"])
    assert sorted(letters(apply(rh.shift("gc_quantile", direction=direction), data, 1))) == sorted(kept)


def test_gc_content_is_taken_among_known_bases():
    data = with_test(["AAAA", "GGGA", "GGGA", "GNNN"])
    assert letters(apply(rh.shift("gc_quantile"), data, 1)) == ["GGGA", "GNNN"]


def test_gc_quantile_keeps_the_first_of_examples_with_equal_gc_content():
    data = with_test(["GAAA", "AGAA", "AAGA", "AAAG"])
    assert letters(apply(rh.shift("gc_quantile"), data, 1)) == ["GAAA", "AGAA"]


@pytest.mark.parametrize("direction", ["high", "low"])
def test_a_sequence_of_n_alone_is_in_neither_tail(direction):
    data = with_test(["NNNN", "GAAA", "GAAA", "GAAA"])
    assert letters(apply(rh.shift("gc_quantile", direction=direction), data, 1)) == ["GAAA", "GAAA"]


def test_gc_quantile_refuses_a_test_set_that_is_too_small():
    few = replace(INFO, sizes={**INFO.sizes, "test": 12})
    with pytest.raises(InputError, match="would keep 1 of 12 test examples"):
        rh.shift("gc_quantile").check(few)


def test_gc_quantile_never_keeps_fewer_than_two():
    with pytest.raises(InputError, match=r"would keep 1 of 12 test examples \(give more test examples"):
        apply(rh.shift("gc_quantile"), make_dataset(test=12), 5)


def test_a_held_out_group_is_given_as_it_is():
    data = make_dataset()
    assert apply(rh.shift("held_out_group", group="group"), data) is data.held_out["group"]


def test_a_group_that_is_not_held_out_is_refused_with_those_that_are():
    with pytest.raises(InputError, match=r"no held-out group named 'chr2'; did you mean 'chr1'\?.*held out: chr1"):
        rh.shift("held_out_group", group="chr2").check(INFO)


@pytest.mark.parametrize(("severity", "rate"), [(1, 0.001), (2, 0.005), (3, 0.02), (4, 0.05), (5, 0.1)])
def test_bases_are_misread_at_the_stated_rate(severity, rate):
    data = make_dataset(test=2000, length=100)
    known = data.test.sequence < 4
    wrong = (apply(rh.shift("sequencing_error"), data, severity).sequence != data.test.sequence)[known]
    # Six standard deviations of a binomial share.
    assert wrong.mean() == pytest.approx(rate, abs=6 * np.sqrt(rate / known.sum()))


def test_a_misread_base_is_any_of_the_three_others():
    data = with_test(["A" * 5000])
    read = apply(rh.shift("sequencing_error"), data, 5).sequence
    share = np.bincount(read[read != 0], minlength=4)[1:] / (read != 0).sum()
    np.testing.assert_allclose(share, 1 / 3, atol=0.1)


def test_n_is_never_misread():
    data = with_test(["N" * 500])
    assert letters(apply(rh.shift("sequencing_error"), data, 5)) == ["N" * 500]


@pytest.mark.parametrize("name", ["reverse_complement", "sequencing_error"])
def test_an_input_shift_keeps_the_labels(name):
    data, operator = make_dataset(), rh.shift(name)
    shifted = apply(operator, data, operator.severities[-1])
    assert (shifted.target == data.test.target).all()
    assert (shifted.ids == data.test.ids).all()


def tilted(batch, **parameters):
    data = replace(make_dataset(), test=batch)
    return rh.shift("covariate_tilt", **parameters).apply(data, 3, rng_for(0, "tilt"))


def test_the_cpg_ratio_is_observed_over_expected():
    # CGCGAATT: 2 CpG in 8 bases, 2 C, 2 G: 2 * 8 / 4. CCGGNNNN: 1 CpG in 4 known bases: 1 * 4 / 4.
    codes = np.array([[1, 2, 1, 2, 0, 0, 3, 3], [1, 1, 2, 2, 4, 4, 4, 4], [0, 0, 0, 0, 1, 1, 1, 1]], np.uint8)
    np.testing.assert_array_equal(cpg_ratio(codes), [4.0, 1.0, np.nan])


@pytest.mark.parametrize(("direction", "sign"), [("up", 1), ("down", -1)])
def test_a_normal_covariate_moves_by_lambda_sds(direction, sign):
    batch = make_batch(4000)
    batch = replace(batch, covariates={"age": rng_for(0, "age").normal(50, 10, 4000)})
    moved = tilted(batch, covariate="age", direction=direction).covariates["age"].mean()
    assert moved == pytest.approx(50 + sign * 10, abs=1.0)


def test_cpg_and_motif_content_can_be_tilted_on_any_sequences():
    batch = make_batch(2000, length=100)
    assert np.nanmean(cpg_ratio(tilted(batch, covariate="cpg_ratio").sequence)) > np.nanmean(cpg_ratio(batch.sequence))
    motifs = load_motifs().chosen(["GATA1"])
    before, after = (
        occupancy_features(part.sequence, motifs).mean()
        for part in (batch, tilted(batch, covariate="motif_content", motifs=["GATA1"]))
    )
    assert after > 1.5 * before


def test_a_covariate_that_is_not_there_is_refused_with_the_nearest():
    info = replace(INFO, covariates=("barcodes",), sizes={**INFO.sizes, "test": 9000})
    with pytest.raises(InputError, match="no covariate named 'barcode'; did you mean 'barcodes'"):
        rh.shift("covariate_tilt", covariate="barcode").check(info)


def test_examples_that_are_all_alike_are_not_tilted():
    batch = make_batch(100)
    batch = replace(batch, covariates={"age": np.full(100, 7)})
    assert sorted(tilted(batch, covariate="age").ids) == sorted(batch.ids)


def test_motifs_go_with_motif_content():
    with pytest.raises(InputError, match="'motifs' goes with covariate: motif_content"):
        rh.shift("covariate_tilt", covariate="cpg_ratio", motifs=["GATA1"])
