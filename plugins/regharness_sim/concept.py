"""Shift what sequences do and keep the sequences: concept shifts, graded by what is left of the old truth.

Every operator here has a knob of 0 to 1, and a direction that the seed draws once for all severities. A
severity names a correlation of the shifted truth with the unshifted one, and the knob is turned until the
reference sequences show it; so severity 3 means the same for all of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from regharness import Dataset
from regharness.graded import GradedShift, within_reach
from regharness.seeding import rng_for
from regharness_motifs.library import MotifSet
from regharness_motifs.variation import perturbed
from regharness_sim.drawing import another_cell_type
from regharness_sim.mechanism import Mechanism, Program
from regharness_sim.world import World

CORRELATIONS = (0.98, 0.94, 0.88, 0.73, 0.15)
"""What rewiring a share of .05 .15 .3 .6 1 of the effects' variance leaves."""
TOLERANCE = 0.003
LOOK = 1024
"""Reference sequences on which the knob is turned, where each look scans them again."""
CANDIDATES = 32
CONCENTRATION_SD = 6.0
"""SD of log concentrations at full strength: most factors are then absent or saturating."""


class ConceptShift(GradedShift):
    """Keep the test sequences and change the mechanism, standardised so that mean and SD of activity stay.

    A severity names the correlation of the shifted truth with the unshifted one. Correlations that even the
    operator's full strength does not reach are spread over what is left, so that severity still grows; a run
    records the correlation that was achieved.
    """

    shift_type = "concept"
    needs = frozenset({"mechanism"})
    by_block = True
    levels = CORRELATIONS
    level_meaning = "correlation of the shifted truth with the unshifted truth, or what the operator can reach"
    level_range: ClassVar = (0.0, 0.999)
    look: ClassVar[int | None] = None

    def direction(self, world: World) -> Any:
        """What the seed draws: where the knob turns the mechanism to."""
        raise NotImplementedError

    def turned(self, world: World, direction: Any, knob: float, examples: int | None = None) -> Mechanism:
        """The mechanism at a knob of 0 to 1; with `examples`, on so many reference sequences."""
        raise NotImplementedError

    def shifted(self, dataset: Dataset, level: float, rng: np.random.Generator) -> Dataset:
        """Label the test sequences again."""
        world = dataset.mechanism
        direction = self.direction(world)
        moved = replace(world, mechanism=self.turned(world, direction, self._knob(world, direction, level)))
        return replace(dataset, test=moved.label(dataset.test, rng), mechanism=moved, assay=moved)

    def _knob(self, world: World, direction: Any, level: float) -> float:
        """How far the knob must be turned."""

        def left(knob: float) -> float:
            return world.mechanism.correlation(self.turned(world, direction, knob, self.look))

        least = left(1.0)
        aim = within_reach(self.levels, least, 1.0)[self.levels.index(level)]
        if aim <= least:
            return 1.0
        low, high = 0.0, 1.0
        for _ in range(20):
            knob = (low + high) / 2.0
            r = left(knob)
            if abs(r - aim) < TOLERANCE:
                break
            low, high = (knob, high) if r > aim else (low, knob)
        return knob


class MotifEffectRewiring(ConceptShift):
    """Keep the test sequences and move effects from motif to motif, as between distant cell states.

    Concept shift. Effects become ``sqrt(1 - rho) w + sqrt(rho) w'``, w' being w permuted over motifs. Of 32
    permutations the one is taken that leaves a correlation nearest to the last level.
    """

    def direction(self, world: World) -> NDArray[np.int64]:
        """A permutation of the motifs."""
        rng = rng_for(world.seed, "motif_effect_rewiring")
        candidates = [_derangement(rng, len(world.motifs), world.acting) for _ in range(CANDIDATES)]
        wanted = self.levels[-1]
        return min(
            candidates, key=lambda p: abs(world.mechanism.correlation(_rewired(world.mechanism, p, 1.0)) - wanted)
        )

    def turned(self, world: World, direction: Any, knob: float, examples: int | None = None) -> Mechanism:
        """Move a share `knob` of the effects' variance."""
        return _rewired(world.mechanism, direction, knob)


class PWMPerturbation(ConceptShift):
    """Keep the test sequences and change what the factors recognise, as between paralogous factors.

    Concept shift. Every position of every motif is mixed with a draw from Dirichlet(.5, .5, .5, .5).
    """

    look: ClassVar = LOOK

    def direction(self, world: World) -> MotifSet:
        """Motifs of noise alone."""
        return perturbed(world.mechanism.motifs, 1.0, rng_for(world.seed, "pwm_perturbation"))

    def turned(self, world: World, direction: Any, knob: float, examples: int | None = None) -> Mechanism:
        """Mix a share `knob` of noise into every position."""
        own = world.mechanism.motifs
        pairs = zip(own.matrices, direction.matrices, strict=True)
        motifs = replace(own, matrices=tuple((1.0 - knob) * one + knob * other for one, other in pairs))
        return world.mechanism.under(motifs=motifs, examples=examples)


class TFConcentration(ConceptShift):
    """Keep the test sequences and change how much there is of every factor, as between conditions.

    Concept shift. Log concentrations move by a normal draw a factor and cell type, of an SD up to 6.
    """

    look: ClassVar = LOOK

    def direction(self, world: World) -> NDArray[np.float64]:
        """A step for every factor and cell type."""
        return rng_for(world.seed, "tf_concentration").normal(size=world.mechanism.program.log_concentration.shape)

    def turned(self, world: World, direction: Any, knob: float, examples: int | None = None) -> Mechanism:
        """Move log concentrations by an SD of 6 times `knob`."""
        program = world.mechanism.program
        moved = replace(program, log_concentration=program.log_concentration + CONCENTRATION_SD * knob * direction)
        return world.mechanism.under(moved, examples=examples)


class CellType(ConceptShift):
    """Keep the test sequences and blend every cell type's program into that of another one.

    Concept shift. At full strength the labels are another cell type's, which correlates with the first as the
    simulation's cell types do. On real data, hold a cell type out and use ``held_out_group``.
    """

    look: ClassVar = LOOK

    def direction(self, world: World) -> Program:
        """The other cell type's program."""
        return another_cell_type(world.mechanism, world.acting, world.traits, world.seed)

    def turned(self, world: World, direction: Any, knob: float, examples: int | None = None) -> Mechanism:
        """Take a share `knob` of another cell type's program."""
        own = world.mechanism.program
        parts = (
            (1.0 - knob) * getattr(own, name) + knob * getattr(direction, name)
            for name in ("log_concentration", "effect", "pair_effect")
        )
        return world.mechanism.under(Program(*parts), examples=examples)


class GrammarSpacing(ConceptShift):
    """Keep the test sequences and let pairs of motifs act at another distance.

    Concept shift. Pairs explain only a part of activity, so that little can change: the last severity is full
    displacement.
    """

    look: ClassVar = LOOK

    def direction(self, world: World) -> None:
        """The other distances are part of the mechanism."""

    def turned(self, world: World, direction: Any, knob: float, examples: int | None = None) -> Mechanism:
        """Let a share `knob` of every pair's action depend on the other distance."""
        mechanism = world.mechanism
        return mechanism.under(grammar=replace(mechanism.grammar, displaced=knob), examples=examples)


def _rewired(mechanism: Mechanism, permutation: NDArray[np.int64], rho: float) -> Mechanism:
    kept, moved = np.sqrt(1.0 - rho), np.sqrt(rho)
    program = mechanism.program
    return mechanism.under(
        replace(
            program,
            effect=kept * program.effect + moved * program.effect[permutation],
            pair_effect=kept * program.pair_effect + moved * np.roll(program.pair_effect, 1, axis=0),
        )
    )


def _derangement(rng: np.random.Generator, k: int, acting: int) -> NDArray[np.int64]:
    """A cyclic permutation of the motifs that act: none of them keeps its effect."""
    order = rng.permutation(acting)
    moved = np.arange(k)
    moved[order] = np.roll(order, 1)
    return moved
