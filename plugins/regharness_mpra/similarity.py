"""Tell which sequences are near-duplicates, by the long words they share. Splits nothing.

A word and its reverse complement are the same; a window that holds N is no word.
"""

from __future__ import annotations

import numpy as np
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
    windows = length - k + 1
    if windows <= 0:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    forward = np.zeros((n, windows), np.uint64)
    backward = np.zeros((n, windows), np.uint64)
    for i in range(k):
        base = (sequence[:, i : i + windows] & 3).astype(np.uint64)
        forward |= base << np.uint64(2 * (k - 1 - i))
        backward |= (np.uint64(3) - base) << np.uint64(2 * i)
    unknown = np.concatenate([np.zeros((n, 1), np.int64), np.cumsum(sequence > 3, axis=1)], axis=1)
    whole = unknown[:, k:] == unknown[:, :windows]
    rows = np.broadcast_to(np.arange(n)[:, None], whole.shape)
    return np.minimum(forward, backward)[whole], rows[whole]


def clusters(sequence: NDArray[np.uint8], k: int, groups: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Number the clusters of examples that a chain of shared `k`-base words, or of equal `groups`, links.

    Sequences shorter than `k` are linked when they share a word as long as they are.
    """
    n, length = sequence.shape
    links = [_links(*words(sequence, min(k, length)))]
    if groups is not None:
        links.append(_links(groups, np.arange(n)))
    one, two = (np.concatenate(part) for part in zip(*links, strict=True))
    graph = coo_array((np.ones(len(one), np.int8), (one, two)), shape=(n, n))
    labels = connected_components(graph, directed=False)[1]
    return np.asarray(labels, dtype=np.int64)


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
