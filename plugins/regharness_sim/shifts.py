"""Shift the simulated biology, its sequences or its assay. Severity tables are part of the definition."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from regharness import Dataset, SequenceBatch
from regharness.interfaces import ShiftOperator


class GCContent(ShiftOperator):
    """Draw new test sequences whose mean GC content has moved, labelled by the same mechanism.

    Covariate shift: p(x) moves, p(y given x) stays. Severity 1-5 moves mean GC by .03 .06 .10 .15 .25. The
    sequences are drawn with the test set's random numbers (its planted motifs, its place in the range of GC),
    so that a difference from identity is the shift's and not the draw's.

    Parameters
    ----------
    direction
        Towards more GC, or less.
    """

    shift_type = "covariate"
    needs = frozenset({"mechanism"})
    moves = (0.03, 0.06, 0.10, 0.15, 0.25)

    def __init__(self, direction: Literal["up", "down"] = "up") -> None:
        self.direction = direction

    def apply(self, dataset: Dataset, severity: int, rng: np.random.Generator) -> SequenceBatch:
        """Draw as many new examples as the test set has."""
        world = dataset.mechanism
        move = self.moves[severity - 1] * (1.0 if self.direction == "up" else -1.0)
        background = replace(world.background, gc_mean=world.background.gc_mean + move)
        moved = replace(world, background=background)
        drawn = moved.draw(len(dataset.test), "test", f"gc_content_{self.direction}_{severity}")
        return moved.label(drawn, rng)


class MotifEffectRewiring(ShiftOperator):
    """Keep the test sequences and move effects from motif to motif, as between distant cell states.

    Concept shift: p(y given x) moves, p(x) and the mean and SD of activity stay. Severity 1-5 moves a share
    of .05 .15 .3 .6 1 of the effects' variance along one permutation of the motifs, drawn with the mechanism.
    """

    shift_type = "concept"
    needs = frozenset({"mechanism"})
    shares = (0.05, 0.15, 0.3, 0.6, 1.0)

    def apply(self, dataset: Dataset, severity: int, rng: np.random.Generator) -> SequenceBatch:
        """Label the test sequences again."""
        world = dataset.mechanism
        rewired = replace(world, mechanism=world.mechanism.rewired(self.shares[severity - 1]))
        return rewired.label(dataset.test, rng)


class AssayNoise(ShiftOperator):
    """Add independent Gaussian noise to every measurement.

    Noise shift: the truth stays. Severity 1-5 adds an SD of .15 .3 .6 1 1.5 in the unit of the target
    (log2(RNA/DNA) for MPRA data, whose activity has an SD near 0.85 in the simulation).
    """

    shift_type = "noise"
    sds = (0.15, 0.3, 0.6, 1.0, 1.5)

    def apply(self, dataset: Dataset, severity: int, rng: np.random.Generator) -> SequenceBatch:
        """Measure the test set with more noise."""
        test, sd = dataset.test, self.sds[severity - 1]
        target = test.target + rng.normal(0.0, sd, test.target.shape).astype(np.float32)
        known = test.noise_variance
        return replace(test, target=target, noise_variance=None if known is None else known + np.float32(sd**2))
