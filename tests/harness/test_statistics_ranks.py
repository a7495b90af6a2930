"""Ranks of models, and how far the data leave them open."""

import numpy as np
import pytest

from regharness.errors import InputError
from regharness.statistics import Rank, rank_intervals
from regharness.statistics.crossed import paired


def models(*badness, seeds=5, blocks=30, noise=0.01, seed=0):
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(1, 1, blocks))
    return np.array(badness)[:, None, None] + shared + noise * rng.normal(size=(len(badness), seeds, blocks))


def test_models_far_apart_have_one_rank_each():
    assert rank_intervals(models(3.0, 1.0, 2.0)).ranks == (Rank(3, 3, 3), Rank(1, 1, 1), Rank(2, 2, 2))


def test_models_that_cannot_be_told_apart_share_their_ranks():
    found = rank_intervals(models(1.0, 1.0, 5.0)).ranks
    assert [(rank.low, rank.high) for rank in found] == [(1, 2), (1, 2), (3, 3)]


def test_equal_models_share_the_better_rank():
    values = models(1.0, 2.0)
    found = rank_intervals(values[[1, 0, 0]]).ranks
    assert found == (Rank(3, 3, 3), Rank(1, 1, 2), Rank(1, 1, 2))


def test_a_model_whose_place_is_unsure_can_overlap_two_that_differ():
    # The one between is tied with each side; its noise is its own.
    values = models(1.0, 1.5, 2.0)
    values[1] += np.random.default_rng(1).normal(size=(5, 1))
    assert [(rank.low, rank.high) for rank in rank_intervals(values).ranks] == [(1, 2), (1, 3), (2, 3)]


def test_a_model_that_lacks_a_seed_is_not_ranked():
    values = models(1.0, 2.0, 3.0)
    values[0, 2] = np.nan
    assert rank_intervals(values).ranks == (None, Rank(1, 1, 1), Rank(2, 2, 2))


def test_one_seed_ranks_and_leaves_everything_open():
    found = rank_intervals(models(2.0, 1.0, 3.0, seeds=1))
    assert found.ranks == (Rank(2, 1, 3), Rank(1, 1, 3), Rank(3, 1, 3))
    assert np.isnan(found.p_values).all()


def test_one_model_is_first():
    assert rank_intervals(models(1.0)).ranks == (Rank(1, 1, 1),)


def test_no_model_has_no_rank():
    assert rank_intervals(np.ones((0, 2, 3))).ranks == ()


def test_missing_models_alone_have_no_ranks():
    assert rank_intervals(np.full((2, 3, 4), np.nan)).ranks == (None, None)


def test_an_infinite_model_is_last_and_not_tested():
    values = models(1.0, 2.0)
    values[0, 0, 0] = np.inf
    assert rank_intervals(values).ranks == (Rank(2, 1, 2), Rank(1, 1, 2))


def test_models_can_be_ranked_by_other_scores_than_means_of_blocks():
    found = rank_intervals(models(1.0, 2.0), centres=np.array([5.0, 4.0])).ranks
    assert found == (Rank(2, 2, 2), Rank(1, 1, 1))


def test_equal_centres_are_a_tie():
    found = rank_intervals(models(1.0, 2.0, noise=0.0), centres=np.array([0.3, 0.1 + 0.2])).ranks
    assert found == (Rank(1, 1, 2), Rank(1, 1, 2))


def test_two_models_are_tested_as_a_pair():
    values = models(1.0, 1.1, noise=0.5)
    assert rank_intervals(values).p_values[0, 1] == paired(values[0], values[1]).p_value


def test_p_values_of_three_pairs_are_corrected_together():
    values = models(1.0, 1.1, 1.3, noise=1.0)
    raw = sorted(paired(values[a], values[b]).p_value for a, b in ((0, 1), (0, 2), (1, 2)))
    assert min(rank_intervals(values).p_values[[0, 0, 1], [1, 2, 2]]) == pytest.approx(3 * raw[0])


def test_other_shapes_are_refused():
    with pytest.raises(InputError, match=r"\(model, seed, block\)"):
        rank_intervals(np.ones((2, 3)))


def test_centres_of_other_models_are_refused():
    with pytest.raises(InputError, match=r"2 models and centres of shape \(3,\)"):
        rank_intervals(np.ones((2, 3, 4)), centres=np.ones(3))


@pytest.mark.parametrize("regime", ["seeds", "examples"])
def test_of_six_equal_models_any_two_are_told_apart_at_most_one_time_in_twenty(regime):
    rng = np.random.default_rng(2)
    false = 0
    for _ in range(300):
        own = rng.normal(size=(6, 3, 1)) if regime == "seeds" else rng.normal(size=(6, 1, 30))
        values = own + rng.normal(size=(1, 1, 30)) + 0.3 * rng.normal(size=(6, 3, 30))
        false += any(rank != 6 for rank in (one.high for one in rank_intervals(values).ranks))
    # Two standard errors of a share of 0.05 among 300.
    assert false / 300 <= 0.05 + 0.025
