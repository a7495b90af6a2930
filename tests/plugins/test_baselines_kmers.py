"""K-mer counts against a search in text."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from regharness_baselines.kmers import count_kmers

SEQUENCES = arrays(np.uint8, st.tuples(st.integers(0, 4), st.integers(0, 30)), elements=st.integers(0, 4))


def words(k):
    return [""] if k == 0 else [word + base for word in words(k - 1) for base in "ACGT"]


def other_strand(word):
    return word[::-1].translate(str.maketrans("ACGT", "TGCA"))


def found_in_text(row, k):
    """Count windows of k bases of a sequence as text, either strand under the one first in the alphabet."""
    text = "".join("ACGTN"[code] for code in row)
    windows = [text[i : i + k] for i in range(len(text) - k + 1)]
    seen = [min(window, other_strand(window)) for window in windows if "N" not in window]
    return [seen.count(word) for word in sorted({min(word, other_strand(word)) for word in words(k)})]


# The first example pays for loading the compiled loop.
@settings(deadline=None)
@given(sequence=SEQUENCES, k=st.integers(1, 4))
def test_kmers_of_every_length_are_counted_as_a_search_in_text_does(sequence, k):
    expected = [[n for length in range(1, k + 1) for n in found_in_text(row, length)] for row in sequence]
    np.testing.assert_array_equal(count_kmers(sequence, k).tolist(), expected)


@settings(deadline=None)
@given(sequence=SEQUENCES)
def test_both_strands_have_the_same_counts(sequence):
    complement = np.array([3, 2, 1, 0, 4], np.uint8)
    np.testing.assert_array_equal(count_kmers(complement[sequence[:, ::-1]], 5), count_kmers(sequence, 5))


@pytest.mark.parametrize(
    ("k", "features"), [(1, 2), (2, 2 + 10), (3, 2 + 10 + 32), (4, 44 + 136), (6, 180 + 512 + 2080)]
)
def test_there_is_a_feature_for_each_pair_of_strands(k, features):
    # Of length n there are (4^n + palindromes) / 2, and 4^(n/2) palindromes when n is even, none when odd.
    assert count_kmers(np.zeros((1, 10), np.uint8), k).shape == (1, features)


def test_a_long_sequence_does_not_overflow_the_code():
    counts = count_kmers(np.full((1, 1000), 3, np.uint8), 6)
    assert counts[0, counts[0] > 0].tolist() == [1000, 999, 998, 997, 996, 995]
