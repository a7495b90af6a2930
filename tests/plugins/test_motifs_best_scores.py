"""Facts of motifs' best scores, against the formula written out plainly and against Biopython."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from Bio import motifs as bio
from hypothesis import given, settings
from hypothesis import strategies as st

from regharness.seeding import rng_for
from regharness_motifs.library import MotifSet, load_motifs
from regharness_motifs.maxima import best_scores

WITHIN = 0.01


def of_widths(widths, root=0):
    """Random motifs, about as informative as real ones."""
    rng = rng_for(root, "motifs")
    ids = tuple(f"M{i}" for i in range(len(widths)))
    return MotifSet(ids, ids, tuple(0.96 * rng.dirichlet([0.3] * 4, width) + 0.01 for width in widths))


def drawn(n, length, unknown=0.0, root=0):
    known = (1.0 - unknown) / 4
    return rng_for(root, "test").choice(5, (n, length), p=[known] * 4 + [unknown]).astype(np.uint8)


def best_by_formula(sequences, motifs):
    best = np.full((len(sequences), len(motifs)), -np.inf)
    for m, matrix in enumerate(motifs.matrices):
        if len(matrix) > sequences.shape[1]:
            continue
        windows = np.lib.stride_tricks.sliding_window_view(sequences, len(matrix), axis=1)
        for odds in (np.log(matrix / 0.25), np.log(matrix / 0.25)[::-1, ::-1]):
            padded = np.column_stack([odds, np.full(len(odds), -np.inf)])
            scores = padded[np.arange(len(odds)), windows].sum(axis=2)
            best[:, m] = np.maximum(best[:, m], scores.max(axis=1))
    return best


def assert_best_scores_are_those_of_the_formula(sequences, motifs, within=WITHIN):
    np.testing.assert_allclose(best_scores(sequences, motifs), best_by_formula(sequences, motifs), rtol=0, atol=within)


def test_the_built_in_motifs_have_the_best_scores_of_the_formula():
    assert_best_scores_are_those_of_the_formula(drawn(40, 80), load_motifs())


def test_motifs_of_up_to_twelve_positions_are_within_three_thousandths_of_a_nat():
    motifs = load_motifs()
    narrow = motifs.chosen([name for name, width in zip(motifs.names, motifs.widths, strict=True) if width <= 12])
    assert_best_scores_are_those_of_the_formula(drawn(200, 200), narrow, within=0.003)


def test_motifs_of_every_width_have_the_best_scores_of_the_formula():
    assert_best_scores_are_those_of_the_formula(drawn(40, 80), of_widths(range(1, 34)))


@pytest.mark.parametrize("number", [1, 16, 17, 65, 130])
def test_any_number_of_motifs_has_the_best_scores_of_the_formula(number):
    widths = ([*range(30, 3, -1)] * 5)[:number]
    assert_best_scores_are_those_of_the_formula(drawn(30, 60), of_widths(widths))


@given(
    widths=st.lists(st.integers(1, 30), min_size=1, max_size=40),
    length=st.integers(1, 70),
    unknown=st.sampled_from([0.0, 0.02, 0.3]),
    root=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_best_scores_are_those_of_the_formula(widths, length, unknown, root):
    assert_best_scores_are_those_of_the_formula(drawn(8, length, unknown, root), of_widths(widths, root))


def test_a_motif_wider_than_the_sequence_has_no_score():
    best = best_scores(drawn(5, 11), of_widths([8, 12]))
    assert np.isfinite(best[:, 0]).all()
    assert (best[:, 1] == -np.inf).all()


def test_a_sequence_without_a_window_free_of_n_has_no_score():
    sequences = drawn(3, 30)
    sequences[:, ::6] = 4
    assert (best_scores(sequences, of_widths([6])) == -np.inf).all()


def test_a_motif_without_preference_scores_zero_everywhere():
    plain = MotifSet(("M",), ("M",), (np.full((8, 4), 0.25),))
    np.testing.assert_allclose(best_scores(drawn(5, 40), plain), 0.0, atol=1e-6)


def test_the_worst_window_there_is_scores_as_the_formula_says():
    motifs = load_motifs().chosen(["SRF"])
    worst = motifs.matrices[0].argmin(axis=1).astype(np.uint8)[None]
    assert_best_scores_are_those_of_the_formula(worst, motifs)


def test_biopython_says_the_same_of_the_forward_strand_of_a_motif_at_its_only_position():
    motifs = load_motifs()
    for matrix in motifs.matrices:
        one = bio.Motif(counts=dict(zip("ACGT", matrix.T, strict=True)))
        forward, reverse = one.pssm, one.reverse_complement().pssm
        sequence = drawn(1, len(matrix), root=len(matrix))
        text = "".join("ACGT"[base] for base in sequence[0])
        expected = max(forward.calculate(text), reverse.calculate(text)) * np.log(2)
        chosen = MotifSet(("M",), ("M",), (matrix,))
        assert best_scores(sequence, chosen)[0, 0] == pytest.approx(expected, abs=WITHIN)


def test_a_sequence_and_its_reverse_complement_score_alike():
    sequences, motifs = drawn(50, 60, unknown=0.02), of_widths(range(4, 31))
    turned = np.array([3, 2, 1, 0, 4], np.uint8)[sequences[:, ::-1]]
    np.testing.assert_allclose(best_scores(turned, motifs), best_scores(sequences, motifs), rtol=0, atol=WITHIN)


def test_a_sequence_scores_the_same_whatever_stands_beside_it():
    sequences, motifs = drawn(30, 60), of_widths(range(4, 31))
    many = best_scores(np.tile(sequences, (50, 1)), motifs).reshape(50, len(sequences), -1)
    assert (many == best_scores(sequences, motifs)).all()


def test_columns_of_a_larger_array_are_scored_as_they_stand():
    wide, motifs = drawn(20, 90), of_widths([6, 10, 14])
    assert (best_scores(wide[:, 10:70], motifs) == best_scores(wide[:, 10:70].copy(), motifs)).all()


def test_no_sequence_has_no_scores():
    assert best_scores(np.zeros((0, 50), np.uint8), load_motifs()).shape == (0, 24)


def test_two_threads_at_once_score_as_one():
    sequences, motifs = drawn(600, 60), of_widths(range(4, 31), root=1)
    with ThreadPoolExecutor(2) as pool:
        both = [*pool.map(best_scores, [sequences] * 8, [motifs] * 8)]
    alone = best_scores(sequences, motifs)
    assert all((best == alone).all() for best in both)
