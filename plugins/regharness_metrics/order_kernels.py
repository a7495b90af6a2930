"""Count examples in bins of their floating-point bits, in compiled passes. Owns no metric.

The bits of a float32 without the sign rise with its size, and all numbers between two powers of two, an octave, have
as many keys, so that bins of so many keys are fine near zero and coarse far out: no heavy tail makes them too wide for
the rest. A float64 is rounded to float32 for its bin alone, which keeps the order of bins. A number's slot is the
number of its bin from that of zero, negative for a negative number. Tables have a slot for every float32: the memory
of those that no number has is never touched.
"""

from __future__ import annotations

import numpy as np
from numba import njit

RUN = 1024
TARGET, MEAN, VARIANCE, ERROR = range(4)
"""What is binned: the target, the mean, the variance, the size of the error."""

SUM_SHIFTS = (0, 0, 23 - 13, 23 - 8)
RANK_SHIFT = 23 - 11
"""Bits dropped of the 23 that tell numbers of one octave apart, where losses are summed and where ranks are wanted."""

INFINITE = 0x7F800000
"""The bits of infinity, above those of all numbers."""

_SIZE = 0x7FFFFFFF


@njit(cache=True, nogil=True)
def _single(values, bits):
    singles = bits.view(np.float32)
    for i in range(values.size):
        singles[i] = np.float32(values[i])


@njit(cache=True, nogil=True)
def _errors(target, mean, errors):
    for i in range(target.size):
        errors[i] = abs(np.float64(target[i]) - np.float64(mean[i]))


@njit(cache=True, nogil=True)
def _sum_slots(bits, shift, slots):
    for i in range(bits.size):
        slots[i] = np.int32(np.int32(bits[i] & _SIZE) >> shift)


@njit(cache=True, nogil=True)
def _rank_slots(bits, middle, slots):
    for i in range(bits.size):
        slot = np.int32(np.int32(bits[i] & _SIZE) >> RANK_SHIFT)
        slots[i] = np.int32(middle - slot) if bits[i] < 0 else np.int32(middle + slot)


@njit(cache=True, nogil=True)
def _extremes(slots, low, high):
    for i in range(slots.size):
        slot = np.uint32(slots[i])
        low = slot if slot < low else low
        high = slot if slot > high else high
    return low, high


@njit(cache=True, nogil=True)
def _count(slots, counts):
    for i in range(slots.size):
        counts[np.uint32(slots[i])] += 1


@njit(cache=True, nogil=True)
def _sum(slots, losses, table):
    for i in range(slots.size):
        slot = np.uint32(slots[i])
        table[slot, 0] += 1
        table[slot, 1] += losses[i]


@njit(cache=True, nogil=True)
def tabulate(target, mean, variance, part, counts, sums, reached):
    """Add a block to the tables of one part, those that are not empty.

    Parameters
    ----------
    target, mean, variance
        ``(example,)``, all float32 or all float64, contiguous; `variance` is empty where nothing wants it.
    part
        What is binned.
    counts
        Of each part, ``(slot,)`` int32 whose middle is slot 0.
    sums
        ``(slot, 2)`` float64 of counts and of sums: of squared and of absolute errors by variance, then by error.
    reached
        ``(2, 2)`` uint32 that is changed: the first and the last slot that any number has, in counts and in sums.
    """
    bits, slots, errors = np.empty(RUN, np.int32), np.empty(RUN, np.int32), np.empty(RUN)
    by_part, squared, absolute = counts[part], sums[0], sums[1]
    if part == ERROR:
        squared, absolute = sums[2], sums[3]
    summed = part >= VARIANCE and squared.size + absolute.size > 0
    if not (by_part.size or summed):
        return
    for start in range(0, target.size, RUN):
        stop = min(start + RUN, target.size)
        n = stop - start
        if part >= VARIANCE:
            _errors(target[start:stop], mean[start:stop], errors[:n])
        if part == TARGET:
            _single(target[start:stop], bits)
        elif part == MEAN:
            _single(mean[start:stop], bits)
        elif part == VARIANCE:
            _single(variance[start:stop], bits)
        else:
            _single(errors[:n], bits)
        if by_part.size:
            _rank_slots(bits[:n], np.int32(by_part.size // 2), slots[:n])
            reached[0, 0], reached[0, 1] = _extremes(slots[:n], reached[0, 0], reached[0, 1])
            _count(slots[:n], by_part)
        if summed:
            _sum_slots(bits[:n], SUM_SHIFTS[part], slots[:n])
            reached[1, 0], reached[1, 1] = _extremes(slots[:n], reached[1, 0], reached[1, 1])
            if absolute.size:
                _sum(slots[:n], errors, absolute)
            if squared.size:
                for i in range(n):
                    errors[i] *= errors[i]
                _sum(slots[:n], errors, squared)


@njit(cache=True, nogil=True)
def sum_products(target, mean, variance, parts, left_ranks, right_ranks):
    """Sum the products of an example's two ranks, of target and mean or else of error and variance.

    Ranks are ``(slot,)`` int32, whose middle is slot 0, below 2^27 in size.
    """
    one, two, bits, errors = np.empty(RUN, np.int32), np.empty(RUN, np.int32), np.empty(RUN, np.int32), np.empty(RUN)
    middle, centre = np.int32(left_ranks.size // 2), np.int32(right_ranks.size // 2)
    total = 0.0
    for start in range(0, target.size, RUN):
        stop = min(start + RUN, target.size)
        n = stop - start
        if parts[0] == TARGET:
            _single(target[start:stop], bits)
        else:
            _errors(target[start:stop], mean[start:stop], errors[:n])
            _single(errors[:n], bits)
        _rank_slots(bits[:n], middle, one[:n])
        if parts[1] == MEAN:
            _single(mean[start:stop], bits)
        else:
            _single(variance[start:stop], bits)
        _rank_slots(bits[:n], centre, two[:n])
        products = 0
        for i in range(n):
            products += np.int64(left_ranks[np.uint32(one[i])]) * np.int64(right_ranks[np.uint32(two[i])])
        total += products
    return total


@njit(cache=True, nogil=True)
def tell_apart(target, mean, variance, part, ranked, firsts, kinds):
    """Find the slots that hold different numbers.

    `firsts` ``(slot,)`` float64 and `kinds` ``(slot,)`` uint8 are changed: 0 for a slot without a number, 1 where all
    its numbers are the one in `firsts`, 2 where some differ. Slots are those of counts if `ranked`, else those of sums.
    """
    bits, slots, numbers = np.empty(RUN, np.int32), np.empty(RUN, np.int32), np.empty(RUN)
    for start in range(0, target.size, RUN):
        stop = min(start + RUN, target.size)
        n = stop - start
        for i in range(n):
            if part == TARGET:
                numbers[i] = target[start + i]
            elif part == MEAN:
                numbers[i] = mean[start + i]
            elif part == VARIANCE:
                numbers[i] = variance[start + i]
            else:
                numbers[i] = abs(np.float64(target[start + i]) - np.float64(mean[start + i]))
        _single(numbers[:n], bits)
        if ranked:
            _rank_slots(bits[:n], np.int32(kinds.size // 2), slots[:n])
        else:
            _sum_slots(bits[:n], SUM_SHIFTS[part], slots[:n])
        for i in range(n):
            slot = np.uint32(slots[i])
            if kinds[slot] == 0:
                kinds[slot] = 1
                firsts[slot] = numbers[i]
            elif firsts[slot] != numbers[i]:
                kinds[slot] = 2
