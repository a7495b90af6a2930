"""Find where motifs bind: every position, both strands. Knows no label.

A site's score is the log odds of its bases, in nats, against a uniform background. How well it is bound
depends on the score's excess over the motif's threshold, the score that a typical instance of it reaches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from regharness_motifs.library import MotifSet

LEAST_SCORE = 6.5
"""Nats. A threshold below it would let short, plain motifs bind nearly everywhere."""
TYPICAL_SDS = 1.5
GATE = 3.0
"""Nats below the threshold under which a site counts as unbound: its occupancy would be under 0.05."""
SATURATION = 2.5
"""Summed occupancy at which a motif's effect is half of its ceiling."""

_BLOCK = 4
_CODES = 4**_BLOCK


@dataclass(frozen=True)
class Sites:
    """Sites that may be bound, ordered by example, then position.

    Attributes
    ----------
    starts
        ``(example + 1,)`` int64: the sites of example i are ``starts[i]:starts[i + 1]``.
    position, motif
        ``(site,)`` int32: first base of the site, and index of its motif.
    excess
        ``(site,)`` float32 nats: score minus the motif's threshold, above ``-GATE``.
    """

    starts: NDArray[np.int64]
    position: NDArray[np.int32]
    motif: NDArray[np.int32]
    excess: NDArray[np.float32]


def thresholds(motifs: MotifSet) -> NDArray[np.float64]:
    """Threshold of each motif in nats: mean minus 1.5 SD of the scores of its own instances, at least 6.5."""
    limits = []
    for matrix in motifs.matrices:
        odds = _log_odds(matrix)
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
    tables, lanes, widths, motif, cut, threshold = _lanes(motifs)
    starts, position, lane, score = _scan(np.ascontiguousarray(sequence), tables, lanes, widths, cut)
    return Sites(starts, position, motif[lane], score - threshold[lane])


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


def _log_odds(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(matrix / 0.25)


def _lanes(motifs: MotifSet) -> tuple[NDArray[np.generic], ...]:
    """Lay both strands of every motif out as lanes, widest first, and tabulate the score of each 4-mer.

    ``tables[b, code, lane]`` is what the b-th four bases add to a lane's score. Widest first, the lanes that
    need a block, and those that fit what is left of a sequence, are each one contiguous range.
    """
    order = np.argsort(-motifs.widths, kind="stable")
    limits = thresholds(motifs)
    strands = [
        (m, odds) for m in order for odds in (_log_odds(motifs.matrices[m]), _log_odds(motifs.matrices[m])[::-1, ::-1])
    ]
    widths = np.array([len(odds) for _, odds in strands])
    blocks = -(-int(widths.max()) // _BLOCK)
    tables = np.zeros((blocks, _CODES, len(strands)), np.float32)
    codes = np.arange(_CODES)
    for lane, (_, odds) in enumerate(strands):
        for i, row in enumerate(odds):
            block, place = divmod(i, _BLOCK)
            tables[block, :, lane] += row[codes // 4 ** (_BLOCK - 1 - place) % 4].astype(np.float32)
    needed = np.array([int((widths > block * _BLOCK).sum()) for block in range(blocks)])
    motif = np.array([m for m, _ in strands], np.int32)
    threshold = limits[motif].astype(np.float32)
    return tables, needed, widths, motif, (threshold - np.float32(GATE)), threshold


@numba.njit(cache=True, nogil=True)
def _scan(sequence, tables, needed, widths, cut):  # type: ignore[no-untyped-def]
    n, length = sequence.shape
    blocks, _, lanes = tables.shape
    starts = np.zeros(n + 1, np.int64)
    size = max(64, n * 32)
    position = np.empty(size, np.int32)
    lane = np.empty(size, np.int32)
    score = np.empty(size, np.float32)
    codes = np.zeros(length + blocks * 4, np.int64)
    known = np.zeros(length + 1, np.int64)
    acc = np.empty(lanes, np.float32)
    narrowest = widths[lanes - 1]
    found = 0
    for i in range(n):
        row = sequence[i]
        known[length] = 0
        code = 0
        for p in range(length - 1, -1, -1):
            base = row[p]
            known[p] = known[p + 1] + 1 if base < 4 else 0
            code = (code >> 2) + ((base if base < 4 else 0) << 6)
            codes[p] = code
        for p in range(length - narrowest + 1):
            room = known[p]
            first = 0
            while first < lanes and widths[first] > room:
                first += 1
            if first == lanes:
                continue
            table = tables[0, codes[p]]
            for k in range(lanes):
                acc[k] = table[k]
            for b in range(1, blocks):
                table = tables[b, codes[p + 4 * b]]
                for k in range(needed[b]):
                    acc[k] += table[k]
            passed = False
            for k in range(lanes):
                passed |= acc[k] > cut[k]
            if not passed:
                continue
            if found + lanes > size:
                size *= 2
                position = _grown(position, size)
                lane = _grown(lane, size)
                score = _grown(score, size)
            for k in range(first, lanes):
                if acc[k] > cut[k]:
                    position[found] = p
                    lane[found] = k
                    score[found] = acc[k]
                    found += 1
        starts[i + 1] = found
    return starts, position[:found].copy(), lane[:found].copy(), score[:found].copy()


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
