"""Change training sequences and leave their targets: the other strand, and what evolution does. Knows no network."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from regharness_networks.tensors import other_strand
from regharness_reference.parameters import Evolution

Codes = NDArray[np.uint8]


def on_random_strands(sequence: Codes, rng: np.random.Generator) -> Codes:
    """Each sequence ``(example, position)`` as it is or reverse complemented, with even odds."""
    return np.where(rng.random(len(sequence))[:, None] < 0.5, other_strand(sequence), sequence)


def evolved(sequence: Codes, p: Evolution, rng: np.random.Generator) -> Codes:
    """Copies of ``(example, position)`` codes with changes of five kinds, each as likely as the others.

    Substitutions replace a share of the bases by others. A deletion takes out a stretch, and random bases make good
    for it at both ends; an insertion puts random bases in, and the ends are cropped; an inversion reverse complements
    a stretch; a translocation breaks the sequence in two and swaps the parts. As in EvoAug (Lee et al. 2023).
    """
    changed = sequence.copy()
    _evolve(changed, p.changes, p.substituted, p.longest, rng)
    return changed


@numba.njit(cache=True, nogil=True)
def _evolve(sequence, changes, substituted, longest, rng):  # type: ignore[no-untyped-def]
    n, length = sequence.shape
    for i in range(n):
        row = sequence[i]
        for _ in range(changes):
            kind = rng.integers(0, 5)
            size = rng.integers(1, min(longest, length) + 1)
            start = rng.integers(0, length - size + 1)
            if kind == 0:
                for p in range(length):
                    if rng.random() < substituted and row[p] < 4:
                        row[p] = (row[p] + rng.integers(1, 4)) % 4
            elif kind == 1:
                _delete(row, start, size, rng)
            elif kind == 2:
                _insert(row, start, size, rng)
            elif kind == 3:
                _invert(row, start, size)
            else:
                row[:] = np.roll(row, start)


@numba.njit(cache=True, nogil=True)
def _delete(row, start, size, rng):  # type: ignore[no-untyped-def]
    before = size // 2
    kept = np.concatenate((row[:start], row[start + size :]))
    for p in range(len(row)):
        inside = before <= p < before + len(kept)
        row[p] = kept[p - before] if inside else rng.integers(0, 4)


@numba.njit(cache=True, nogil=True)
def _insert(row, start, size, rng):  # type: ignore[no-untyped-def]
    longer = np.empty(len(row) + size, np.uint8)
    longer[:start] = row[:start]
    for p in range(start, start + size):
        longer[p] = rng.integers(0, 4)
    longer[start + size :] = row[start:]
    row[:] = longer[size // 2 : size // 2 + len(row)]


@numba.njit(cache=True, nogil=True)
def _invert(row, start, size):  # type: ignore[no-untyped-def]
    stretch = row[start : start + size].copy()
    for p in range(size):
        base = stretch[size - 1 - p]
        row[start + p] = 3 - base if base < 4 else base
