"""Put losses in the order of many numbers, exactly, faster than `numpy.argsort` and a gather. Owns no metric.

Numbers are dealt into groups of rising numbers that fit a processor's cache; there, key and place of each are packed
into one 64-bit word and the words sorted. Nothing is fetched from far memory for a comparison, as ``argsort`` does,
nor at random afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Keys = NDArray[np.uint64]

GROUP = 32_768
_CELLS = 2**14


def tied_means(losses: Values, sigma: Values) -> Values:
    """Losses ``(example,)`` from the lowest sigma to the highest, each tied group flattened to its mean.

    `sigma` is zero or above and free of NaN.
    """
    from regharness_metrics.sort_kernels import flatten

    flat = np.empty(losses.size)
    for start, keys, dealt in _groups(losses, sigma):
        words, width = _sorted_words(keys)
        flatten(dealt, words, width, flat[start : start + keys.size])
    return flat


def _groups(losses: Values, sigma: Values) -> Iterator[tuple[int, Keys, Values]]:
    """Where each group starts in the order, its keys and its losses, in the order given."""
    from regharness_metrics.sort_kernels import count_cells, deal

    keys = np.abs(sigma, dtype=np.float64).view(np.uint64)  # abs, because the root of -0.0 is -0.0
    # Bits that are zero in all keys, as in numbers that came as float32, tell nothing apart.
    every = int(np.bitwise_or.reduce(keys))
    empty = (every & -every).bit_length() - 1 if every else 0
    keys >>= np.uint64(empty)
    lowest = int(keys.min())
    shift = max(0, (int(keys.max()) - lowest).bit_length() - _CELLS.bit_length() + 1)
    counts = count_cells(keys, lowest, shift, _CELLS)
    group = np.maximum(np.cumsum(counts) - 1, 0) // GROUP
    sizes = np.bincount(group, counts).astype(np.int64)
    starts = np.cumsum(sizes) - sizes
    dealt_keys, dealt = np.empty_like(keys), np.empty(keys.size)
    deal(keys, losses, lowest, shift, group, starts.copy(), dealt_keys, dealt)
    for start, size in zip(starts, sizes, strict=True):
        if size:
            yield int(start), dealt_keys[start : start + size], dealt[start : start + size]


def _sorted_words(keys: Keys) -> tuple[Keys, int]:
    """Key and place of each number in one word, sorted, and how many bits the place has."""
    width = max(keys.size - 1, 1).bit_length()
    lowest = keys.min()
    if int(keys.max() - lowest).bit_length() + width > 64:
        # Too far apart for one word, as only a large group of nearly equal numbers can be: their ranks are not.
        keys = np.unique(keys, return_inverse=True)[1].astype(np.uint64)
        lowest = np.uint64(0)
    words: Any = (keys - lowest) << np.uint64(width)
    words |= np.arange(keys.size, dtype=np.uint64)
    words.sort()
    return words, width
