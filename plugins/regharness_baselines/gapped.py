"""Compare sequences by the gapped k-mers that they share. Fits nothing.

A gapped k-mer is k bases at given places of a word of `length` bases, the others being left open. The kernel of two
sequences is the inner product of their counts of all gapped k-mers (Ghandi et al., PLoS Comput. Biol. 10:e1003711,
2014): two words that differ at m places share ``comb(length - m, k)`` of them. Here both strands count as one.
"""

from __future__ import annotations

import functools
from itertools import combinations

import numba
import numpy as np
from numpy.typing import NDArray

STRIP = 64
"""Landmarks tabulated at once, which bounds the memory that their counts take."""


class GappedKmerKernel:
    """The normalised kernel with a number of landmarks, exact.

    The sum over pairs of words is taken once for each word that there is and each landmark, and looked up then, so
    that a sequence costs one row of the table a position.

    Parameters
    ----------
    landmarks
        ``(landmark, position)`` uint8 codes.
    length
        Bases of a word.
    k
        Bases of it that are not left open, at most `length`.
    """

    def __init__(self, landmarks: NDArray[np.uint8], length: int, k: int) -> None:
        self._length = length
        self._reverse, self._column, kept = _strands(length)
        self._gapped, self._number = _gapped(length, k)
        self._table = np.empty((len(kept), len(landmarks)), np.float32)
        words = _words(np.ascontiguousarray(landmarks), length)
        for start in range(0, len(landmarks), STRIP):
            strip = words[start : start + STRIP]
            counts = np.zeros((self._number, len(strip)), np.float32)
            _count(strip, self._reverse, self._gapped, counts)
            _tabulate(counts, self._gapped[kept], self._table[:, start : start + STRIP])
        self._scale = _inverse_root(self._own(words))

    def __call__(self, sequence: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Cosine between the counts of gapped k-mers: ``(example, landmark)``, 0 to 1.

        Parameters
        ----------
        sequence
            ``(example, position)`` uint8 codes. A word that holds N is not counted; a sequence without a word is
            like none.
        """
        words = _words(np.ascontiguousarray(sequence), self._length)
        kernel = np.zeros((len(words), self._table.shape[1]))
        _look_up(words, self._column, self._table, kernel)
        kernel *= _inverse_root(self._own(words))[:, None]
        kernel *= self._scale
        return kernel

    def _own(self, words: NDArray[np.int32]) -> NDArray[np.float64]:
        return _with_itself(words, self._reverse, self._gapped, np.zeros(self._number))


def _inverse_root(own: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(1.0, np.sqrt(own), out=np.zeros_like(own), where=own > 0)


@functools.cache
def _strands(length: int) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Reverse complement of each word, its row of the table, and the words that have one."""
    codes = np.arange(4**length)
    reverse, rest = np.zeros_like(codes), codes.copy()
    for _ in range(length):
        reverse = reverse * 4 + 3 - rest % 4
        rest //= 4
    kept, column = np.unique(np.minimum(codes, reverse), return_inverse=True)
    return reverse.astype(np.int32), column.astype(np.int32), kept.astype(np.int32)


@functools.cache
def _gapped(length: int, k: int) -> tuple[NDArray[np.int32], int]:
    """The gapped k-mers of each word, ``(word, choice of places)``, and how many there are."""
    codes = np.arange(4**length)
    bases = [codes // 4**place % 4 for place in range(length)]
    choices = list(combinations(range(length), k))
    gapped = [4**k * i + sum(bases[p] * 4**j for j, p in enumerate(places)) for i, places in enumerate(choices)]
    return np.stack(gapped, axis=1).astype(np.int32), len(choices) * 4**k


@numba.njit(cache=True, nogil=True)
def _words(sequence, length):  # type: ignore[no-untyped-def]
    """The word that starts at each position, ``(example, position)``; -1 where it holds N."""
    n, positions = sequence.shape
    words = np.full((n, max(positions - length + 1, 0)), -1, np.int32)
    for i in range(n):
        code = 0
        known = 0
        for p in range(positions):
            base = sequence[i, p]
            known = 0 if base > 3 else known + 1
            code = ((code << 2) | (base & 3)) & ((1 << (2 * length)) - 1)
            if known >= length:
                words[i, p - length + 1] = code
    return words


@numba.njit(cache=True, nogil=True)
def _count(words, reverse, gapped, counts):  # type: ignore[no-untyped-def]
    """Count the gapped k-mers of both strands, ``(gapped k-mer, landmark)``."""
    for m in range(len(words)):
        for word in words[m]:
            if word < 0:
                continue
            for c in range(gapped.shape[1]):
                counts[gapped[word, c], m] += 1
                counts[gapped[reverse[word], c], m] += 1


@numba.njit(cache=True, nogil=True)
def _tabulate(counts, gapped, table):  # type: ignore[no-untyped-def]
    """Sum the counts of each word's gapped k-mers, ``(word, landmark)``."""
    total = np.empty(counts.shape[1], np.float32)
    for word in range(len(gapped)):
        total[:] = 0
        for which in gapped[word]:
            for m in range(len(total)):
                total[m] += counts[which, m]
        table[word] = total


@numba.njit(cache=True, nogil=True)
def _look_up(words, column, table, kernel):  # type: ignore[no-untyped-def]
    for i in range(len(words)):
        total = kernel[i]
        for word in words[i]:
            if word >= 0:
                row = table[column[word]]
                for m in range(len(total)):
                    total[m] += row[m]


@numba.njit(cache=True, nogil=True)
def _with_itself(words, reverse, gapped, counts):  # type: ignore[no-untyped-def]
    """The kernel of each sequence with itself; `counts` is zero before and after."""
    own = np.zeros(len(words))
    for i in range(len(words)):
        known = words[i][words[i] >= 0]
        for word in known:
            for c in range(gapped.shape[1]):
                counts[gapped[word, c]] += 1.0
                counts[gapped[reverse[word], c]] += 1.0
        for word in known:
            for c in range(gapped.shape[1]):
                own[i] += counts[gapped[word, c]]
        for word in known:
            for c in range(gapped.shape[1]):
                counts[gapped[word, c]] = 0.0
                counts[gapped[reverse[word], c]] = 0.0
    return own
