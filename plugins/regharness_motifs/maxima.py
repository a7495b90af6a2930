"""Find the best score of every motif in every sequence. Knows no threshold."""

from __future__ import annotations

import functools
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from regharness_motifs.lanes import encode, lay_out, log_odds
from regharness_motifs.library import MotifSet
from regharness_motifs.registers import LANES, Q, raise_maxima

CHUNK = 512


def best_scores(sequence: NDArray[np.uint8], motifs: MotifSet) -> NDArray[np.float32]:
    """Greatest log odds of every motif over all positions and both strands.

    Parameters
    ----------
    sequence
        ``(example, position)`` uint8 codes A C G T N = 0..4. A window that holds N has no score.
    motifs
        The motifs.

    Returns
    -------
    numpy.ndarray
        ``(example, motif)`` float32, nats against a uniform background, ``-inf`` where no window is free of N.
        Scores are summed in steps, half a step off at most for every four positions of the widest motifs: within
        0.003 nats for JASPAR's motifs of up to 12 positions, and within 0.01 for all of them.
    """
    tables = _tables(motifs)
    best = np.empty((len(sequence), len(motifs)), np.float32)
    for start in range(0, len(sequence), CHUNK):
        chunk = np.ascontiguousarray(sequence[start : start + CHUNK])
        _maxima(chunk, encode(chunk, Q * tables[0].shape[1]), *tables, best[start : start + CHUNK])
    return best


@functools.lru_cache(maxsize=8)
def _tables(motifs: MotifSet) -> tuple[NDArray[Any], ...]:
    floor = np.array([_usual(matrix) for matrix in motifs.matrices])
    lanes = lay_out(motifs, floor, bounds=False)
    return lanes.words, lanes.blocks, lanes.step, lanes.odds, lanes.width, lanes.motif, floor


def _usual(matrix: NDArray[np.float64]) -> float:
    """A score that one window in six of random bases exceeds, so that the best of many surely does; at most 0."""
    odds = log_odds(matrix)
    return min(float(odds.mean(axis=1).sum() + np.sqrt(odds.var(axis=1).sum())), 0.0)


@numba.njit(cache=True, nogil=True)
def _maxima(sequence, words, tables, blocks, step, odds, width, motif, floor, best):  # type: ignore[no-untyped-def]
    half = LANES // 2
    top = np.empty(LANES, np.int16)
    # A tile's tables stay in the cache while all sequences pass.
    for tile in range(len(tables)):
        end = max(sequence.shape[1] - width[tile, 0] + 1, 0)
        for i in range(len(sequence)):
            top[:] = 0
            raise_maxima(top, tables[tile], words[i], end, blocks[tile])
            for k in range(half):
                if width[tile, k] == 0:
                    break
                to = motif[tile, k]
                if max(top[k], top[k + half]) > 0:
                    best[i, to] = max(top[k] * step[tile, k], top[k + half] * step[tile, k + half]) + floor[to]
                else:
                    best[i, to] = max(
                        _exact(sequence[i], odds[tile, k], width[tile, k]),
                        _exact(sequence[i], odds[tile, k + half], width[tile, k]),
                    )


@numba.njit(cache=True, nogil=True)
def _exact(row, odds, width):  # type: ignore[no-untyped-def]
    best = -np.inf
    for p in range(len(row) - width + 1):
        score = 0.0
        for j in range(width):
            score += odds[j, row[p + j]]
        best = max(best, score)
    return best
