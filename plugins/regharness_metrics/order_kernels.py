"""Count examples in bins of their floating-point bits, in compiled passes. Owns no metric.

The bits of a float32 without the sign rise with its size, and all numbers between two powers of two, an octave, have
as many keys, so that bins of so many keys are fine near zero and coarse far out: no heavy tail makes them too wide for
the rest. A float64 is rounded to float32 for its bin alone, which keeps the order of bins. A number's slot is the
number of its bin from that of zero, negative for a negative number. Tables have a slot for every float32: the memory
of those that no number has is never touched.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

RUN = 2048
TARGET, MEAN, VARIANCE, ERROR = range(4)
"""What is binned: the target, the mean, the variance, the size of the error."""

SUM_SHIFTS = (0, 0, 23 - 12, 23 - 8)
RANK_SHIFT = 23 - 10
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


@intrinsic
def _add_one(context: Any, table: Any, slot: Any, loss: Any) -> Any:
    """Add 1 and a float64 to the two float64 of an uint32 slot: one load and one store, where two would be made."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        pair = ir.VectorType(ir.DoubleType(), 2)
        data = make_array(signature.args[0])(context, builder, given[0]).data
        place = builder.zext(given[1], ir.IntType(64))
        address = builder.gep(builder.bitcast(data, pair.as_pointer()), [place])
        added = builder.insert_element(ir.Constant(pair, [1.0, 0.0]), given[2], ir.Constant(ir.IntType(32), 1))
        builder.store(builder.fadd(builder.load(address, align=8), added), address, align=8)
        return context.get_dummy_value()

    return types.void(table, types.uint32, types.float64), generate


@njit(cache=True, nogil=True)
def _sum(slots, losses, table, reached):
    if not table.size:
        return
    reached[0], reached[1] = _extremes(slots, reached[0], reached[1])
    for i in range(slots.size):
        _add_one(table, np.uint32(slots[i]), losses[i])


@njit(cache=True, nogil=True)
def bits_of_errors(target, mean):
    """The bits ``(example,)`` int32 of the size of the errors, rounded to float32."""
    bits, errors = np.empty(target.size, np.int32), np.empty(RUN)
    for start in range(0, target.size, RUN):
        stop = min(start + RUN, target.size)
        _errors(target[start:stop], mean[start:stop], errors[: stop - start])
        _single(errors[: stop - start], bits[start:stop])
    return bits


@njit(cache=True, nogil=True)
def count(bits, counts, reached):
    """Add a block to the counts of a part.

    Parameters
    ----------
    bits
        ``(example,)`` int32, the bits of a float32 each.
    counts
        ``(slot,)`` int32 whose middle is slot 0.
    reached
        ``(2,)`` uint32 that is changed: the first and the last slot that any number has.
    """
    slots, middle = np.empty(RUN, np.int32), np.int32(counts.size // 2)
    for start in range(0, bits.size, RUN):
        n = min(RUN, bits.size - start)
        _rank_slots(bits[start : start + n], middle, slots[:n])
        reached[0], reached[1] = _extremes(slots[:n], reached[0], reached[1])
        for i in range(n):
            counts[np.uint32(slots[i])] += 1


@njit(cache=True, nogil=True)
def sum_losses(target, mean, variance_bits, tables, reached):
    """Add a block to the tables of losses, those that are not empty.

    Parameters
    ----------
    target, mean
        ``(example,)``, both float32 or both float64.
    variance_bits
        ``(example,)`` int32 of float32; empty where nothing wants it.
    tables
        Of squared and of absolute errors by variance, then by error: ``(slot, 2)`` float64 of counts and of sums.
    reached
        Of each table, as of `count`.
    """
    errors, bits = np.empty(RUN), np.empty(RUN, np.int32)
    slots, sizes = np.empty(RUN, np.int32), np.empty(RUN, np.int32)
    varied, sized = tables[0].size + tables[1].size > 0, tables[2].size + tables[3].size > 0
    for start in range(0, target.size, RUN):
        stop = min(start + RUN, target.size)
        n = stop - start
        _errors(target[start:stop], mean[start:stop], errors[:n])
        if varied:
            _sum_slots(variance_bits[start:stop], SUM_SHIFTS[VARIANCE], slots[:n])
        if sized:
            _single(errors[:n], bits)
            _sum_slots(bits[:n], SUM_SHIFTS[ERROR], sizes[:n])
        _sum(slots[:n], errors, tables[1], reached[1])
        _sum(sizes[:n], errors, tables[3], reached[3])
        for i in range(n):
            errors[i] *= errors[i]
        _sum(slots[:n], errors, tables[0], reached[0])
        _sum(sizes[:n], errors, tables[2], reached[2])


@njit(cache=True, nogil=True)
def sum_ranks(left_bits, right_bits, right_ranks, table, reached):
    """Count the examples of each slot of one part, and sum their ranks by another.

    `left_bits` and `right_bits` are ``(example,)`` int32 of float32, `right_ranks` ``(slot,)`` int32 and `table`
    ``(slot, 2)`` float64; of both the middle is slot 0. `table`, and `reached` as of `count`, are changed.
    """
    slots, others = np.empty(RUN, np.int32), np.empty(RUN, np.int32)
    middle, centre = np.int32(len(table) // 2), np.int32(right_ranks.size // 2)
    for start in range(0, left_bits.size, RUN):
        n = min(RUN, left_bits.size - start)
        _rank_slots(left_bits[start : start + n], middle, slots[:n])
        reached[0], reached[1] = _extremes(slots[:n], reached[0], reached[1])
        _rank_slots(right_bits[start : start + n], centre, others[:n])
        for i in range(n):
            _add_one(table, np.uint32(slots[i]), np.float64(right_ranks[np.uint32(others[i])]))


@njit(cache=True, nogil=True)
def filled_slots(counts, reached):
    """The slots that are not empty, of ``(slot,)`` counts."""
    slots, n = np.empty(max(reached[1] + 1 - reached[0], 0), np.int64), 0
    for slot in range(reached[0], reached[1] + 1):
        slots[n] = slot
        n += counts[slot] != 0
    return slots[:n]


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
