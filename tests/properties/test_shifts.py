"""Laws that the shifts of any data keep, whatever the sequences, the rates and the seed."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binom

import regharness as rh
from regharness import Dataset, SequenceBatch
from regharness.seeding import rng_for
from regharness.testing import make_dataset
from regharness.testing.shift_contract import assert_same

N = 4
SEEDS = st.integers(0, 2**31)
SEVERITIES = st.integers(1, 5)
ON_ANY_TEST_SET = [
    ("gc_quantile", {"direction": "high"}),
    ("gc_quantile", {"direction": "low"}),
    ("reverse_complement", {}),
    ("sequencing_error", {}),
]
# A first call loads the plugins, which takes longer than an example may.
quick = settings(max_examples=50, deadline=None)


@st.composite
def datasets(draw, least=20):
    """Test sets of any sequences, N and sequences of N alone among them."""
    sequence = draw(arrays(np.uint8, st.tuples(st.integers(least, 60), st.integers(1, 30)), elements=st.integers(0, N)))
    n, ids = len(sequence), np.array([f"e{i}" for i in range(len(sequence))])
    target = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
    test = SequenceBatch(ids, sequence, ("a", "b"), target, covariates={"gc_content": gc(sequence)})
    return Dataset(train=test, calibration=test, test=test, held_out={"group": test})


def gc(sequence):
    """GC content, base by base; NaN for N alone."""
    known = [[code for code in row if code != N] for row in sequence.tolist()]
    return np.array([np.mean([code in (1, 2) for code in row]) if row else np.nan for row in known])


def apply(name, data, severity=1, seed=0, **parameters):
    operator = rh.shift(name, **parameters)
    return operator.apply(data, min(severity, operator.severities[-1]), rng_for(seed, "shift"))


@pytest.mark.parametrize(("name", "parameters"), ON_ANY_TEST_SET)
@quick
@given(data=datasets(), severity=SEVERITIES, seed=SEEDS)
def test_a_shift_changes_no_data_and_its_seed_reproduces_it(name, parameters, data, severity, seed):
    untouched = replace(
        data.test, sequence=data.test.sequence.copy(), covariates={"gc_content": gc(data.test.sequence)}
    )
    first = apply(name, data, severity, seed, **parameters)
    assert_same(first, apply(name, data, severity, seed, **parameters))
    assert_same(data.test, untouched)


@pytest.mark.parametrize(("name", "parameters"), ON_ANY_TEST_SET)
@quick
@given(data=datasets(), severity=SEVERITIES, seed=SEEDS)
def test_every_example_keeps_its_label_and_the_length_of_its_sequence(name, parameters, data, severity, seed):
    shifted = apply(name, data, severity, seed, **parameters)
    rows = [data.test.ids.tolist().index(name) for name in shifted.ids]
    np.testing.assert_array_equal(shifted.target, data.test.target[rows])
    assert shifted.sequence.shape == (len(rows), data.test.sequence.shape[1])
    assert shifted.sequence.dtype == np.uint8


@pytest.mark.parametrize(("name", "parameters"), ON_ANY_TEST_SET)
@quick
@given(data=datasets(), severity=SEVERITIES, seed=SEEDS)
def test_the_gc_content_covariate_is_that_of_the_shifted_sequence(name, parameters, data, severity, seed):
    shifted = apply(name, data, severity, seed, **parameters)
    np.testing.assert_allclose(shifted.covariates["gc_content"], gc(shifted.sequence))


@quick
@given(data=datasets(), direction=st.sampled_from(["high", "low"]))
def test_a_harder_gc_quantile_is_a_part_of_the_one_before(data, direction):
    kept = [set(apply("gc_quantile", data, s, direction=direction).ids) for s in range(1, 6)]
    assert all(harder <= milder for milder, harder in pairwise(kept))


@quick
@given(data=datasets(), severity=SEVERITIES)
def test_no_example_left_out_is_richer_in_gc_than_one_kept(data, severity):
    content = np.nan_to_num(gc(data.test.sequence), nan=-1.0)
    kept = np.isin(data.test.ids, apply("gc_quantile", data, severity).ids)
    assert content[kept].min() >= content[~kept].max()


@quick
@given(data=datasets(), severity=SEVERITIES)
def test_no_example_left_out_is_poorer_in_gc_than_one_kept(data, severity):
    content = np.nan_to_num(gc(data.test.sequence), nan=2.0)
    kept = np.isin(data.test.ids, apply("gc_quantile", data, severity, direction="low").ids)
    assert content[kept].max() <= content[~kept].min()


@quick
@given(data=datasets(least=1))
def test_the_reverse_complement_twice_is_the_test_set(data):
    once = apply("reverse_complement", data)
    assert_same(apply("reverse_complement", replace(data, test=once)), data.test)


@quick
@given(data=datasets(least=1))
def test_the_reverse_complement_holds_as_many_c_as_there_were_g(data):
    counts = [np.bincount(row, minlength=5) for row in data.test.sequence]
    other = [np.bincount(row, minlength=5) for row in apply("reverse_complement", data).sequence]
    np.testing.assert_array_equal(np.array(other), np.array(counts)[:, [3, 2, 1, 0, 4]])


@quick
@given(data=datasets(least=1), severity=SEVERITIES, seed=SEEDS)
def test_an_error_makes_no_n_and_reads_none(data, severity, seed):
    read = apply("sequencing_error", data, severity, seed).sequence
    np.testing.assert_array_equal(read == N, data.test.sequence == N)


@settings(max_examples=25, deadline=None)
@given(severity=SEVERITIES, seed=SEEDS)
def test_the_number_of_errors_is_within_binomial_bounds(severity, seed):
    data = make_dataset(test=400, length=100)
    wrong = (apply("sequencing_error", data, severity, seed).sequence != data.test.sequence).sum()
    rate = (0.001, 0.005, 0.02, 0.05, 0.1)[severity - 1]
    # Hypothesis looks for the worst seed: a bound that one seed in a thousand million leaves.
    lowest, highest = binom.interval(1 - 1e-9, (data.test.sequence != N).sum(), rate)
    assert lowest <= wrong <= highest


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_errors_grow_in_number_with_severity(seed):
    data = make_dataset(test=400, length=100)
    wrong = [(apply("sequencing_error", data, s, seed).sequence != data.test.sequence).sum() for s in range(1, 6)]
    assert (np.diff(wrong) > 0).all()


def test_errors_add_no_gc_content_to_data_without_it():
    data = make_dataset()
    bare = replace(data, test=replace(data.test, covariates={}))
    assert apply("sequencing_error", bare, 5).covariates == {}


@quick
@given(data=datasets(least=1), seed=SEEDS)
def test_a_held_out_group_does_not_depend_on_the_seed(data, seed):
    assert_same(apply("held_out_group", data, seed=seed, group="group"), data.held_out["group"])
