"""Deal keys and losses into groups, and flatten ties, in compiled passes. Sorts nothing."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def count_cells(keys, lowest, shift, cells):
    """How many keys lie in each cell of ``2^shift`` from the lowest."""
    counts = np.zeros(cells, np.int64)
    for i in range(keys.size):
        counts[(keys[i] - np.uint64(lowest)) >> np.uint64(shift)] += 1
    return counts


@njit(cache=True, nogil=True)
def deal(keys, losses, lowest, shift, group, next_place, dealt_keys, dealt):
    """Write keys and losses next to those of the same group, in the order given."""
    for i in range(keys.size):
        of = group[(keys[i] - np.uint64(lowest)) >> np.uint64(shift)]
        place = next_place[of]
        dealt_keys[place] = keys[i]
        dealt[place] = losses[i]
        next_place[of] = place + 1


@njit(cache=True, nogil=True)
def flatten(losses, words, width, flat):
    """Fill `flat` with losses in the order of words of key and place, each group of equal keys with its mean."""
    # By selection rather than branches, which ties make unpredictable: running means forwards, their last backwards.
    mask, wide = np.uint64((1 << width) - 1), np.uint64(width)
    # No key: they lack the bits of the place.
    none = np.uint64(0xFFFFFFFFFFFFFFFF)
    total, count, before = 0.0, 0.0, none
    for i in range(words.size):
        loss, key = losses[words[i] & mask], words[i] >> wide
        tied = key == before
        total = loss + total if tied else loss
        count = count + 1.0 if tied else 1.0
        flat[i] = total / count
        before = key
    mean, after = 0.0, none
    for i in range(words.size - 1, -1, -1):
        key = words[np.uint64(i)] >> wide
        mean = mean if key == after else flat[np.uint64(i)]
        flat[np.uint64(i)] = mean
        after = key


@njit(cache=True, nogil=True, error_model="numpy")
def area(ordered):
    """Mean over k of the mean of the first k."""
    total, sums = 0.0, 0.0
    for i in range(ordered.size):
        total += ordered[i]
        sums += total / (i + 1)
    return sums / ordered.size
