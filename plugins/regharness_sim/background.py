"""Draw sequences: a Markov background of given GC content with planted motif instances. Knows no label."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

from regharness import InputError
from regharness.seeding import rng_for
from regharness_motifs.library import MotifSet

CHUNK = 4096
"""Sequences drawn from one random stream. Part of the definition: another size gives other sequences."""
LEAST_GC, MOST_GC = 0.1, 0.9
MAX_BACKGROUND = 200_000_000
PSEUDOCOUNT = 1.0

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Planted:
    """Planted instances, all ``(example, instance)``; -1 where there is none.

    Attributes
    ----------
    motif, start
        int32 index of the motif, and first position of the instance.
    strand
        int8, 1 or -1; 0 where there is none.
    """

    motif: NDArray[np.int32]
    start: NDArray[np.int32]
    strand: NDArray[np.int8]

    @property
    def count(self) -> NDArray[np.int64]:
        """``(example,)`` number of instances."""
        return (self.motif >= 0).sum(axis=1)


@dataclass(frozen=True)
class Background:
    """How sequences are drawn.

    Attributes
    ----------
    length
        Positions of a sequence.
    gc_mean, gc_sd
        Each sequence's GC content is drawn from N(gc_mean, gc_sd), kept within 0.1 and 0.9.
    chain
        ``(context, base)``: how frequent each base is after each context of `order` bases, relative to its
        frequency in the sequence; contexts are numbers in base 4, the oldest base first.
    motif_density, max_motifs
        Planted instances are Poisson(motif_density), at most max_motifs and at most what fits; they never
        overlap, and each is drawn from its motif's probabilities.
    usage
        ``(motif,)`` probability of planting each motif.
    forward
        ``(motif,)`` probability that an instance is on the forward strand.
    """

    length: int
    gc_mean: float
    gc_sd: float
    chain: Array
    motif_density: float
    max_motifs: int
    usage: Array
    forward: Array

    def draw(self, n: int, motifs: MotifSet, root: int, stream: str, chunk: int) -> tuple[NDArray[np.uint8], Planted]:
        """Draw the first `n` sequences of one chunk of the random stream called `stream`.

        Always a whole chunk's numbers are drawn, so that a larger data set begins with the smaller one.
        """
        rng = rng_for(root, "sequences", stream, chunk)
        matrices, widths = _padded(motifs)
        gc = np.clip(rng.normal(self.gc_mean, self.gc_sd, CHUNK), LEAST_GC, MOST_GC)
        count = np.minimum(rng.poisson(self.motif_density, CHUNK), self.max_motifs)
        slots = (CHUNK, self.max_motifs)
        which, strand, place = rng.random(slots), rng.random(slots), rng.random(slots)
        kind = np.minimum(np.searchsorted(np.cumsum(self.usage), which), len(motifs) - 1)
        # One row an instance of the whole chunk, those of an example in a row.
        first = np.concatenate([[0], np.cumsum(count)])
        instance = rng.random((int(first[-1]), int(widths.max())), dtype=np.float32)
        uniform = rng.random((CHUNK, self.length), dtype=np.float32)
        sequence = np.empty((n, self.length), np.uint8)
        _background(sequence, uniform, gc, self.chain)
        planted = Planted(
            np.full((n, self.max_motifs), -1, np.int32),
            np.full((n, self.max_motifs), -1, np.int32),
            np.zeros((n, self.max_motifs), np.int8),
        )
        reverse = strand >= self.forward[kind]
        _plant(
            sequence,
            first,
            kind,
            reverse,
            place,
            instance,
            matrices,
            widths,
            planted.motif,
            planted.start,
            planted.strand,
        )
        return sequence, planted


def cpg_chain(factor: float) -> Array:
    """First-order chain in which G after C is `factor` times as frequent; one makes bases independent."""
    chain = np.ones((4, 4))
    chain[1, 2] = factor
    return chain


def learned_chain(path: Path, order: int) -> Array:
    """Chain of `order` learned from sequences: words' frequencies over those of their bases.

    Parameters
    ----------
    path
        FASTA; a word with a letter other than A C G T does not count, either strand does.
    order
        Bases that a base depends on, 1 to 8.

    Raises
    ------
    InputError
        When the file cannot be read, is larger than 200 MB, or has fewer words than the chain has numbers.
    """
    counts = np.full(4 ** (order + 1), PSEUDOCOUNT)
    for record in _records(path):
        for strand in (record, record[::-1].translate(_COMPLEMENT)):
            codes = _CODES[np.frombuffer(strand, np.uint8)]
            if len(codes) > order:
                words = np.lib.stride_tricks.sliding_window_view(codes, order + 1)
                known = words[(words < 4).all(axis=1)] @ 4 ** np.arange(order, -1, -1, dtype=np.int64)
                counts += np.bincount(known, minlength=len(counts))
    seen = counts.sum() - PSEUDOCOUNT * len(counts)
    if seen < len(counts):
        raise InputError(
            f"{path} has {int(seen):,} words of {order + 1} bases, too few for {len(counts):,} numbers",
            help="give more sequences, or a lower markov_order",
        )
    table = counts.reshape(-1, 4)
    conditional: Array = table / table.sum(axis=1, keepdims=True)
    return conditional / (table.sum(axis=0) / table.sum())


_COMPLEMENT = bytes.maketrans(b"ACGTacgt", b"TGCATGCA")
_CODES = np.full(256, 4, np.int64)
_CODES[np.frombuffer(b"ACGTacgt", np.uint8)] = [0, 1, 2, 3, 0, 1, 2, 3]


def _records(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BACKGROUND + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    if len(data) > MAX_BACKGROUND:
        raise InputError(f"{path} is larger than {MAX_BACKGROUND:,} bytes, the most a background may have")
    if not data.lstrip().startswith(b">"):
        raise InputError(f"{path} is no FASTA file", help="its first line must start with '>'")
    return [b"".join(record.splitlines()[1:]) for record in data.split(b">")[1:]]


def _padded(motifs: MotifSet) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Cumulative probabilities ``(motif, position, base)``, padded to the widest motif."""
    widths = motifs.widths
    matrices = np.zeros((len(motifs), int(widths.max()), 4), np.float32)
    for index, matrix in enumerate(motifs.matrices):
        matrices[index, : len(matrix)] = np.cumsum(matrix, axis=1)
    return matrices, widths


@numba.njit(cache=True, nogil=True)
def _background(sequence, uniform, gc, chain):  # type: ignore[no-untyped-def]
    n, length = sequence.shape
    contexts = len(chain)
    order = 0
    while 4**order < contexts:
        order += 1
    for i in range(n):
        weak, strong = (1.0 - gc[i]) / 2.0, gc[i] / 2.0
        context = 0
        for p in range(length):
            if p < order:
                a, c, g = weak, strong, strong
                total = 1.0
            else:
                a, c, g = weak * chain[context, 0], strong * chain[context, 1], strong * chain[context, 2]
                total = a + c + g + weak * chain[context, 3]
            u = uniform[i, p] * total
            base = 0 if u < a else 1 if u < a + c else 2 if u < a + c + g else 3
            sequence[i, p] = base
            context = (context * 4 + base) % contexts


@numba.njit(cache=True, nogil=True)
def _plant(  # type: ignore[no-untyped-def]
    sequence, first, kind, reverse, place, instance, matrices, widths, motif_at, start_at, strand_at
):
    n, length = sequence.shape
    for i in range(n):
        total = 0
        fitting = 0
        for j in range(first[i + 1] - first[i]):
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
                u = instance[first[i] + j, q]
                base = 0
                while base < 3 and u >= matrices[motif, q, base]:
                    base += 1
                if reverse[i, j]:
                    sequence[i, start + widths[motif] - 1 - q] = 3 - base
                else:
                    sequence[i, start + q] = base
            motif_at[i, j] = motif
            start_at[i, j] = start
            strand_at[i, j] = -1 if reverse[i, j] else 1
            used += widths[motif]
