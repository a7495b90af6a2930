"""Ranges of ranks from resampled seeds and examples."""

import numpy as np
import pytest

from regharness.errors import InputError
from regharness.statistics import Rank, bootstrap_ranks


def noisy(levels, seeds=3, blocks=30, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 5, (1, seeds, blocks))
    return np.asarray(levels)[:, None, None] + shared + rng.normal(0, noise, (len(levels), seeds, blocks))


def ranked(values, **options):
    return bootstrap_ranks(values, values.mean(axis=(1, 2)), **options)


def test_models_far_apart_keep_one_rank_each():
    assert ranked(noisy([0, 10, 20])) == (Rank(1, 1, 1), Rank(2, 2, 2), Rank(3, 3, 3))


def test_models_that_differ_by_noise_alone_share_all_ranks():
    found = ranked(noisy([0, 0]))
    assert {(rank.low, rank.high) for rank in found} == {(1, 2)}


def test_what_all_models_share_does_not_widen_a_range():
    values = noisy([0, 1], noise=0.01)
    assert [rank.low for rank in ranked(values)] == [rank.high for rank in ranked(values)] == [1, 2]


def test_one_seed_is_told_apart_by_its_blocks():
    assert ranked(noisy([0, 10], seeds=1)) == (Rank(1, 1, 1), Rank(2, 2, 2))


def test_one_seed_and_one_block_tell_nothing_apart():
    assert ranked(np.array([[[0.0]], [[1.0]], [[2.0]]])) == (Rank(1, 1, 3), Rank(2, 1, 3), Rank(3, 1, 3))


def test_equal_models_share_the_better_rank():
    values = noisy([0, 0], noise=0.0)
    assert [rank.rank for rank in ranked(values)] == [1, 1]


def test_a_model_that_lacks_a_seed_is_not_ranked():
    values = noisy([0, 10, 20])
    values[1, 0] = np.nan
    assert ranked(values) == (Rank(1, 1, 1), None, Rank(2, 2, 2))


def test_the_rank_is_by_the_centres_and_within_its_range():
    values = noisy([0, 10])
    found = bootstrap_ranks(values, np.array([3.0, 2.0]))
    assert [rank.rank for rank in found] == [2, 1]


def test_ranges_hold_the_true_rank_at_least_as_often_as_they_promise():
    rng = np.random.default_rng(1)
    levels, inside = np.arange(5) * 0.3, 0
    for _ in range(200):
        values = levels[:, None, None] + rng.normal(0, 0.2, (5, 3, 1)) + rng.normal(0, 1, (5, 3, 20))
        inside += sum(rank.low <= i + 1 <= rank.high for i, rank in enumerate(ranked(values, replicates=300)))
    assert inside / 1000 >= 0.93


def test_equal_seeds_give_equal_ranges():
    values = noisy([0, 0.1, 0.2])
    assert ranked(values, seed=3) == ranked(values, seed=3)


def test_scores_of_another_shape_are_refused():
    with pytest.raises(InputError, match=r"scores have shape \(2, 3\)"):
        bootstrap_ranks(np.zeros((2, 3)), np.zeros(2))
