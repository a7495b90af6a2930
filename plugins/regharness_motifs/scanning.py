"""Find where motifs bind: every position, both strands. Knows no label.

A site's score is the log odds of its bases, in nats, against a uniform background. How well it is bound
depends on the score's excess over the motif's threshold, the score that a typical instance of it reaches.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from regharness_motifs.lanes import encode, lay_out, log_odds
from regharness_motifs.library import MotifSet
from regharness_motifs.registers import LANES, Q, find_positive

LEAST_SCORE = 6.5
"""Nats. A threshold below it would let short, plain motifs bind nearly everywhere."""
TYPICAL_SDS = 1.5
GATE = 3.0
"""Nats below the threshold under which a site counts as unbound: its occupancy would be under 0.05."""
SATURATION = 2.5
"""Summed occupancy at which a motif's effect is half of its ceiling."""


@dataclass(frozen=True)
class Sites:
    """Sites that may be bound, grouped by example.

    Attributes
    ----------
    starts
        ``(example + 1,)`` int64: the sites of example i are ``starts[i]:starts[i + 1]``.
    position, motif
        ``(site,)`` int32: first base of the site, and index of its motif.
    strand
        ``(site,)`` int8: 1 where the motif reads along the sequence, -1 where it reads along its complement.
    excess
        ``(site,)`` float32 nats: score minus the motif's threshold, above ``-GATE``.
    """

    starts: NDArray[np.int64]
    position: NDArray[np.int32]
    motif: NDArray[np.int32]
    strand: NDArray[np.int8]
    excess: NDArray[np.float32]


def thresholds(motifs: MotifSet) -> NDArray[np.float64]:
    """Threshold of each motif in nats: mean minus 1.5 SD of the scores of its own instances, at least 6.5."""
    limits = []
    for matrix in motifs.matrices:
        odds = log_odds(matrix)
        mean = (matrix * odds).sum(axis=1)
        variance = (matrix * odds**2).sum(axis=1) - mean**2
        limits.append(max(mean.sum() - TYPICAL_SDS * np.sqrt(variance.sum()), LEAST_SCORE))
    return np.array(limits)


def find_sites(sequence: NDArray[np.uint8], motifs: MotifSet) -> Sites:
    """Find the sites of every motif on both strands.

    Parameters
    ----------
    sequence
        ``(example, position)`` uint8 codes. A window that holds N is no site.
    """
    tables = _tables(motifs)
    given = np.ascontiguousarray(sequence)
    return Sites(*_scan(given, encode(given, Q * tables[0].shape[1]), *tables))


def summed_occupancy(
    sites: Sites, n_motifs: int, log_concentration: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Sum occupancy over sites: ``(example, motif)``.

    Occupancy is ``sigmoid(excess + log_concentration)``, the two-state equilibrium of a factor whose
    concentration is relative to its dissociation constant (Berg & von Hippel, J. Mol. Biol. 193:723, 1987).
    """
    log_c = np.zeros(n_motifs) if log_concentration is None else log_concentration
    return _sum_sites(sites.starts, sites.motif, sites.excess, log_c)


def saturated(summed: NDArray[np.float64]) -> NDArray[np.float64]:
    """A motif's effect given its summed occupancy n: ``n / (1 + n / 2.5)``."""
    return summed / (1.0 + summed / SATURATION)


def occupancy_features(sequence: NDArray[np.uint8], motifs: MotifSet) -> NDArray[np.float32]:
    """Saturated occupancy of each motif: ``(example, motif)`` float32, zero or above."""
    parts = [
        saturated(summed_occupancy(find_sites(sequence[start : start + 4096], motifs), len(motifs)))
        for start in range(0, len(sequence), 4096)
    ]
    return np.concatenate(parts or [np.zeros((0, len(motifs)))]).astype(np.float32)


@functools.lru_cache(maxsize=8)
def _tables(motifs: MotifSet) -> tuple[NDArray[Any], ...]:
    """Tables of bounds from above, less the least score of a site: only a sum above zero can be one."""
    limits = thresholds(motifs)
    lanes = lay_out(motifs, limits - GATE, bounds=True)
    return lanes.words, lanes.blocks, lanes.odds, lanes.width, lanes.motif, limits


@numba.njit(cache=True, nogil=True)
def _scan(sequence, words, tables, blocks, odds, width, motif, limit):  # type: ignore[no-untyped-def]
    """Sites by sequence; those of a sequence by tile, and then by position."""
    n, length = sequence.shape
    size = max(64, n * 24)
    example, position = np.empty(size, np.int32), np.empty(size, np.int32)
    which, excess = np.empty(size, np.int32), np.empty(size, np.float32)
    starts = np.zeros(n + 1, np.int64)
    places, positive = np.empty(length + 1, np.int32), np.empty(length + 1, np.uint32)
    found = 0
    # A tile's tables stay in the cache while all sequences pass.
    for tile in range(len(tables)):
        end = max(length - width[tile, 0] + 1, 0)
        for i in range(n):
            for c in range(find_positive(places, positive, tables[tile], words[i], end, blocks[tile])):
                p, left = places[c], positive[c]
                for lane in range(LANES):
                    if not (left >> np.uint32(lane)) & 1:
                        continue
                    score = 0.0
                    for j in range(width[tile, lane]):
                        score += odds[tile, lane, j, sequence[i, p + j]]
                    above = score - limit[motif[tile, lane]]
                    if above <= -GATE:
                        continue
                    if found == size:
                        size *= 2
                        example, position = _grown(example, size), _grown(position, size)
                        which, excess = _grown(which, size), _grown(excess, size)
                    example[found], position[found], excess[found] = i, p, above
                    which[found] = motif[tile, lane] if lane < LANES // 2 else -1 - motif[tile, lane]
                    starts[i + 1] += 1
                    found += 1
    for i in range(n):
        starts[i + 1] += starts[i]
    return _grouped(starts, example[:found], position, which, excess)


@numba.njit(cache=True, nogil=True)
def _grouped(starts, example, position, which, excess):  # type: ignore[no-untyped-def]
    """Lay the sites of each example together, in the order in which they were found; reverse ones are negative."""
    size = len(example)
    at = starts[:-1].copy()
    places, motifs = np.empty(size, np.int32), np.empty(size, np.int32)
    strands, values = np.empty(size, np.int8), np.empty(size, np.float32)
    for s in range(size):
        to = at[example[s]]
        at[example[s]] += 1
        places[to], values[to] = position[s], excess[s]
        motifs[to] = which[s] if which[s] >= 0 else -1 - which[s]
        strands[to] = 1 if which[s] >= 0 else -1
    return starts, places, motifs, strands, values


@numba.njit(cache=True, nogil=True)
def _grown(array, size):  # type: ignore[no-untyped-def]
    larger = np.empty(size, array.dtype)
    larger[: len(array)] = array
    return larger


@numba.njit(cache=True, nogil=True)
def _sum_sites(starts, motif, excess, log_c):  # type: ignore[no-untyped-def]
    summed = np.zeros((len(starts) - 1, len(log_c)))
    for i in range(len(starts) - 1):
        for s in range(starts[i], starts[i + 1]):
            summed[i, motif[s]] += 1.0 / (1.0 + np.exp(-(excess[s] + log_c[motif[s]])))
    return summed
