"""Facts of the motif library and the scanner; the scanner against its formula, written out plainly."""

import numpy as np
import pytest

from regharness import InputError
from regharness.seeding import rng_for
from regharness_motifs.library import PSEUDOCOUNT, load_motifs
from regharness_motifs.scanning import (
    GATE,
    find_sites,
    occupancy_features,
    saturated,
    summed_occupancy,
    thresholds,
)

JASPAR = """\
>M1.1\tTOY
A [ 8 0 0 ]
C [ 0 8 0 ]
G [ 0 0 8 ]
T [ 0 0 0 ]
"""

MEME = """\
MEME version 4

ALPHABET= ACGT

MOTIF M1 TOY
letter-probability matrix: alength= 4 w= 2 nsites= 8 E= 0
 1.0 0.0 0.0 0.0
 0.5 0.5 0.0 0.0

MOTIF M2
letter-probability matrix: alength= 4 w= 1
 0.25 0.25 0.25 0.25
"""


@pytest.fixture
def sequences():
    drawn = rng_for(0, "test").integers(0, 4, (40, 80)).astype(np.uint8)
    drawn[3, 30:36] = 4
    return drawn


def write(tmp_path, text):
    path = tmp_path / "motifs.txt"
    path.write_text(text)
    return path


def test_the_built_in_set_is_real_and_normalised():
    motifs = load_motifs()
    assert len(motifs) == 24
    assert "CTCF" in motifs.names
    assert all(np.allclose(matrix.sum(axis=1), 1.0) for matrix in motifs.matrices)


def test_the_built_in_hnf4a_has_its_consensus():
    motifs = load_motifs()
    matrix = motifs.matrices[motifs.names.index("HNF4A")]
    assert "".join("ACGT"[base] for base in matrix.argmax(axis=1)) == "CAAAGTCCA"


def test_jaspar_counts_get_a_pseudocount_spread_over_the_bases(tmp_path):
    motifs = load_motifs(write(tmp_path, JASPAR))
    share = PSEUDOCOUNT / 4
    np.testing.assert_allclose(motifs.matrices[0][0], np.array([8 + share, share, share, share]) / (8 + PSEUDOCOUNT))


def test_meme_probabilities_are_weighted_by_their_sites(tmp_path):
    motifs = load_motifs(write(tmp_path, MEME))
    assert (motifs.ids, motifs.names) == (("M1", "M2"), ("TOY", "M2"))
    np.testing.assert_allclose(motifs.matrices[0][1], np.array([4.2, 4.2, 0.2, 0.2]) / 8.8)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no motif"),
        ("hello", "JASPAR .* and MEME text are read"),
        (">M1 X\nA [1 2]\nC [1 2]\nG [1 2]\n", "has 3 rows"),
        (">M1 X\nA [1 2]\nC [1 2]\nG [1 2]\nT [1]\n", "not a table of numbers"),
        (">M1 X\nA [1 -2]\nC [1 2]\nG [1 2]\nT [1 2]\n", "negative or not finite"),
        (">M1 X\nA [1 0]\nC [1 0]\nG [1 0]\nT [1 0]\n", "a position without counts"),
        (">\n\n", "a motif has no identifier"),
        (JASPAR.replace("A [", "T [", 1), "the rows of the motif M1.1 are TCGT, not A C G T"),
        (JASPAR + JASPAR, "the motif M1.1 appears twice"),
        (MEME.replace(" 1.0 0.0 0.0 0.0", " 0.9 0.0 0.0 0.0"), "do not sum to one"),
        (MEME.replace("letter-probability", "log-odds"), "no letter-probability matrix"),
    ],
)
def test_a_bad_library_is_refused_with_its_reason(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        load_motifs(write(tmp_path, text))


def test_the_threshold_is_the_mean_score_of_instances_less_one_and_a_half_sd():
    motifs = load_motifs()
    rng = rng_for(0, "instances")
    matrix = motifs.matrices[motifs.names.index("SRF")]
    odds = np.log(matrix / 0.25)
    cumulative = matrix.cumsum(axis=1)[:, None, :-1]
    bases = (rng.random((len(matrix), 200_000))[:, :, None] > cumulative).sum(axis=2)
    scores = np.take_along_axis(odds, bases, axis=1).sum(axis=0)
    expected = scores.mean() - 1.5 * scores.std()
    assert thresholds(motifs)[motifs.names.index("SRF")] == pytest.approx(expected, abs=0.05)


def test_sites_are_those_that_the_formula_finds(sequences):
    motifs = load_motifs()
    found = {}
    sites = find_sites(sequences, motifs)
    for i in range(len(sequences)):
        for s in range(sites.starts[i], sites.starts[i + 1]):
            found.setdefault((i, sites.position[s], sites.motif[s]), []).append(sites.excess[s])
    expected = {}
    for m, (matrix, limit) in enumerate(zip(motifs.matrices, thresholds(motifs), strict=True)):
        for odds in (np.log(matrix / 0.25), np.log(matrix / 0.25)[::-1, ::-1]):
            for i, row in enumerate(sequences):
                for p in range(len(row) - len(odds) + 1):
                    window = row[p : p + len(odds)]
                    if (window < 4).all():
                        excess = odds[np.arange(len(odds)), window].sum() - limit
                        if excess > -GATE:
                            expected.setdefault((i, p, m), []).append(excess)
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        np.testing.assert_allclose(sorted(found[key]), sorted(values), atol=1e-5)


def test_occupancy_is_the_logistic_of_the_excess_and_the_log_concentration(sequences):
    motifs = load_motifs()
    sites = find_sites(sequences, motifs)
    log_c = np.linspace(-1, 1, len(motifs))
    expected = np.zeros((len(sequences), len(motifs)))
    for i in range(len(sequences)):
        for s in range(sites.starts[i], sites.starts[i + 1]):
            m = sites.motif[s]
            expected[i, m] += 1 / (1 + np.exp(-(float(sites.excess[s]) + log_c[m])))
    np.testing.assert_allclose(summed_occupancy(sites, len(motifs), log_c), expected)


def test_a_sequence_and_its_reverse_complement_are_bound_alike(sequences):
    motifs = load_motifs()
    complement = np.array([3, 2, 1, 0, 4], np.uint8)
    forward = occupancy_features(sequences, motifs)
    np.testing.assert_allclose(occupancy_features(complement[sequences[:, ::-1]], motifs), forward, rtol=1e-5)


def test_a_sequence_is_bound_the_same_whatever_stands_beside_it(sequences):
    motifs = load_motifs()
    together = occupancy_features(np.tile(sequences, (110, 1)), motifs)
    assert (together.reshape(110, len(sequences), -1) == occupancy_features(sequences, motifs)).all()


def test_an_effect_is_half_of_its_ceiling_at_an_occupancy_of_two_and_a_half():
    assert saturated(np.array([2.5])) == pytest.approx(saturated(np.array([1e12])) / 2)


def test_a_sequence_of_n_is_not_bound():
    assert (occupancy_features(np.full((2, 50), 4, np.uint8), load_motifs()) == 0).all()


def test_a_sequence_shorter_than_every_motif_is_not_bound():
    assert (occupancy_features(np.zeros((2, 4), np.uint8), load_motifs()) == 0).all()
