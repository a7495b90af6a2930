"""Draw the mechanism of a seed: programs of cell types, grammar, donors. Labels no sequence of a data set."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from regharness.seeding import rng_for
from regharness_motifs.library import MotifSet
from regharness_motifs.scanning import find_sites
from regharness_sim.mechanism import Array, Features, Grammar, Mechanism, Program, features_of, standardised

REPRESSORS = 0.2
SHARED_LOG_SD = 0.5
SPECIFIC_SD = 1.2
SHARED_CONCENTRATION = 0.5
"""Share of the variance of log concentrations that cell types have in common."""
SHORTEST_DECAY, LONGEST_DECAY = 8.0, 40.0
NEAREST, FARTHEST = 40.0, 100.0
"""Range, bp, of the distances at which displaced pairs act."""
HALVINGS = 20


@dataclass(frozen=True)
class Traits:
    """What the mechanism of a seed is drawn by; the fields are those of `SimulationParameters`."""

    concentration_sd: float
    cell_type_correlation: float
    pairs: int
    pair_variance: float
    donors: int
    donor_sd: float


@dataclass(frozen=True)
class Parts:
    """What cell types share, and what is each one's own.

    Attributes
    ----------
    shared, specific
        ``(motif, 1)`` and ``(motif, output)`` effects.
    shared_pairs, specific_pairs
        ``(pair, 1)`` and ``(pair, output)``.
    """

    shared: Array
    specific: Array
    shared_pairs: Array
    specific_pairs: Array

    def program(self, log_concentration: Array, features: Features, weight: float, share: float) -> Program:
        """Blend with `weight` for what is shared; pairs get `share` of the variance of the sum."""
        effect = weight * self.shared + (1.0 - weight) * self.specific
        gamma = weight * self.shared_pairs + (1.0 - weight) * self.specific_pairs
        motif_variance = np.einsum("nko,ko->no", features.occupancy, effect).var(axis=0)
        pair_variance = np.einsum("npo,po->no", features.paired, gamma).var(axis=0)
        wanted = motif_variance * share / (1.0 - share)
        scale = np.sqrt(np.divide(wanted, pair_variance, out=np.zeros_like(wanted), where=pair_variance > 0))
        return Program(log_concentration, effect, gamma * scale)


def draw_mechanism(
    motifs: MotifSet, acting: int, reference: NDArray[np.uint8], outputs: int, traits: Traits, seed: int
) -> Mechanism:
    """Draw the mechanism of one seed.

    Parameters
    ----------
    motifs
        All that are planted; those after the first `acting` are decoys, without effect.
    acting
        Number of motifs that act.
    reference
        Sequences to standardise on.
    outputs
        Cell types.
    traits
        What it is drawn by. Effects are a part that cell types share, log-normal with a fifth of the factors
        repressing, and each cell type's own N(0, 1.2), blended so that the truths of two cell types correlate
        as wanted on the reference sequences, or as nearly as the draw allows.
    seed
        Root of the random streams.
    """
    rng = rng_for(seed, "mechanism")
    log_concentration = _concentrations(rng, len(motifs), outputs, traits.concentration_sd)
    parts = _parts(rng, len(motifs), acting, outputs, traits.pairs)
    grammar = Grammar(
        rng.integers(0, acting, (traits.pairs, 2)),
        rng.uniform(SHORTEST_DECAY, LONGEST_DECAY, traits.pairs),
        rng.uniform(NEAREST, FARTHEST, traits.pairs),
    )
    blank = Program(log_concentration, parts.specific, parts.specific_pairs)
    features = features_of(find_sites(reference, motifs), motifs, blank, grammar)

    def blended(weight: float) -> Mechanism:
        program = parts.program(log_concentration, features, weight, traits.pair_variance)
        return standardised(motifs, program, grammar, reference, features)

    drawn = blended(_weight(blended, traits.cell_type_correlation, outputs))
    effect, centre = _donors(rng, drawn, acting, traits)
    return replace(drawn, donor_effect=effect, donor_centre=centre)


def another_cell_type(mechanism: Mechanism, acting: int, traits: Traits, seed: int) -> Program:
    """The program of one more cell type for every output, related to it as cell types are to each other.

    Its concentrations keep what cell types share; its effects are blended so that its truth correlates with
    the output's own as `Traits.cell_type_correlation` says.
    """
    rng = rng_for(seed, "another cell type")
    motifs, outputs = mechanism.program.effect.shape
    own = mechanism.program
    fresh = _parts(rng, motifs, acting, outputs, len(mechanism.grammar.pairs))
    step = np.sqrt(1.0 - SHARED_CONCENTRATION) * traits.concentration_sd
    log_concentration = np.sqrt(SHARED_CONCENTRATION) * own.log_concentration + step * rng.normal(
        size=own.log_concentration.shape
    )
    scale = _norm(own.effect) / _norm(fresh.specific)
    pair_scale = np.divide(
        _norm(own.pair_effect),
        _norm(fresh.specific_pairs),
        out=np.zeros_like(scale),
        where=_norm(fresh.specific_pairs) > 0,
    )

    def program(weight: float) -> Program:
        return Program(
            log_concentration,
            weight * own.effect + (1.0 - weight) * scale * fresh.specific,
            weight * own.pair_effect + (1.0 - weight) * pair_scale * fresh.specific_pairs,
        )

    moved = mechanism.under(program(1.0))

    def excess(weight: float) -> float:
        return mechanism.correlation(moved.under(program(weight))) - traits.cell_type_correlation

    return program(_crossing(excess))


def _norm(effects: Array) -> Array:
    return np.sqrt(np.square(effects).sum(axis=0))


def _concentrations(rng: np.random.Generator, motifs: int, outputs: int, sd: float) -> Array:
    common, own = rng.normal(size=(motifs, 1)), rng.normal(size=(motifs, outputs))
    return sd * (np.sqrt(SHARED_CONCENTRATION) * common + np.sqrt(1.0 - SHARED_CONCENTRATION) * own)


def _parts(rng: np.random.Generator, motifs: int, acting: int, outputs: int, pairs: int) -> Parts:
    sign = np.where(rng.permutation(motifs) < round(REPRESSORS * motifs), -1.0, 1.0)
    acts = (np.arange(motifs) < acting)[:, None]
    return Parts(
        acts * (sign * rng.lognormal(0.0, SHARED_LOG_SD, motifs))[:, None],
        acts * rng.normal(0.0, SPECIFIC_SD, (motifs, outputs)),
        rng.normal(size=(pairs, 1)),
        rng.normal(size=(pairs, outputs)),
    )


def _weight(blended, wanted: float, outputs: int) -> float:  # type: ignore[no-untyped-def]
    """Weight of the shared part at which cell types correlate as wanted; one half where there is one."""
    if outputs == 1:
        return 0.5

    def excess(weight: float) -> float:
        mechanism = blended(weight)
        r = np.corrcoef(mechanism.activity_of(mechanism.features).T)
        return float(r[np.triu_indices(outputs, 1)].mean()) - wanted

    return _crossing(excess)


def _crossing(excess) -> float:  # type: ignore[no-untyped-def]
    """Where a function that ascends over 0 to 1 crosses zero; the nearer end where it does not."""
    low, high = 0.0, 1.0
    if excess(low) >= 0.0:
        return low
    if excess(high) <= 0.0:
        return high
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if excess(middle) < 0.0 else (low, middle)
    return (low + high) / 2.0


def _donors(rng: np.random.Generator, mechanism: Mechanism, acting: int, traits: Traits) -> tuple[Array, Array]:
    """Effects and centres of donors; half of their variance is over all cell types, half within each."""
    motifs, outputs = mechanism.program.effect.shape
    over_all, within = rng.normal(size=(motifs, 1, traits.donors)), rng.normal(size=(motifs, outputs, traits.donors))
    effect = np.sqrt(0.5) * (over_all + within)
    effect[acting:] = 0.0
    effect -= effect.mean(axis=2, keepdims=True)
    departures = np.einsum("nko,kod->nod", mechanism.features.occupancy, effect)
    raw_sd = np.sqrt(departures.var(axis=0).mean())
    scale = traits.donor_sd / raw_sd if raw_sd > 0 else 0.0
    return effect * scale, departures.mean(axis=0) * scale
