"""Tell which sequences are near-duplicates or homologous, by the words they share. Splits nothing.

A word and its reverse complement are the same; a window that holds N is no word.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

CONSTANT = 0.99
"""Share of examples that have the same base at a position of a flank that all were cloned with."""


def without_flanks(sequence: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Leave out the ends that nearly all examples have in common: adapters, which tell nothing of similarity."""
    if len(sequence) < 3:
        return sequence
    common = np.array([np.bincount(position, minlength=5).max() for position in sequence.T]) >= CONSTANT * len(sequence)
    variable = np.flatnonzero(~common)
    return sequence[:, variable[0] : variable[-1] + 1] if len(variable) else sequence


def words(sequence: NDArray[np.uint8], k: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Every canonical word of `k` bases (at most 32), and the example it is of."""
    n, length = sequence.shape
    windows = n * max(length - k + 1, 0)
    found, rows = np.empty(windows, np.uint64), np.empty(windows, np.int64)
    count = _roll(sequence, k, found, rows)
    return found[:count], rows[:count]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _roll(sequence: NDArray[np.uint8], k: int, found: NDArray[np.uint64], rows: NDArray[np.int64]) -> int:
    """Write the words of all rows, two bits a base; give their number."""
    n, length = sequence.shape
    two, three, top = np.uint64(2), np.uint64(3), np.uint64(2 * (k - 1))
    # Shifting a whole number of 64 bits away is undefined, so the word is cut before it is shifted.
    kept = (np.uint64(1) << top) - np.uint64(1)
    count = 0
    for i in range(n):
        forward, backward, run = np.uint64(0), np.uint64(0), 0
        for p in range(length):
            base = np.uint64(sequence[i, p])
            run = run + 1 if base <= three else 0
            base &= three
            forward = ((forward & kept) << two) | base
            backward = (backward >> two) | ((three - base) << top)
            if run >= k:
                found[count] = min(forward, backward)
                rows[count] = i
                count += 1
    return count


def clusters(sequence: NDArray[np.uint8], k: int | None, *groups: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Number the clusters of examples that a chain of shared `k`-base words, or of equal `groups`, links.

    Sequences shorter than `k` are linked when they share a word as long as they are; without `k`, only groups link.
    """
    n, length = sequence.shape
    links = [] if k is None else [_links(*words(sequence, min(k, length)))]
    links += [_links(group, np.arange(n)) for group in groups if group is not None]
    one, two = (np.concatenate(part) for part in zip(*links, strict=True))
    graph = coo_array((np.ones(len(one), np.int8), (one, two)), shape=(n, n))
    labels = connected_components(graph, directed=False)[1]
    return np.asarray(labels, dtype=np.int64)


def homologues(sequence: NDArray[np.uint8], k: int, similarity: float) -> NDArray[np.int64]:
    """Number clusters of homologous sequences: no two hold sequences more similar than a threshold.

    Similarity is containment (Broder 1997): the share of the distinct `k`-base words of the sequence that has
    fewer which the other has too, on either strand. Pairs above the threshold are linked, and whatever a chain
    of links joins is one cluster (single linkage), so the guarantee holds for every pair of two clusters. It is
    what hashFrag (Rafi et al. 2025) does with alignment scores.

    Parameters
    ----------
    sequence
        ``(example, position)`` uint8 codes A C G T N = 0..4. One without a whole word is a cluster of its own.
    k
        Bases of a word, at most 32.
    similarity
        Threshold, 0 to 1.

    Returns
    -------
    numpy.ndarray
        ``(example,)`` int64.
    """
    n = len(sequence)
    found, rows = words(sequence, min(k, sequence.shape[1]))
    number = np.unique(found, return_inverse=True)[1].astype(np.int64)
    many = int(number.max(initial=-1)) + 1
    # Distinct words of each example: every pair of example and word once, by example and then by word.
    held = np.unique(rows * many + number)
    rows, number = np.divmod(held, max(many, 1))
    starts = np.searchsorted(rows, np.arange(n + 1))
    order = np.argsort(number, kind="stable")
    lists = np.searchsorted(number[order], np.arange(many + 1))
    return _linked(starts, number, lists, rows[order], similarity)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _linked(
    starts: NDArray[np.int64],
    number: NDArray[np.int64],
    lists: NDArray[np.int64],
    holders: NDArray[np.int64],
    similarity: float,
) -> NDArray[np.int64]:
    """Join every two examples that share more than a part of the fewer words; the root of each example's tree.

    Words of example ``q`` are ``number[starts[q]:starts[q + 1]]``; examples that hold word ``w``, ascending, are
    ``holders[lists[w]:lists[w + 1]]``.
    """
    n = len(starts) - 1
    root = np.arange(n)
    shared = np.zeros(n, np.int32)
    met = np.empty(n, np.int64)
    for q in range(n):
        seen = 0
        for word in number[starts[q] : starts[q + 1]]:
            for other in holders[lists[word] : lists[word + 1]]:
                if other >= q:
                    break
                if shared[other] == 0:
                    met[seen] = other
                    seen += 1
                shared[other] += 1
        for other in met[:seen]:
            fewer = min(starts[q + 1] - starts[q], starts[other + 1] - starts[other])
            if shared[other] > similarity * fewer:
                one, two = q, other
                while root[one] != one:
                    root[one] = root[root[one]]
                    one = root[one]
                while root[two] != two:
                    root[two] = root[root[two]]
                    two = root[two]
                root[max(one, two)] = min(one, two)
            shared[other] = 0
    for q in range(n):
        # A root is never behind its examples, so it is final once they are reached.
        root[q] = root[root[q]]
    return root


def sharing(sequence: NDArray[np.uint8], reference: NDArray[np.uint8], k: int) -> int:
    """How many sequences share a `k`-base word with any of `reference`."""
    found, rows = words(sequence, k)
    known = np.sort(words(reference, k)[0])
    if not len(known):
        return 0
    place = np.minimum(np.searchsorted(known, found), len(known) - 1)
    return int(np.count_nonzero(np.bincount(rows[known[place] == found], minlength=len(sequence))))


def _links(keys: NDArray[np.generic], rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of rows that hold the same key, one after the other."""
    order = np.argsort(keys, kind="stable")
    same = keys[order][1:] == keys[order][:-1]
    return rows[order][:-1][same], rows[order][1:][same]
