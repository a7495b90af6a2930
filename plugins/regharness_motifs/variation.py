"""Make other motif libraries out of one: decoys, perturbed matrices, parts, unions. Reads no file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from regharness.errors import InputError
from regharness.seeding import rng_for
from regharness_motifs.library import MotifSet
from regharness_motifs.parameters import MotifVariant

CONCENTRATION = 0.5
"""Of the symmetric Dirichlet distribution that perturbed positions are mixed with: mostly one or two bases."""
TRIES = 100
MISSPECIFIED = 0.35
"""Share of noise in a misspecified library. It halves the built-in motifs' information (14.4 to 7.2 bits) and leaves
their occupancy correlated by 0.8 with the exact motifs' (median over motifs), so that they say the right thing badly.
"""


def variant(motifs: MotifSet, kind: MotifVariant) -> MotifSet:
    """What a structural prior is given in place of the right library.

    A library is knowledge from before any experiment: the same motifs and kind give the same bits, whatever the
    seed of a run. Streams have the root 0 and the coordinates ``"motif_variant"`` and the kind.

    Parameters
    ----------
    motifs
        The right library.
    kind
        ``"exact"``: as it is; ``"misspecified"``: every position mixed with 0.35 of noise (`perturbed`);
        ``"subset"``: a random half of the motifs, rounded up, in their order; ``"decoy"``: as many motifs that are
        no factor's, each with the width and composition of one of them (`decoys`).
    """
    rng = rng_for(0, "motif_variant", kind)
    match kind:
        case "exact":
            return motifs
        case "misspecified":
            return perturbed(motifs, MISSPECIFIED, rng)
        case "subset":
            half = np.sort(rng.permutation(len(motifs))[: -(-len(motifs) // 2)])
            return motifs.chosen([motifs.ids[i] for i in half])
        case "decoy":
            return decoys(motifs, len(motifs), rng)


def decoys(motifs: MotifSet, number: int, rng: np.random.Generator) -> MotifSet:
    """Motifs that are no factor's: the positions of real ones, shuffled.

    Parameters
    ----------
    motifs
        Where they come from, in turn.
    number
        How many, 1 or more.
    rng
        Shuffles.

    Returns
    -------
    MotifSet
        ``decoy_1``, ``decoy_2``, ...; each has the width and the base composition of its source, and differs
        from it unless all of the source's positions are alike.
    """
    names, matrices = [], []
    for index in range(number):
        source = motifs.matrices[index % len(motifs)]
        names.append(f"decoy_{index + 1}")
        matrices.append(_shuffled(source, rng))
    return MotifSet(tuple(names), tuple(names), tuple(matrices))


def perturbed(motifs: MotifSet, share: float, rng: np.random.Generator) -> MotifSet:
    """Mix every position with a draw from Dirichlet(.5, .5, .5, .5).

    Parameters
    ----------
    motifs
        What is perturbed.
    share
        Weight of the draw, 0 to 1. The draws do not depend on it, so that two shares differ in strength only.
    rng
        Draws.
    """
    mixed = []
    for matrix in motifs.matrices:
        noise = rng.dirichlet(np.full(4, CONCENTRATION), len(matrix))
        # A probability of zero has no logarithm.
        noise = (noise + 1e-3) / (1.0 + 4e-3)
        mixed.append((1.0 - share) * matrix + share * noise)
    return replace(motifs, matrices=tuple(mixed))


def joined(one: MotifSet, other: MotifSet) -> MotifSet:
    """All motifs of two sets, in this order.

    Raises
    ------
    InputError
        When both have a motif of the same id.
    """
    both = set(one.ids) & set(other.ids)
    if both:
        raise InputError(f"the motif {min(both)} is in both libraries")
    return MotifSet(one.ids + other.ids, one.names + other.names, one.matrices + other.matrices)


def _shuffled(matrix: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    for _ in range(TRIES):
        drawn: NDArray[np.float64] = matrix[rng.permutation(len(matrix))]
        if not np.array_equal(drawn, matrix):
            break
    return drawn
