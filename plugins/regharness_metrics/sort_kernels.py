"""Sort keys with their losses by digits, and flatten ties, in compiled passes. Decides no number of passes.

Pairs are ``(example, 2)`` uint64: a key, and the bits of a loss.
"""

from __future__ import annotations

from numba import njit


@njit(cache=True, nogil=True)
def pack(bits, losses, empty, lowest, pairs):
    """Write the key of each number, its `bits` without the `empty` last ones and less the `lowest`, beside its loss."""
    for i in range(bits.size):
        pairs[i, 0] = (bits[i] >> empty) - lowest
        pairs[i, 1] = losses[i]


@njit(cache=True, nogil=True)
def count_digits(pairs, shifts, mask, counts):
    """Add how many keys have each value ``(shift, value)`` of each digit."""
    for i in range(len(pairs)):
        for j in range(shifts.size):
            counts[j, (pairs[i, 0] >> shifts[j]) & mask] += 1


@njit(cache=True, nogil=True)
def deal(pairs, shift, mask, places, dealt):
    """Write pairs in the order of one digit, those of one value in the order given; `places` is where each begins."""
    for i in range(len(pairs)):
        value = (pairs[i, 0] >> shift) & mask
        place = places[value]
        dealt[place, 0] = pairs[i, 0]
        dealt[place, 1] = pairs[i, 1]
        places[value] = place + 1


@njit(cache=True, nogil=True)
def flatten(pairs, losses, flat):
    """Fill `flat` with the losses ``(example, 2)`` of sorted pairs, each group of equal keys with its mean."""
    start = 0
    while start < len(pairs):
        key, total = pairs[start, 0], losses[start, 1]
        stop = start + 1
        if stop == len(pairs) or pairs[stop, 0] != key:
            flat[start] = total
            start = stop
            continue
        least = most = total
        while stop < len(pairs) and pairs[stop, 0] == key:
            loss = losses[stop, 1]
            total += loss
            least, most = min(least, loss), max(most, loss)
            stop += 1
        # Rounding takes the mean of equal losses off them.
        flat[start:stop] = min(max(total / (stop - start), least), most)
        start = stop


@njit(cache=True, nogil=True, error_model="numpy")
def area(ordered):
    """Mean over k of the mean of the first k."""
    total, sums = 0.0, 0.0
    for i in range(ordered.size):
        total += ordered[i]
        sums += total / (i + 1)
    return sums / ordered.size
