"""Lay motifs out for scanning: both strands as lanes of tables that score four bases at once. Scans nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from regharness_motifs.library import MotifSet

Q = 4
"""Bases scored by one look-up; a word of them is a number of one byte."""
FEW_LANES, MANY_LANES = 32, 128
"""Lanes of a tile: few, so that few motifs leave few of them empty, or as many as one addition is best at."""
ROOM = 32_000
"""Largest sum of table entries: int16 with something to spare."""


@dataclass(frozen=True)
class Lanes:
    """Motif strands in tiles of equally many lanes, narrow motifs first.

    Attributes
    ----------
    words
        ``(tile, block, word, lane)`` int16: what each block of four bases adds to a lane's sum.
    blocks
        ``(tile,)`` number of blocks that the tile's widest motif needs, at least 2.
    scale
        ``(lane,)`` steps of a sum per nat, over all tiles.
    odds
        ``(lane, position, base)`` float64 log odds in nats, 0 beyond a motif's end.
    width, motif
        ``(lane,)`` int32; a lane that only fills the last tile has the width 0.
    strand
        ``(lane,)`` int8: 1 where the motif reads along the sequence, -1 on its complement.
    """

    words: NDArray[np.int16]
    blocks: NDArray[np.int64]
    scale: NDArray[np.float64]
    odds: NDArray[np.float64]
    width: NDArray[np.int32]
    motif: NDArray[np.int32]
    strand: NDArray[np.int8]


def log_odds(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(position, base)`` log odds of a motif against a uniform background, in nats."""
    return np.log(matrix / 0.25)


def lay_out(motifs: MotifSet, offset: NDArray[np.float64], *, bounds: bool) -> Lanes:
    """Tabulate both strands of every motif, as finely as sums of 16 bits allow.

    Parameters
    ----------
    motifs
        The motifs.
    offset
        ``(motif,)`` nats that are taken off every sum of a motif.
    bounds
        Whether sums must be bounds from above, never less than the score less the offset: then entries are
        rounded up, else to the nearest step. What is cut off is below zero for certain, and so is its sum.
    """
    order = np.argsort(motifs.widths, kind="stable")
    count = 2 * len(order)
    size = FEW_LANES if count <= MANY_LANES // 2 else MANY_LANES
    tiles = -(-count // size)
    blocks = max(-(-int(motifs.widths.max()) // Q), 2)
    odds = np.zeros((tiles * size, blocks * Q, 4))
    width, motif = np.zeros(tiles * size, np.int32), np.zeros(tiles * size, np.int32)
    strand = np.zeros(tiles * size, np.int8)
    for place, index in enumerate(order):
        forward = log_odds(motifs.matrices[index])
        for lane, sign, strand_odds in ((2 * place, 1, forward), (2 * place + 1, -1, forward[::-1, ::-1])):
            odds[lane, : len(forward)] = strand_odds
            width[lane], motif[lane], strand[lane] = len(forward), index, sign
    word = np.stack(np.unravel_index(np.arange(4**Q), (4,) * Q), axis=1)
    scores = odds.reshape(-1, blocks, Q, 4)[:, :, np.arange(Q), word].sum(axis=3)
    needed = np.maximum(-(-width.reshape(tiles, size).max(axis=1) // Q), 2).astype(np.int64)
    used = np.arange(blocks) < np.repeat(needed, size)[:, None]
    scores -= np.where(used, offset[motif][:, None] / used.sum(axis=1, keepdims=True), 0.0)[:, :, None]
    # A block may be cut off at minus the best sum: with that, no sum is above zero. Bounds are cut lower, so that
    # rounding and partial sums raise no false alarm. And no part of a sum may overflow.
    best = scores.max(axis=2)
    depth = 3 * blocks if bounds else blocks
    scale = ROOM / np.maximum.reduce([depth * best.sum(axis=1), np.maximum(best, 0.0).sum(axis=1), np.ones(len(best))])
    steps = scores * scale[:, None, None]
    entries = np.maximum(np.ceil(steps) if bounds else np.rint(steps), -ROOM // blocks)
    # A lane that only fills the tile never has a site.
    entries[width == 0] = -ROOM // blocks
    entries = entries.astype(np.int16)
    words = np.ascontiguousarray(entries.reshape(tiles, size, blocks, 4**Q).transpose(0, 2, 3, 1))
    return Lanes(words, needed, scale, odds, width, motif, strand)


@numba.njit(cache=True, nogil=True)
def encode(sequence, pad):  # type: ignore[no-untyped-def]
    """Words that start at each position, N and what is beyond the end read as A, and bases up to the next N.

    Returns ``(example, position + pad)`` uint8 words, and ``(example, position)`` int32 numbers of known bases.
    """
    n, length = sequence.shape
    words = np.zeros((n, length + pad), np.uint8)
    known = np.zeros((n, length), np.int32)
    for i in range(n):
        word, run = 0, 0
        for p in range(length - 1, -1, -1):
            base = sequence[i, p]
            run = run + 1 if base < 4 else 0
            word = (word >> 2) | ((base & 3) << 6 if base < 4 else 0)
            words[i, p] = word
            known[i, p] = run
    return words, known


@numba.njit(cache=True, nogil=True)
def sums(table, word, p, blocks, total):  # type: ignore[no-untyped-def]
    """Every lane's sum at one position."""
    total[:] = table[0, word[p]]
    for block in range(1, blocks):
        more = table[block, word[p + Q * block]]
        for k in range(len(total)):
            total[k] = np.int16(total[k] + more[k])
