"""Draw sequences: a first-order background of given GC content with planted motif instances. Knows no label."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from regharness.seeding import rng_for
from regharness_motifs.library import MotifSet

CHUNK = 4096
"""Sequences drawn from one random stream. Part of the definition: another size gives other sequences."""
LEAST_GC, MOST_GC = 0.1, 0.9


@dataclass(frozen=True)
class Background:
    """How sequences are drawn.

    Attributes
    ----------
    length
        Positions of a sequence.
    gc_mean, gc_sd
        Each sequence's GC content is drawn from N(gc_mean, gc_sd), kept within 0.1 and 0.9.
    cpg_factor
        Multiplies the frequency of G after C, as in vertebrate genomes.
    motif_density, max_motifs
        Planted instances are Poisson(motif_density), at most max_motifs and at most what fits; they never
        overlap, and each is drawn from its motif's probabilities on a random strand.
    """

    length: int
    gc_mean: float
    gc_sd: float
    cpg_factor: float
    motif_density: float
    max_motifs: int

    def draw(
        self, n: int, motifs: MotifSet, root: int, *coordinates: str | int
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Draw `n` sequences ``(example, position)`` uint8, and how many instances each was given."""
        sequence = np.empty((n, self.length), np.uint8)
        planted = np.empty(n, np.int64)
        matrices, widths = _padded(motifs)
        for number, start in enumerate(range(0, n, CHUNK)):
            rng = rng_for(root, "sequences", *coordinates, number)
            end = min(start + CHUNK, n)
            # Always a whole chunk's numbers, so that a larger data set begins with the smaller one.
            gc = np.clip(rng.normal(self.gc_mean, self.gc_sd, CHUNK), LEAST_GC, MOST_GC)
            count = np.minimum(rng.poisson(self.motif_density, CHUNK), self.max_motifs)
            kind = rng.integers(0, len(motifs), (CHUNK, self.max_motifs))
            reverse = rng.random((CHUNK, self.max_motifs)) < 0.5
            place = rng.random((CHUNK, self.max_motifs))
            instance = rng.random((CHUNK, self.max_motifs, int(widths.max())), dtype=np.float32)
            uniform = rng.random((CHUNK, self.length), dtype=np.float32)
            _background(sequence[start:end], uniform, gc, self.cpg_factor)
            planted[start:end] = _plant(sequence[start:end], count, kind, reverse, place, instance, matrices, widths)
        return sequence, planted


def _padded(motifs: MotifSet) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Cumulative probabilities ``(motif, position, base)``, padded to the widest motif."""
    widths = motifs.widths
    matrices = np.zeros((len(motifs), int(widths.max()), 4), np.float32)
    for index, matrix in enumerate(motifs.matrices):
        matrices[index, : len(matrix)] = np.cumsum(matrix, axis=1)
    return matrices, widths


@numba.njit(cache=True, nogil=True)
def _background(sequence, uniform, gc, cpg_factor):  # type: ignore[no-untyped-def]
    n, length = sequence.shape
    for i in range(n):
        half = gc[i] / 2
        weak = (1 - gc[i]) / 2
        previous = 4
        for p in range(length):
            # After C, what G loses goes to the other bases in proportion.
            g = half * cpg_factor if previous == 1 else half
            u = uniform[i, p] * (weak + half + g + weak)
            if u < weak:
                base = 0
            elif u < weak + half:
                base = 1
            elif u < weak + half + g:
                base = 2
            else:
                base = 3
            sequence[i, p] = base
            previous = base


@numba.njit(cache=True, nogil=True)
def _plant(sequence, count, kind, reverse, place, instance, matrices, widths):  # type: ignore[no-untyped-def]
    n, length = sequence.shape
    planted = np.zeros(n, np.int64)
    for i in range(n):
        total = 0
        fitting = 0
        for j in range(count[i]):
            if total + widths[kind[i, j]] > length:
                break
            total += widths[kind[i, j]]
            fitting += 1
        # Sorted places among what the instances leave free put them without overlap, in one pass.
        offsets = np.sort(place[i, :fitting]) * (length - total + 1)
        used = 0
        for j in range(fitting):
            motif = kind[i, j]
            start = int(offsets[j]) + used
            for q in range(widths[motif]):
                u = instance[i, j, q]
                base = 0
                while base < 3 and u >= matrices[motif, q, base]:
                    base += 1
                if reverse[i, j]:
                    sequence[i, start + widths[motif] - 1 - q] = 3 - base
                else:
                    sequence[i, start + q] = base
            used += widths[motif]
        planted[i] = fitting
    return planted
