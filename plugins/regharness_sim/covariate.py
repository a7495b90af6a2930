"""Shift by drawing new sequences, labelled by the same mechanism: covariate shifts. Changes no mechanism, no assay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from regharness import Dataset, InputError
from regharness.graded import GradedShift, within_reach
from regharness.seeding import rng_for
from regharness.sequences import gc_content
from regharness_sim.background import Background
from regharness_sim.world import World

Direction = Literal["up", "down"]
LOOK, CLOSE = 2048, 0.005
"""Sequences drawn to see what GC content a background gives, and how near it must come."""
CANDIDATES, CANDIDATE_LOOK = 16, 512
"""Draws of motif usage to choose from, and sequences drawn to see what activity each gives."""


class RedrawnShift(GradedShift):
    """New test sequences from a changed background, labelled by the same mechanism.

    The sequences are drawn with the test set's own random numbers, so that a difference from identity is the
    shift's and not the draw's.
    """

    shift_type = "covariate"
    needs = frozenset({"mechanism"})
    by_block = True

    def changed(self, world: World, level: float) -> Background:
        """The background that the new sequences are drawn from."""
        raise NotImplementedError

    def shifted(self, dataset: Dataset, level: float, rng: np.random.Generator) -> Dataset:
        """Draw as many new examples as the test set has."""
        world = dataset.mechanism
        moved = replace(world, background=self.changed(world, level))
        # The ids tell the new sequences from the test set's.
        drawn = moved.batch(len(dataset.test), "test", f"{type(self).__name__}-{level:g}")
        return replace(dataset, test=moved.label(drawn, rng), mechanism=moved, assay=moved)


class GCContent(RedrawnShift):
    """Draw new test sequences whose mean GC content has moved, labelled by the same mechanism.

    Covariate shift: p(x) moves, p(y given x) stays. The sequences are drawn with the test set's random
    numbers (its planted motifs, its place in the range of GC). What is planted keeps its GC content, so the
    background moves by more than the whole; levels that are then out of reach, as in short sequences, are spread
    over what is left, so that severity still grows, and a run records how far GC content moved.

    Parameters
    ----------
    direction
        Towards more GC, or less.
    """

    levels = (0.03, 0.06, 0.10, 0.15, 0.25)
    level_meaning = "what mean GC content moves by, or what can be reached"
    level_range: ClassVar = (0.0, 0.5)

    def __init__(self, direction: Direction = "up", levels: Sequence[float] | None = None) -> None:
        super().__init__(levels)
        self.direction = direction

    def changed(self, world: World, level: float) -> Background:
        """Another mean, found by drawing with it."""
        background = world.background

        def drawn(mean: float) -> float:
            sequence, _ = replace(background, gc_mean=mean).draw(LOOK, world.motifs, world.seed, "test", 0)
            return float(gc_content(sequence).mean())

        sign = 1.0 if self.direction == "up" else -1.0
        before, low, high = drawn(background.gc_mean), background.gc_mean, background.gc_mean + sign
        furthest = sign * (drawn(high) - before)
        if furthest < CLOSE:
            raise InputError(f"gc_content cannot move a mean GC content of {before:.2f} {self.direction}")
        aim = within_reach(self.levels, furthest, 0.0)[self.levels.index(level)]
        mean = high
        while aim < furthest and abs(high - low) > CLOSE / 10:
            mean = (low + high) / 2.0
            low, high = (mean, high) if sign * (drawn(mean) - before) < aim else (low, mean)
        return replace(background, gc_mean=mean)


class CpGDepletion(RedrawnShift):
    """Draw new test sequences with rarer CpG, as in methylated genomes, labelled by the same mechanism.

    Covariate shift. Mean GC content stays: what G loses after C is given back.
    """

    levels = (0.5, 0.4, 0.3, 0.2, 0.1)
    level_meaning = "frequency of G after C, relative to independent bases (usually 0.6)"
    level_range: ClassVar = (0.0, 1.0)

    def changed(self, world: World, level: float) -> Background:
        """Another frequency of G after C."""
        background = world.background
        chain = background.chain.copy()
        if len(chain) == 1:
            chain = np.repeat(chain, 4, axis=0)
        before = _stationary_gc(chain, background.gc_mean)
        chain[1::4, 2] = level
        # Two steps of Newton's method with slope one are enough: the correction is near 0.02.
        mean = background.gc_mean
        for _ in range(4):
            mean += before - _stationary_gc(chain, mean)
        return replace(background, chain=chain, gc_mean=mean)


class MotifDensity(RedrawnShift):
    """Draw new test sequences with more or fewer planted motif instances, labelled by the same mechanism.

    Covariate shift. A sequence still has at most ``max_motifs`` instances, and at most what fits.

    Parameters
    ----------
    direction
        Towards more instances (1.25 to 2.5 times the usual), or fewer (0.75 to none).
    """

    tables: ClassVar = {"up": (1.25, 1.5, 1.75, 2.0, 2.5), "down": (0.75, 0.5, 0.25, 0.125, 0.0)}
    levels = tables["up"]
    level_meaning = "mean number of planted instances, relative to the usual"
    level_range: ClassVar = (0.0, 10.0)

    def __init__(self, direction: Direction = "up", levels: Sequence[float] | None = None) -> None:
        self.direction, self.levels = direction, self.tables[direction]
        super().__init__(levels)
        wrong = [level for level in self.levels if (level < 1.0) != (direction == "down")]
        if wrong:
            raise InputError(f"levels: {wrong[0]:g} is not {direction} from 1, the usual density")

    def changed(self, world: World, level: float) -> Background:
        """Another density."""
        background = world.background
        if background.motif_density == 0.0:
            raise InputError("motif_density has nothing to change: the data plant no motif")
        return replace(background, motif_density=background.motif_density * level)


class MotifUsage(RedrawnShift):
    """Draw new test sequences in which some motifs are planted more often and others less.

    Covariate shift: how often each motif is planted is multiplied by a log-normal factor, drawn with the seed;
    the number of instances stays. Of 16 draws the one is taken that at an SD of 3 leaves mean and SD of activity
    nearest to the test set's, so that it is the usage that moves, and not how active the sequences are.
    """

    levels = (0.5, 1.0, 1.5, 2.0, 3.0)
    level_meaning = "SD of the natural log of each motif's factor"
    level_range: ClassVar = (0.0, 10.0)

    def changed(self, world: World, level: float) -> Background:
        """Other frequencies."""
        rng = rng_for(world.seed, "motif_usage")
        factors = rng.normal(size=(CANDIDATES, len(world.background.usage)))
        before = _moments(world, world.background)
        moved = [_moments(world, _used(world.background, MotifUsage.levels[-1] * factor)) for factor in factors]
        # In units of the test set's SD.
        distance = [np.square((after - before) / before[1]).sum() for after in moved]
        return _used(world.background, level * factors[int(np.argmin(distance))])


def _used(background: Background, log_factor: NDArray[np.float64]) -> Background:
    """A background that plants each motif so many times as often."""
    usage = background.usage * np.exp(log_factor - log_factor.max())
    return replace(background, usage=usage / usage.sum())


def _moments(world: World, background: Background) -> NDArray[np.float64]:
    """Mean and SD of the activity of sequences from a background: ``(moment, output)``."""
    sequence, _ = background.draw(CANDIDATE_LOOK, world.motifs, world.seed, "motif_usage", 0)
    activity = world.mechanism.activity(sequence).astype(np.float64)
    return np.stack([activity.mean(axis=0), activity.std(axis=0)])


def _stationary_gc(chain: NDArray[np.float64], mean: float) -> float:
    """GC content that a chain settles at; contexts of more than one base are walked one by one."""
    frequencies = np.array([1.0 - mean, mean, mean, 1.0 - mean]) / 2.0
    rows = chain * frequencies
    rows /= rows.sum(axis=1, keepdims=True)
    contexts = np.full(len(chain), 1.0 / len(chain))
    following = (np.arange(len(chain))[:, None] * 4 + np.arange(4)) % len(chain)
    bases = frequencies
    for _ in range(60):
        flow = contexts[:, None] * rows
        bases = flow.sum(axis=0)
        contexts = np.bincount(following.ravel(), flow.ravel(), len(chain))
    return float(bases[1] + bases[2])
