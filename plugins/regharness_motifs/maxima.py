"""Find the best score of every motif in every sequence. Knows no threshold."""

from __future__ import annotations

import functools
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from regharness_motifs.lanes import Q, encode, lay_out, log_odds, sums
from regharness_motifs.library import MotifSet

CHUNK = 1024


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
        Scores are summed in steps: they are within 0.01 nats for motifs of up to 12 positions, 0.03 for 20.
    """
    tables = _tables(motifs)
    best = np.empty((len(sequence), len(motifs)), np.float32)
    for start in range(0, len(sequence), CHUNK):
        chunk = np.ascontiguousarray(sequence[start : start + CHUNK])
        words, known = encode(chunk, Q * tables[0].shape[1])
        _maxima(chunk, words, known, *tables, best[start : start + CHUNK])
    return best


@functools.lru_cache(maxsize=8)
def _tables(motifs: MotifSet) -> tuple[NDArray[Any], ...]:
    floor = np.array([_usual(matrix) for matrix in motifs.matrices])
    lanes = lay_out(motifs, floor, bounds=False)
    return lanes.words, lanes.blocks, lanes.scale, lanes.odds, lanes.width, lanes.motif, floor[lanes.motif]


def _usual(matrix: NDArray[np.float64]) -> float:
    """A score that one window in six of random bases exceeds, so that the best of many surely does; at most 0."""
    odds = log_odds(matrix)
    return min(float(odds.mean(axis=1).sum() + np.sqrt(odds.var(axis=1).sum())), 0.0)


@numba.njit(cache=True, nogil=True)
def _maxima(  # type: ignore[no-untyped-def]
    sequence, words, known, tables, blocks, scale, odds, width, motif, floor, best
):
    n, length = sequence.shape
    tiles, _, _, lanes = tables.shape
    top, total = np.empty(lanes, np.int16), np.empty(lanes, np.int16)
    best[:] = -np.inf
    for tile in range(tiles):
        table, count = tables[tile], blocks[tile]
        first = tile * lanes
        narrowest, widest = width[first], 0
        for k in range(lanes):
            widest = max(widest, width[first + k])
        for i in range(n):
            word = words[i]
            top[:] = -32_768
            start = 0
            while start <= length - narrowest:
                # Every motif of the tile fits as far as the sequence is known; near its end only narrower ones do.
                end = start + max(known[i, start] - widest + 1, 0)
                if end > start:
                    _raise(top, table, word, start, end, count, total)
                stop = start + max(known[i, start], 1)
                for p in range(end, min(stop, length - narrowest + 1)):
                    sums(table, word, p, count, total)
                    for k in range(lanes):
                        if 0 < width[first + k] <= known[i, p]:
                            top[k] = max(top[k], total[k])
                start = stop
            for k in range(lanes):
                lane = first + k
                if width[lane] == 0:
                    continue
                if top[k] > 0:
                    score = top[k] / scale[lane] + floor[lane]
                else:
                    score = _exact(sequence[i], known[i], odds[lane], width[lane])
                best[i, motif[lane]] = max(best[i, motif[lane]], np.float32(score))


@numba.njit(cache=True, nogil=True)
def _raise(top, table, word, start, end, blocks, total):  # type: ignore[no-untyped-def]
    """Raise every lane's greatest sum over a range of positions.

    One loop for each number of blocks, free of branches, and casts that keep the sums in 16 bits: so the
    compiler adds up many lanes at once.
    """
    if blocks == 2:
        _raise_by_two(top, table, word, start, end)
    elif blocks == 3:
        _raise_by_three(top, table, word, start, end)
    elif blocks == 4:
        _raise_by_four(top, table, word, start, end)
    elif blocks == 5:
        _raise_by_five(top, table, word, start, end)
    else:
        for p in range(start, end):
            sums(table, word, p, blocks, total)
            for k in range(len(total)):
                top[k] = max(top[k], total[k])


@numba.njit(cache=True, nogil=True)
def _raise_by_two(top, table, word, start, end):  # type: ignore[no-untyped-def]
    for p in range(start, end):
        a, b = table[0, word[p]], table[1, word[p + 4]]
        for k in range(len(a)):
            top[k] = max(top[k], np.int16(a[k] + b[k]))


@numba.njit(cache=True, nogil=True)
def _raise_by_three(top, table, word, start, end):  # type: ignore[no-untyped-def]
    for p in range(start, end):
        a, b, c = table[0, word[p]], table[1, word[p + 4]], table[2, word[p + 8]]
        for k in range(len(a)):
            top[k] = max(top[k], np.int16(a[k] + np.int16(b[k] + c[k])))


@numba.njit(cache=True, nogil=True)
def _raise_by_four(top, table, word, start, end):  # type: ignore[no-untyped-def]
    for p in range(start, end):
        a, b, c, d = table[0, word[p]], table[1, word[p + 4]], table[2, word[p + 8]], table[3, word[p + 12]]
        for k in range(len(a)):
            top[k] = max(top[k], np.int16(np.int16(a[k] + b[k]) + np.int16(c[k] + d[k])))


@numba.njit(cache=True, nogil=True)
def _raise_by_five(top, table, word, start, end):  # type: ignore[no-untyped-def]
    for p in range(start, end):
        a, b, c = table[0, word[p]], table[1, word[p + 4]], table[2, word[p + 8]]
        d, e = table[3, word[p + 12]], table[4, word[p + 16]]
        for k in range(len(a)):
            top[k] = max(top[k], np.int16(np.int16(a[k] + b[k]) + np.int16(c[k] + np.int16(d[k] + e[k]))))


@numba.njit(cache=True, nogil=True)
def _exact(row, known, odds, width):  # type: ignore[no-untyped-def]
    best = -np.inf
    for p in range(len(row) - width + 1):
        if known[p] >= width:
            score = 0.0
            for j in range(width):
                score += odds[j, row[p + j]]
            best = max(best, score)
    return best
