"""Turn sequences into noiseless activity: occupancy, motif effects of each cell type, and pair grammar.

Activity of a cell type is ``3 tanh(x / 3)``, where x is 0.9 times the standardised sum of saturated motif
occupancy times effect, and of pair terms ``gamma theta_i theta_j exp(-distance / d)``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numba
import numpy as np
from numpy.typing import NDArray

from regharness_motifs.library import MotifSet
from regharness_motifs.scanning import Sites, find_sites, saturated, summed_occupancy

CHUNK = 4096
SCALE = 0.9
CEILING = 3.0

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Program:
    """How strongly motifs and pairs of them act, in every cell type.

    Attributes
    ----------
    log_concentration, effect
        ``(motif, output)``: log concentration of each factor, and what its saturated occupancy adds.
    pair_effect
        ``(pair, output)``.
    """

    log_concentration: Array
    effect: Array
    pair_effect: Array


@dataclass(frozen=True)
class Grammar:
    """Which pairs of motifs act together, and at which distance.

    Attributes
    ----------
    pairs
        ``(pair, 2)`` int64 motif indices whose distance matters.
    decay
        ``(pair,)`` distance in bp over which a pair's effect falls e-fold.
    distance
        ``(pair,)`` another distance, in bp, at which a pair can prefer to act.
    displaced
        Share, 0 to 1, of a pair's action that depends on that other distance.
    """

    pairs: NDArray[np.int64]
    decay: Array
    distance: Array
    displaced: float = 0.0


@dataclass(frozen=True)
class Features:
    """What a sequence offers to the program: ``(example, motif, output)`` and ``(example, pair, output)``."""

    occupancy: Array
    paired: Array


@dataclass(frozen=True)
class Mechanism:
    """How activity follows from sequence in every cell type.

    Attributes
    ----------
    motifs, program, grammar
        What binds, how it acts, and how pairs act.
    reference
        Sequences on which the sum is standardised, ``(example, position)``.
    features
        Theirs, under this mechanism.
    centre, spread
        ``(output,)`` mean and SD of their sums.
    donor_effect
        ``(motif, output, donor)``: what a factor's saturated occupancy adds to log2 activity in one donor
        beyond the rest; its mean over donors is zero.
    donor_centre
        ``(output, donor)``: what that comes to on average over the reference sequences.
    """

    motifs: MotifSet
    program: Program
    grammar: Grammar
    reference: NDArray[np.uint8]
    features: Features
    centre: Array
    spread: Array
    donor_effect: Array
    donor_centre: Array

    def activity(self, sequence: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Noiseless activity ``(example, output)`` float32, log2(RNA/DNA)."""
        parts = [
            self.activity_of(features_of(find_sites(chunk, self.motifs), self.motifs, self.program, self.grammar))
            for chunk in _chunks(sequence)
        ]
        return np.concatenate(parts or [np.zeros((0, len(self.centre)))]).astype(np.float32)

    def motif_content(self, sequence: NDArray[np.uint8]) -> Array:
        """Summed occupancy over all motifs, averaged over cell types: ``(example,)``, bound factors."""
        parts = []
        for chunk in _chunks(sequence):
            sites = find_sites(chunk, self.motifs)
            columns = self.program.log_concentration.T
            bound = [summed_occupancy(sites, len(self.motifs), np.ascontiguousarray(c)).sum(axis=1) for c in columns]
            parts.append(np.mean(bound, axis=0))
        return np.concatenate(parts or [np.zeros(0)])

    def activity_of(self, features: Features) -> Array:
        """Noiseless activity ``(example, output)`` of sequences with these features."""
        x = SCALE * (_sum(features, self.program) - self.centre) / self.spread
        return CEILING * np.tanh(x / CEILING)

    def donors_of(self, features: Features) -> Array:
        """How far each donor's activity departs from the truth: ``(example, output, donor)``, log2."""
        return np.einsum("nko,kod->nod", features.occupancy, self.donor_effect, optimize=False) - self.donor_centre

    def under(
        self,
        program: Program | None = None,
        *,
        motifs: MotifSet | None = None,
        grammar: Grammar | None = None,
        examples: int | None = None,
    ) -> Mechanism:
        """Another mechanism on the same reference, standardised anew, so that only p(y given x) moves.

        With `examples`, only so many reference sequences are used, for a quick look.
        """
        chosen = self.reference[:examples]
        program, grammar = program or self.program, grammar or self.grammar
        kept = np.array_equal(program.log_concentration, self.program.log_concentration)
        if motifs is None and grammar is self.grammar and kept:
            features = Features(self.features.occupancy[:examples], self.features.paired[:examples])
        else:
            bound = motifs or self.motifs
            features = features_of(find_sites(chosen, bound), bound, program, grammar)
        total = _sum(features, program)
        return replace(
            self,
            motifs=motifs or self.motifs,
            program=program,
            grammar=grammar,
            reference=chosen,
            features=features,
            centre=total.mean(axis=0),
            spread=_spread(total),
        )

    def correlation(self, other: Mechanism) -> float:
        """Correlation of the activities of the reference sequences under two mechanisms, averaged over outputs."""
        n = min(len(self.reference), len(other.reference))
        one = self.activity_of(Features(self.features.occupancy[:n], self.features.paired[:n]))
        two = other.activity_of(Features(other.features.occupancy[:n], other.features.paired[:n]))
        return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(one.T, two.T, strict=True)]))


def standardised(
    motifs: MotifSet, program: Program, grammar: Grammar, reference: NDArray[np.uint8], features: Features
) -> Mechanism:
    """A mechanism whose activity has mean zero and its usual spread on the reference sequences; one donor."""
    total = _sum(features, program)
    alone, nowhere = np.zeros((*program.effect.shape, 1)), np.zeros((program.effect.shape[1], 1))
    centre, spread = total.mean(axis=0), _spread(total)
    return Mechanism(motifs, program, grammar, reference, features, centre, spread, alone, nowhere)


def features_of(sites: Sites, motifs: MotifSet, program: Program, grammar: Grammar) -> Features:
    """Saturated occupancy and pair terms of the sequences whose sites are given."""
    occupancy, paired = [], []
    for column in program.log_concentration.T:
        log_c = np.ascontiguousarray(column)
        occupancy.append(saturated(summed_occupancy(sites, len(motifs), log_c)))
        paired.append(
            _pair_terms(
                sites.starts,
                sites.position,
                sites.motif,
                sites.excess,
                log_c,
                grammar.pairs,
                grammar.decay,
                grammar.distance,
                grammar.displaced,
            )
        )
    return Features(np.stack(occupancy, axis=2), np.stack(paired, axis=2))


def _chunks(sequence: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    return [sequence[start : start + CHUNK] for start in range(0, len(sequence), CHUNK)]


def _sum(features: Features, program: Program) -> Array:
    # A fixed order of summation, so that a sequence's sum does not depend on the others in its chunk.
    motif = np.einsum("nko,ko->no", features.occupancy, program.effect, optimize=False)
    return motif + np.einsum("npo,po->no", features.paired, program.pair_effect, optimize=False)


def _spread(total: Array) -> Array:
    spread = total.std(axis=0)
    # Motifs that bind nowhere leave nothing to scale.
    return np.where(spread > 0, spread, 1.0)


@numba.njit(cache=True, nogil=True)
def _pair_terms(  # type: ignore[no-untyped-def]
    starts, position, motif, excess, log_c, pairs, decay, other_distance, displaced
):
    n = len(starts) - 1
    terms = np.zeros((n, len(pairs)))
    motifs = len(log_c)
    most = 1
    for i in range(n):
        most = max(most, starts[i + 1] - starts[i])
    theta = np.empty(most)
    following = np.empty(most, np.int64)
    head = np.empty(motifs, np.int64)
    for i in range(n):
        first, last = starts[i], starts[i + 1]
        # Sites of each motif as a linked list, so that a pair looks only at its own two motifs' sites.
        head[:] = -1
        for s in range(last - 1, first - 1, -1):
            theta[s - first] = 1.0 / (1.0 + np.exp(-(excess[s] + log_c[motif[s]])))
            following[s - first] = head[motif[s]]
            head[motif[s]] = s - first
        for q in range(len(pairs)):
            s = head[pairs[q, 0]]
            while s >= 0:
                t = head[pairs[q, 1]]
                while t >= 0:
                    distance = abs(position[first + t] - position[first + s])
                    # A site is no pair with itself; the two strands of one place are one site here.
                    if distance > 0:
                        near = np.exp(-distance / decay[q])
                        if displaced > 0.0:
                            far = np.exp(-abs(distance - other_distance[q]) / decay[q])
                            near = (1.0 - displaced) * near + displaced * far
                        terms[i, q] += theta[s] * theta[t] * near
                    t = following[t]
                s = following[s]
    return terms
