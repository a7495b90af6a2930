"""Put losses in the order of many numbers, exactly, faster than `numpy.argsort` and a gather. Owns no metric.

Bits of a float64 that is zero or above rise with its size. They are sorted by digits, the lowest first (radix sort),
each with its loss beside it: every pass reads and writes in rows, and nothing is fetched at random afterwards. Numbers
that came as float32 and lie within a few octaves take three passes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

DIGIT = 9
"""Bits of a digit: as many rows are written to at a time as it has values, and their pages must be at hand."""


def tied_means(losses: Values, sigma: Values) -> Values:
    """Losses ``(example,)`` from the lowest sigma to the highest, each tied group flattened to its mean.

    `sigma` is zero or above and free of NaN.
    """
    from regharness_metrics.sort_kernels import count_digits, deal, flatten, pack

    bits = np.abs(sigma, dtype=np.float64).view(np.uint64)  # abs, because the root of -0.0 is -0.0
    # Bits that are zero in all, as in numbers that came as float32, tell nothing apart.
    every = int(np.bitwise_or.reduce(bits))
    empty = (every & -every).bit_length() - 1 if every else 0
    lowest = int(bits.min()) >> empty
    width = ((int(bits.max()) >> empty) - lowest).bit_length()
    passes = max(1, -(-width // DIGIT))
    digit = max(1, -(-width // passes))
    pairs, other = np.empty((2, sigma.size, 2), np.uint64)
    pack(bits, losses.astype(np.float64, copy=False).view(np.uint64), np.uint64(empty), np.uint64(lowest), pairs)
    shifts, mask = np.arange(passes, dtype=np.uint64) * np.uint64(digit), np.uint64((1 << digit) - 1)
    counts = np.zeros((passes, 1 << digit), np.int64)
    count_digits(pairs, shifts, mask, counts)
    for shift, count in zip(shifts, counts, strict=True):
        deal(pairs, shift, mask, np.cumsum(count) - count, other)
        pairs, other = other, pairs
    flat = np.empty(sigma.size)
    flatten(pairs, pairs.view(np.float64), flat)
    return flat
