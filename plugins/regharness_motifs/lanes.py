"""Lay motifs out for scanning: both strands as lanes of tables that score four bases at once. Scans nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from regharness_motifs.library import MotifSet
from regharness_motifs.registers import LANES, WORDS, Q

ROOM = 32_000
"""Largest sum of table entries: int16 with something to spare, so that a sum with `NEVER` in it is below zero."""
NEVER = -32_768
"""Entry of a word with N in it, where the motif reads the N."""


@dataclass(frozen=True)
class Lanes:
    """Motif strands in tiles of `LANES` lanes, narrow motifs first: a tile's forward strands, then their reverse.

    Attributes
    ----------
    words
        ``(tile, block, word, lane)`` int16: what each block of four bases adds to a lane's sum.
    blocks
        ``(tile,)`` number of blocks that the tile's widest motif needs.
    step
        ``(tile, lane)`` nats of one step of a sum.
    odds
        ``(tile, lane, position, base)`` float64 log odds in nats of A C G T N: minus infinity for N, and 0 for any
        base beyond a motif's end.
    width, motif
        ``(tile, lane)`` int32; a lane that only fills the last tile has the width 0.
    """

    words: NDArray[np.int16]
    blocks: NDArray[np.int64]
    step: NDArray[np.float64]
    odds: NDArray[np.float64]
    width: NDArray[np.int32]
    motif: NDArray[np.int32]


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
        Whether sums must be bounds from above, above zero wherever the score is above the offset: then entries are
        rounded up, else to the nearest step. Sums above zero are right to half a step a block; what saturates is
        below zero, and so is its sum.
    """
    order = np.argsort(motifs.widths, kind="stable")
    half = LANES // 2
    tiles = -(-len(order) // half)
    blocks = -(-int(motifs.widths.max()) // Q)
    odds = np.zeros((tiles, LANES, blocks * Q, 5))
    width, motif = np.zeros((tiles, LANES), np.int32), np.zeros((tiles, LANES), np.int32)
    for place, index in enumerate(order):
        tile, lane = divmod(place, half)
        forward = log_odds(motifs.matrices[index])
        for to, strand in ((lane, forward), (lane + half, forward[::-1, ::-1])):
            odds[tile, to, : len(forward), :4] = strand
            odds[tile, to, : len(forward), 4] = -np.inf
            width[tile, to], motif[tile, to] = len(forward), index
    words = np.full((tiles, blocks, WORDS, LANES), NEVER, np.int16)
    needed = -(-width.max(axis=1).astype(np.int64) // Q)
    step = np.ones((tiles, LANES))
    for tile, number in enumerate(needed):
        entries, step[tile] = _entries(odds[tile, :, : number * Q], offset[motif[tile]], bounds)
        # A lane that only fills the tile is never above zero.
        entries[width[tile] == 0] = NEVER
        words[tile, :number] = entries.transpose(1, 2, 0)
    return Lanes(words, needed, step, odds, width, motif)


def _entries(
    odds: NDArray[np.float64], offset: NDArray[np.float64], bounds: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``(lane, block, word)`` entries of a tile, and the nats of a step of each lane."""
    blocks = odds.shape[1] // Q
    word = np.stack(np.unravel_index(np.arange(WORDS), (5,) * Q), axis=1)
    scores = odds.reshape(LANES, blocks, Q, 5)[:, :, np.arange(Q), word].sum(axis=3)
    scores -= (offset / blocks)[:, None, None]
    # No part of a sum may saturate above zero; at least a nat, for motifs that never come near their offset.
    step = np.maximum(np.maximum(scores.max(axis=2), 0.0).sum(axis=1), 1.0) / ROOM
    steps = scores / step[:, None, None]
    return np.clip(np.floor(steps) + 1.0 if bounds else np.rint(steps), NEVER, ROOM), step


@numba.njit(cache=True, nogil=True)
def encode(sequence, pad):  # type: ignore[no-untyped-def]
    """Words that start at each position, ``(example, position + pad)`` uint16; beyond the end, bases are N."""
    n, length = sequence.shape
    words = np.full((n, length + pad), WORDS - 1, np.uint16)
    for i in range(n):
        word = WORDS - 1
        for p in range(length - 1, -1, -1):
            word = word // 5 + sequence[i, p] * (WORDS // 5)
            words[i, p] = word
    return words
