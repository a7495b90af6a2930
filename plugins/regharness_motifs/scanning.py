"""Find where motifs bind: every position, both strands. Knows no label.

A site's score is the log odds, in nats, of its bases against the library's background. Its excess over the motif's
threshold, the score that a typical instance of the motif reaches, says how well it is bound.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from regharness_motifs.library import MotifSet

LEAST_THRESHOLD = 6.5
"""Nats. A lower threshold would let short, plain motifs bind nearly everywhere."""
TYPICAL_SDS = 1.5
GATE = 3.0
"""Nats below the threshold where a site starts to count; at a concentration of one it is bound 5% of the time."""
SATURATION = 2.5
"""Summed occupancy at which a motif's effect is half of its ceiling."""

_Q = 4
_WORDS = 5**_Q
_LANES = 32
_FINEST = 256.0
_CHUNK = 1024


@dataclass(frozen=True)
class Sites:
    """Sites that may be bound, grouped by example.

    Attributes
    ----------
    starts
        ``(example + 1,)`` int64: the sites of example i are ``starts[i]:starts[i + 1]``.
    position, motif
        ``(site,)`` int32: first base of the site, and index of its motif.
    excess
        ``(site,)`` float32 nats: score minus the motif's threshold, at least ``-GATE``.
    """

    starts: NDArray[np.int64]
    position: NDArray[np.int32]
    motif: NDArray[np.int32]
    excess: NDArray[np.float32]


def log_odds(motifs: MotifSet) -> list[NDArray[np.float64]]:
    """``(position, base)`` log odds of each motif against the background, in nats."""
    return [np.log(matrix / motifs.background) for matrix in motifs.matrices]


def thresholds(motifs: MotifSet) -> NDArray[np.float64]:
    """``(motif,)`` mean minus 1.5 SD of the scores of sequences drawn from the motif, but at least 6.5 nats.

    The two moments are exact: positions are independent, so their means and variances add up.
    """
    found = []
    for matrix, odds in zip(motifs.matrices, log_odds(motifs), strict=True):
        mean = (matrix * odds).sum(axis=1)
        variance = (matrix * odds**2).sum(axis=1) - mean**2
        found.append(max(mean.sum() - TYPICAL_SDS * np.sqrt(variance.sum()), LEAST_THRESHOLD))
    return np.array(found)


def find_sites(sequence: NDArray[np.uint8], motifs: MotifSet) -> Sites:
    """Find the sites of every motif on both strands.

    Parameters
    ----------
    sequence
        ``(example, position)`` uint8 codes A C G T N = 0..4. A window that holds N is no site.
    """
    return Sites(*_scan(np.ascontiguousarray(sequence), *_tables(motifs)))


def summed_occupancy(
    sequence: NDArray[np.uint8], motifs: MotifSet, log_concentration: NDArray[np.float64] | None = None
) -> NDArray[np.float32]:
    """Sum the occupancy of each motif over positions and strands.

    A site is occupied ``sigmoid(excess + log_concentration)`` of the time, the two-state equilibrium of a factor
    (Berg & von Hippel, J. Mol. Biol. 193:723, 1987), and never when its excess is below -3 nats.

    Parameters
    ----------
    sequence
        ``(example, position)`` uint8 codes A C G T N = 0..4.
    log_concentration
        ``(motif,)`` natural logarithm of each factor's relative concentration; zero when left out.

    Returns
    -------
    numpy.ndarray
        ``(example, motif)`` float32, zero or above. An example's row depends on that example alone.
    """
    log_c = np.zeros(len(motifs)) if log_concentration is None else np.asarray(log_concentration, np.float64)
    summed = np.empty((len(sequence), len(motifs)), np.float32)
    for part in chunks(len(sequence)):
        sites = find_sites(sequence[part], motifs)
        _sum_sites(sites.starts, sites.motif, sites.excess, log_c, summed[part])
    return summed


def occupancy_features(sequence: NDArray[np.uint8], motifs: MotifSet) -> NDArray[np.float32]:
    """Saturated summed occupancy ``n / (1 + n / 2.5)`` of each motif: ``(example, motif)`` float32, 0 to 2.5."""
    summed = summed_occupancy(sequence, motifs)
    return summed / (np.float32(1.0) + summed / np.float32(SATURATION))


def chunks(examples: int) -> Iterator[slice]:
    """Cut ``range(examples)`` so that the sites of one part fit into a processor's cache."""
    for start in range(0, examples, _CHUNK):
        yield slice(start, min(start + _CHUNK, examples))


@functools.lru_cache(maxsize=8)
def _tables(motifs: MotifSet) -> tuple[NDArray[Any], ...]:
    """Lay both strands of every motif out as lanes, 32 a tile, narrow motifs first, and tabulate 4-mers.

    ``words[tile, block, word, lane]`` int16 is a bound from above, in steps of 1/256 nat or coarser, on what the
    block's four bases add to the lane's score less the least score of a site: lanes whose sum is below zero
    cannot be sites, and the few others are scored exactly. A word is four bases in base 5, so that N has a place.
    """
    limits = thresholds(motifs)
    strands = [
        (motif, odds if forward else odds[::-1, ::-1])
        for motif, odds in sorted(enumerate(log_odds(motifs)), key=lambda pair: len(pair[1]))
        for forward in (True, False)
    ]
    tiles, blocks = -(-len(strands) // _LANES), -(-len(strands[-1][1]) // _Q)
    exact = np.zeros((tiles * _LANES, blocks * _Q, 5))
    width = np.zeros(tiles * _LANES, np.int32)
    motif = np.zeros(tiles * _LANES, np.int32)
    for lane, (index, odds) in enumerate(strands):
        width[lane], motif[lane] = len(odds), index
        exact[lane, : len(odds), :4] = odds
        exact[lane, : len(odds), 4] = -np.inf
    scale = min(_FINEST, 30_000.0 / float(np.maximum(exact.max(axis=2), 0.0).sum(axis=1).max()))
    columns = exact.reshape(-1, blocks, _Q, 5)
    word = np.stack(np.unravel_index(np.arange(_WORDS), (5,) * _Q), axis=1)
    scores = columns[:, :, np.arange(_Q), word].sum(axis=3)
    scores[:, 0] -= (limits[motif] - GATE)[:, None]
    scores[len(strands) :, 0] = -np.inf  # lanes that only fill the last tile
    bounds = np.maximum(np.ceil(scale * scores), -32_767 // blocks + 1).astype(np.int16)
    words = np.ascontiguousarray(bounds.reshape(tiles, _LANES, blocks, _WORDS).transpose(0, 2, 3, 1))
    needed = -(-width.reshape(tiles, _LANES).max(axis=1) // _Q)
    return words, needed, exact, width, motif, limits[motif]


@numba.njit(cache=True, nogil=True)
def _scan(sequence, words, needed, exact, width, motif, limit):  # type: ignore[no-untyped-def]
    examples, length = sequence.shape
    tiles = len(words)
    pad = 4 * words.shape[1]
    starts = np.zeros(examples + 1, np.int64)
    size = max(64, examples * 64)
    position = np.empty(size, np.int32)
    which = np.empty(size, np.int32)
    excess = np.empty(size, np.float32)
    row = np.full(length + pad, 4, np.uint8)
    code = np.full(length + pad, 624, np.int64)
    total = np.empty(_LANES, np.int16)
    found = 0
    for i in range(examples):
        row[:length] = sequence[i]
        for p in range(length - 1, -1, -1):
            code[p] = row[p] * 125 + code[p + 1] // 5
        for tile in range(tiles):
            for p in range(length):
                first = words[tile, 0, code[p]]
                for k in range(_LANES):
                    total[k] = first[k]
                for block in range(1, needed[tile]):
                    more = words[tile, block, code[p + 4 * block]]
                    for k in range(_LANES):
                        total[k] += more[k]
                sign = np.int16(-1)
                for k in range(_LANES):
                    sign &= total[k]
                if sign < 0:
                    continue
                for k in range(_LANES):
                    if total[k] < 0:
                        continue
                    lane = tile * _LANES + k
                    score = 0.0
                    for j in range(width[lane]):
                        score += exact[lane, j, row[p + j]]
                    if score - limit[lane] < -GATE:
                        continue
                    if found == size:
                        size *= 2
                        position = _grown(position, size)
                        which = _grown(which, size)
                        excess = _grown(excess, size)
                    position[found] = p
                    which[found] = motif[lane]
                    excess[found] = score - limit[lane]
                    found += 1
        starts[i + 1] = found
    return starts, position[:found], which[:found], excess[:found]


@numba.njit(cache=True, nogil=True)
def _grown(array, size):  # type: ignore[no-untyped-def]
    larger = np.empty(size, array.dtype)
    larger[: len(array)] = array
    return larger


@numba.njit(cache=True, nogil=True)
def _sum_sites(starts, motif, excess, log_c, summed):  # type: ignore[no-untyped-def]
    total = np.empty(len(log_c))
    for i in range(len(starts) - 1):
        total[:] = 0.0
        for s in range(starts[i], starts[i + 1]):
            total[motif[s]] += 1.0 / (1.0 + np.exp(-(excess[s] + log_c[motif[s]])))
        for k in range(len(log_c)):
            summed[i, k] = total[k]
