"""Count k-mers. Fits nothing."""

from __future__ import annotations

import functools

import numba
import numpy as np
from numpy.typing import NDArray


def count_kmers(sequence: NDArray[np.uint8], k: int) -> NDArray[np.float64]:
    """Count the k-mers of every length from 1 to `k`, a k-mer and its reverse complement as one.

    Parameters
    ----------
    sequence
        ``(example, position)`` uint8 codes. A window that holds N is not counted.
    k
        Greatest length, 1 or above.

    Returns
    -------
    NDArray[np.float64]
        ``(example, feature)``. Shorter k-mers come first; within a length, in the order of whichever strand
        comes first in the alphabet A C G T.
    """
    columns, first, width = _columns(k)
    counts = np.zeros((len(sequence), width))
    _count(np.ascontiguousarray(sequence), columns, first, counts)
    return counts


@functools.cache
def _columns(k: int) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Feature of each k-mer's code, lengths one after the other; where a length begins; number of features."""
    columns, first, width = [], [], 0
    for length in range(1, k + 1):
        codes = np.arange(4**length)
        reverse, rest = np.zeros_like(codes), codes.copy()
        for _ in range(length):
            reverse = reverse * 4 + 3 - rest % 4
            rest //= 4
        kept, column = np.unique(np.minimum(codes, reverse), return_inverse=True)
        first.append(sum(map(len, columns)))
        columns.append(column + width)
        width += len(kept)
    return np.concatenate(columns), np.array(first), width


@numba.njit(cache=True, nogil=True)
def _count(sequence, columns, first, counts):  # type: ignore[no-untyped-def]
    for i in range(len(sequence)):
        code = 0
        known = 0
        for base in sequence[i]:
            if base > 3:
                known = 0
                continue
            code = (code << 2) | base
            known += 1
            for length in range(1, min(known, len(first)) + 1):
                word = code & ((1 << (2 * length)) - 1)
                counts[i, columns[first[length - 1] + word]] += 1.0
            # Bases that no window reaches any more would overflow the code in time.
            code &= (1 << (2 * len(first))) - 1
