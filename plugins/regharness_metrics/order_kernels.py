"""Count examples in bins of their floating-point bits, in compiled passes. Owns no metric.

The bits of a float32 without the sign rise with its size, and all numbers between two powers of two, an octave, have
as many keys, so that bins of so many keys are fine near zero and coarse far out: no heavy tail makes them too wide for
the rest. A float64 is rounded to float32 for its bin alone, which keeps the order of bins. A number's slot is the
number of its bin from the first that is taken on, from 1; zero has slot 0, so that it does not stretch the range; a
negative number has the slot of its size, negated.
"""

from __future__ import annotations

import numpy as np
from numba import njit

RUN = 512
SIGMA_SHIFT, LOSS_SHIFT, RANK_SHIFT = 23 - 14, 23 - 9, 23 - 12
"""Bits dropped of the 23 that tell numbers of one octave apart."""
_SIZE = 0x7FFFFFFF


@njit(cache=True, nogil=True)
def _load(values, other, bits):
    """Bits of the size of values - other, or of values, as float32."""
    singles = bits.view(np.float32)
    if other.size:
        for i in range(values.size):
            singles[i] = np.float32(abs(np.float64(values[i]) - np.float64(other[i])))
    else:
        for i in range(values.size):
            singles[i] = np.float32(values[i])


@njit(cache=True, nogil=True)
def _extremes(bits, low, high):
    for i in range(bits.size):
        size = bits[i] & np.uint32(_SIZE)
        # One less, so that zero becomes the largest.
        some = np.uint32(size - np.uint32(1))
        low = some if some < low else low
        high = np.uint32(size) if size > high else high
    return low, high


@njit(cache=True, nogil=True)
def range_of(values, other, known):
    """Extend the smallest and the largest bits of what is not zero: `known`, ``(2,)`` int64, is changed."""
    bits = np.empty(RUN, np.int32)
    low, high = np.uint32(known[0] - 1), np.uint32(known[1])
    for start in range(0, values.size, RUN):
        stop = min(start + RUN, values.size)
        _load(values[start:stop], other[start:stop], bits)
        low, high = _extremes(bits[: stop - start].view(np.uint32), low, high)
    known[0], known[1] = low + 1, high


@njit(cache=True, nogil=True)
def _slots(bits, n, shift, base):
    for i in range(n):
        size = np.int32(bits[i] & _SIZE)
        slot = np.int32(np.int32(size >> shift) - base)
        slot = slot if slot > 0 else np.int32(0)
        bits[i] = slot


@njit(cache=True, nogil=True)
def _signed_slots(bits, n, base, middle):
    for i in range(n):
        size = np.int32(bits[i] & _SIZE)
        slot = np.int32(np.int32(size >> RANK_SHIFT) - base)
        slot = slot if slot > 0 else np.int32(0)
        bits[i] = np.int32(middle - slot) if bits[i] < 0 else np.int32(middle + slot)


@njit(cache=True, nogil=True)
def count(values, other, base, counts):
    """Add a block to `counts` ``(slot,)`` int32, whose middle is slot 0; slot 1 follows `base`."""
    bits, middle = np.empty(RUN, np.int32), np.int32(counts.size // 2)
    for start in range(0, values.size, RUN):
        stop = min(start + RUN, values.size)
        _load(values[start:stop], other[start:stop], bits)
        _signed_slots(bits, stop - start, np.int32(base), middle)
        for i in range(stop - start):
            counts[np.uint32(bits[i])] += 1


@njit(cache=True, nogil=True)
def product_of_ranks(left, left_other, right, left_base, right_base, left_ranks, right_ranks):
    """Sum the products of two ranks; ranks ``(slot,)`` int32, whose middle is slot 0, below 2^27 in size."""
    one, two, nothing = np.empty(RUN, np.int32), np.empty(RUN, np.int32), right[:0]
    middle, centre = np.int32(left_ranks.size // 2), np.int32(right_ranks.size // 2)
    total = 0.0
    for start in range(0, left.size, RUN):
        stop = min(start + RUN, left.size)
        _load(left[start:stop], left_other[start:stop], one)
        _load(right[start:stop], nothing, two)
        _signed_slots(one, stop - start, np.int32(left_base), middle)
        _signed_slots(two, stop - start, np.int32(right_base), centre)
        products = 0
        for i in range(stop - start):
            products += np.int64(left_ranks[np.uint32(one[i])]) * np.int64(right_ranks[np.uint32(two[i])])
        total += products
    return total


@njit(cache=True, nogil=True)
def sum_by(keyed, target, mean, squared, base, table):
    """Add each example's loss to `table` ``(slot, 2)`` float64 of counts and sums, by the slot of what is `keyed`.

    By the size of the error itself where `keyed` is empty. The loss is the squared error or, if not `squared`, the
    absolute one.
    """
    losses, bits = np.empty(RUN), np.empty(RUN, np.int32)
    for start in range(0, target.size, RUN):
        stop = min(start + RUN, target.size)
        n, y, m = stop - start, target[start:stop], mean[start:stop]
        if keyed.size:
            _load(keyed[start:stop], keyed[:0], bits)
            _slots(bits, n, SIGMA_SHIFT, np.int32(base))
        else:
            _load(y, m, bits)
            _slots(bits, n, LOSS_SHIFT, np.int32(base))
        if squared:
            for i in range(n):
                error = np.float64(y[i]) - np.float64(m[i])
                losses[i] = error * error
        else:
            for i in range(n):
                losses[i] = abs(np.float64(y[i]) - np.float64(m[i]))
        for i in range(n):
            slot = np.uint32(bits[i])
            table[slot, 0] += 1
            table[slot, 1] += losses[i]
