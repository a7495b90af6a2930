"""Facts of the motif libraries that are made out of others, and of choosing from one."""

import numpy as np
import pytest
import scipy.stats

from regharness import InputError
from regharness.seeding import rng_for
from regharness_motifs.library import MotifSet, load_motifs
from regharness_motifs.variation import CONCENTRATION, decoys, joined, perturbed


@pytest.fixture
def motifs():
    return load_motifs()


def rng():
    return rng_for(0, "test")


def test_motifs_are_chosen_by_name_or_id_in_the_order_asked_for(motifs):
    chosen = motifs.chosen(["SRF", motifs.ids[0]])
    assert chosen.names == ("SRF", motifs.names[0])
    assert chosen.matrices[1] is motifs.matrices[0]


def test_an_unknown_motif_is_refused_with_the_nearest(motifs):
    with pytest.raises(InputError, match="no motif named 'SRFF'; did you mean 'SRF'"):
        motifs.chosen(["SRFF"])


def test_a_motif_chosen_by_name_and_by_id_is_refused(motifs):
    with pytest.raises(InputError, match="a motif is chosen twice"):
        motifs.chosen([motifs.names[3], motifs.ids[3]])


def test_decoys_have_the_positions_of_their_sources_in_another_order(motifs):
    for source, decoy in zip(motifs.matrices, decoys(motifs, len(motifs), rng()).matrices, strict=True):
        assert not np.array_equal(decoy, source)
        assert sorted(map(tuple, decoy)) == sorted(map(tuple, source))


def test_more_decoys_than_motifs_begin_anew(motifs):
    made = decoys(motifs, 50, rng())
    assert (len(made), made.ids[-1]) == (50, "decoy_50")
    assert (made.widths == motifs.widths[np.arange(50) % len(motifs)]).all()


def test_more_decoys_begin_with_the_fewer(motifs):
    few, many = decoys(motifs, 3, rng()), decoys(motifs, 30, rng())
    assert all(np.array_equal(one, other) for one, other in zip(few.matrices, many.matrices, strict=False))


def test_a_motif_whose_positions_are_alike_is_its_own_decoy():
    plain = MotifSet(("M",), ("M",), (np.full((8, 4), 0.25),))
    assert (decoys(plain, 1, rng()).matrices[0] == 0.25).all()


def test_nothing_is_perturbed_by_a_share_of_zero(motifs):
    for one, other in zip(perturbed(motifs, 0.0, rng()).matrices, motifs.matrices, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_perturbed_motifs_are_probabilities_above_zero(motifs, share):
    for matrix in perturbed(motifs, share, rng()).matrices:
        np.testing.assert_allclose(matrix.sum(axis=1), 1.0)
        assert (matrix > 0).all()


def test_shares_mix_in_the_same_draws(motifs):
    little, much = perturbed(motifs, 0.2, rng()), perturbed(motifs, 0.8, rng())
    for matrix, one, other in zip(motifs.matrices, little.matrices, much.matrices, strict=True):
        np.testing.assert_allclose((other - matrix) / 0.8, (one - matrix) / 0.2, atol=1e-12)


def test_a_share_of_one_leaves_draws_from_the_dirichlet_distribution():
    long = MotifSet(("M",), ("M",), (np.tile([0.97, 0.01, 0.01, 0.01], (5000, 1)),))
    drawn = perturbed(long, 1.0, rng()).matrices[0]
    marginal = scipy.stats.beta(CONCENTRATION, 3 * CONCENTRATION, loc=1e-3 / 1.004, scale=1 / 1.004)
    assert scipy.stats.kstest(drawn[:, 0], marginal.cdf).pvalue > 0.001


def test_perturbed_motifs_keep_their_ids_and_names(motifs):
    changed = perturbed(motifs, 0.5, rng())
    assert (changed.ids, changed.names) == (motifs.ids, motifs.names)


def test_two_libraries_are_joined_in_order(motifs):
    made = decoys(motifs, 2, rng())
    both = joined(motifs, made)
    assert both.ids == motifs.ids + made.ids
    assert both.matrices[-1] is made.matrices[-1]


def test_libraries_that_share_a_motif_are_not_joined(motifs):
    with pytest.raises(InputError, match=f"the motif {motifs.ids[2]} is in both libraries"):
        joined(motifs, motifs.chosen([motifs.ids[2]]))
