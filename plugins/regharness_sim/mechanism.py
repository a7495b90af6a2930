"""Turn sequences into noiseless activity: occupancy, motif effects of each cell type, and pair grammar.

Activity of a cell type is ``3 tanh(x / 3)``, where x is 0.9 times the standardised sum of saturated motif
occupancy times effect, and of pair terms ``gamma theta_i theta_j exp(-distance / d)``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numba
import numpy as np
from numpy.typing import NDArray

from regharness.seeding import rng_for
from regharness_motifs.library import MotifSet
from regharness_motifs.scanning import Sites, find_sites, saturated, summed_occupancy
from regharness_sim.background import Background

REFERENCE = 4096
"""Sequences that the standardisation is computed on, from a random stream of their own."""
CHUNK = 4096

CANDIDATES = 32
REWIRED_CORRELATION = 0.15
"""Truth after complete rewiring correlates so with truth before, whatever the seed: of 32 permutations the
nearest is taken. Without that the correlation, and so the severity, would differ by 0.2 between seeds."""

REPRESSORS = 0.2
SHARED_LOG_SD = 0.5
SPECIFIC_SD = 1.2
SHORTEST_DECAY, LONGEST_DECAY = 8.0, 40.0
SCALE = 0.9
CEILING = 3.0

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Mechanism:
    """How activity follows from sequence in every cell type.

    Attributes
    ----------
    motifs
        The factors' motifs.
    log_concentration, effect
        ``(motif, output)``: log concentration of each factor, and what its saturated occupancy adds.
    pairs
        ``(pair, 2)`` int64 motif indices whose distance matters.
    pair_effect
        ``(pair, output)``.
    decay
        ``(pair,)`` distance in bp over which a pair's effect falls e-fold.
    centre, spread
        ``(output,)`` mean and SD of the sum on the reference sequences.
    reference
        Motif and pair features of the reference sequences, so that a changed mechanism can be standardised.
    permutation
        ``(motif,)`` where `rewired` moves effects from.
    """

    motifs: MotifSet
    log_concentration: Array
    effect: Array
    pairs: NDArray[np.int64]
    pair_effect: Array
    decay: Array
    centre: Array
    spread: Array
    reference: tuple[Array, Array]
    permutation: NDArray[np.int64]

    def activity(self, sequence: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Noiseless activity ``(example, output)`` float32, log2(RNA/DNA)."""
        parts = [
            self._activity_of(*self._features(sequence[start : start + CHUNK]))
            for start in range(0, len(sequence), CHUNK)
        ]
        return np.concatenate(parts or [np.zeros((0, self.effect.shape[1]))]).astype(np.float32)

    def rewired(self, rho: float) -> Mechanism:
        """Move a share `rho` (0 to 1) of the variance of effects to other motifs and pairs.

        Effects become ``sqrt(1 - rho) w + sqrt(rho) w'``, w' being w permuted over motifs; mean and SD of
        the activity stay, so that only p(y given x) moves.
        """
        kept, moved = np.sqrt(1.0 - rho), np.sqrt(rho)
        return replace(
            self,
            effect=kept * self.effect + moved * self.effect[self.permutation],
            pair_effect=kept * self.pair_effect + moved * np.roll(self.pair_effect, 1, axis=0),
        ).standardised()

    def kept_correlation(self, rho: float) -> float:
        """Correlation of `rewired` sums with these on the reference sequences, averaged over outputs."""
        one, two = self._raw(*self.reference), self.rewired(rho)._raw(*self.reference)
        return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(one.T, two.T, strict=True)]))

    def standardised(self) -> Mechanism:
        """The same mechanism with mean and SD of the sum taken from the reference sequences."""
        raw = self._raw(*self.reference)
        return replace(self, centre=raw.mean(axis=0), spread=raw.std(axis=0))

    def _features(self, sequence: NDArray[np.uint8]) -> tuple[Array, Array]:
        """Saturated occupancy ``(example, motif, output)`` and pair terms ``(example, pair, output)``."""
        sites = find_sites(sequence, self.motifs)
        return _features(sites, self.motifs, self.log_concentration, self.pairs, self.decay)

    def _raw(self, occupancy: Array, paired: Array) -> Array:
        return np.einsum("nko,ko->no", occupancy, self.effect) + np.einsum("npo,po->no", paired, self.pair_effect)

    def _activity_of(self, occupancy: Array, paired: Array) -> Array:
        x = SCALE * (self._raw(occupancy, paired) - self.centre) / self.spread
        return CEILING * np.tanh(x / CEILING)


def draw_mechanism(
    motifs: MotifSet,
    background: Background,
    outputs: int,
    *,
    concentration_sd: float,
    shared_share: float,
    pairs: int,
    pair_variance: float,
    seed: int,
) -> Mechanism:
    """Draw the mechanism of one seed.

    Cell types share `shared_share` of the variance of log concentrations. Effects are a part that cell types
    share, log-normal with a fifth of the factors repressing, blended with each cell type's own N(0, 1.2); pair
    terms are scaled to `pair_variance` of the variance of the sum.
    """
    rng = rng_for(seed, "mechanism")
    k = len(motifs)
    common, own = rng.normal(size=(k, 1)), rng.normal(size=(k, outputs))
    log_concentration = concentration_sd * (np.sqrt(shared_share) * common + np.sqrt(1.0 - shared_share) * own)
    sign = np.where(rng.permutation(k) < round(REPRESSORS * k), -1.0, 1.0)
    shared = sign * rng.lognormal(0.0, SHARED_LOG_SD, k)
    specific = rng.normal(0.0, SPECIFIC_SD, (k, outputs))
    effect = shared_share * shared[:, None] + (1.0 - shared_share) * specific
    chosen = rng.integers(0, k, (pairs, 2))
    gamma = shared_share * rng.normal(size=(pairs, 1)) + (1.0 - shared_share) * rng.normal(size=(pairs, outputs))
    decay = rng.uniform(SHORTEST_DECAY, LONGEST_DECAY, pairs)
    sequence, _ = background.draw(REFERENCE, motifs, seed, "reference")
    features = _features(find_sites(sequence, motifs), motifs, log_concentration, chosen, decay)
    gamma = gamma * _pair_scale(features, effect, gamma, pair_variance)
    still = np.zeros(outputs)
    drawn = Mechanism(
        motifs, log_concentration, effect, chosen, gamma, decay, still, still, features, np.arange(k)
    ).standardised()
    candidates = [replace(drawn, permutation=_derangement(rng, k)) for _ in range(CANDIDATES)]
    return min(candidates, key=lambda mechanism: abs(mechanism.kept_correlation(1.0) - REWIRED_CORRELATION))


def _pair_scale(features: tuple[Array, Array], effect: Array, gamma: Array, share: float) -> Array:
    """Factor of the pair terms at which they have `share` of the variance of motif plus pair terms."""
    motif_variance = np.einsum("nko,ko->no", features[0], effect).var(axis=0)
    pair_variance = np.einsum("npo,po->no", features[1], gamma).var(axis=0)
    wanted = motif_variance * share / (1.0 - share)
    return np.sqrt(np.divide(wanted, pair_variance, out=np.zeros_like(wanted), where=pair_variance > 0))


def _derangement(rng: np.random.Generator, k: int) -> NDArray[np.int64]:
    """A cyclic permutation: no motif keeps its effect."""
    order = rng.permutation(k)
    moved = np.empty(k, np.int64)
    moved[order] = np.roll(order, 1)
    return moved


def _features(
    sites: Sites, motifs: MotifSet, log_concentration: Array, pairs: NDArray[np.int64], decay: Array
) -> tuple[Array, Array]:
    outputs = log_concentration.shape[1]
    columns = [np.ascontiguousarray(log_concentration[:, o]) for o in range(outputs)]
    occupancy = [saturated(summed_occupancy(sites, len(motifs), column)) for column in columns]
    paired = [
        _pair_terms(sites.starts, sites.position, sites.motif, sites.excess, column, pairs, decay) for column in columns
    ]
    return np.stack(occupancy, axis=2), np.stack(paired, axis=2)


@numba.njit(cache=True, nogil=True)
def _pair_terms(starts, position, motif, excess, log_c, pairs, decay):  # type: ignore[no-untyped-def]
    n = len(starts) - 1
    terms = np.zeros((n, len(pairs)))
    for i in range(n):
        first, last = starts[i], starts[i + 1]
        for q in range(len(pairs)):
            for s in range(first, last):
                if motif[s] != pairs[q, 0]:
                    continue
                one = 1.0 / (1.0 + np.exp(-(excess[s] + log_c[motif[s]])))
                for t in range(first, last):
                    # A site is no pair with itself; the two strands of one place are one site here.
                    if motif[t] != pairs[q, 1] or position[t] == position[s]:
                        continue
                    two = 1.0 / (1.0 + np.exp(-(excess[t] + log_c[motif[t]])))
                    distance = abs(position[t] - position[s])
                    terms[i, q] += one * two * np.exp(-distance / decay[q])
    return terms
