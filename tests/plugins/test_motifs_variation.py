"""Facts of the motif libraries that are made out of others, and of choosing from one."""

import numpy as np
import pytest
import scipy.stats

from regharness import InputError
from regharness.seeding import rng_for
from regharness_motifs.library import MotifSet, load_motifs
from regharness_motifs.scanning import occupancy_features
from regharness_motifs.variation import CONCENTRATION, decoys, joined, perturbed, variant


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


def information(motifs):
    """Bits of each motif against a uniform background."""
    return np.array([(2.0 + (matrix * np.log2(matrix)).sum(axis=1)).sum() for matrix in motifs.matrices])


def test_an_exact_library_is_the_library(motifs):
    assert variant(motifs, "exact") is motifs


def test_a_misspecified_library_blurs_every_motif_of_the_library(motifs):
    blurred = variant(motifs, "misspecified")
    assert (blurred.ids, blurred.names) == (motifs.ids, motifs.names)
    assert (information(blurred) < information(motifs)).all()


def test_a_misspecified_library_still_finds_what_the_library_finds(motifs):
    sequence = rng().integers(0, 4, (2000, 200), dtype=np.uint8)
    right, blurred = (occupancy_features(sequence, variant(motifs, kind)) for kind in ("exact", "misspecified"))
    of_own = [scipy.stats.pearsonr(right[:, i], blurred[:, i])[0] for i in range(len(motifs)) if right[:, i].any()]
    assert 0.5 < np.median(of_own) < 0.95


def test_a_subset_is_half_of_the_motifs_in_their_order(motifs):
    half = variant(motifs, "subset")
    assert len(half) == 12
    places = [motifs.ids.index(motif) for motif in half.ids]
    assert places == sorted(places)
    assert all(half.matrices[i] is motifs.matrices[place] for i, place in enumerate(places))


def test_half_of_one_motif_is_that_motif(motifs):
    assert variant(motifs.chosen(["SRF"]), "subset").names == ("SRF",)


def test_half_of_a_library_whose_factors_have_several_motifs_is_of_motifs(motifs):
    twice = joined(motifs, MotifSet(tuple(f"again {motif}" for motif in motifs.ids), motifs.names, motifs.matrices))
    assert len(set(variant(twice, "subset").ids)) == 24


def test_a_decoy_library_has_none_of_the_motifs_and_as_many(motifs):
    false = variant(motifs, "decoy")
    assert len(false) == len(motifs)
    assert not set(false.names) & set(motifs.names)
    assert (false.widths == motifs.widths).all()
    assert not any(np.array_equal(one, other) for one, other in zip(false.matrices, motifs.matrices, strict=True))


@pytest.mark.parametrize("kind", ["misspecified", "subset", "decoy"])
def test_a_variant_is_the_same_every_time(motifs, kind):
    one, two = variant(motifs, kind), variant(motifs, kind)
    assert one.ids == two.ids
    assert all(np.array_equal(first, second) for first, second in zip(one.matrices, two.matrices, strict=True))
