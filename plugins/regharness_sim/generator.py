"""Make the splits of a simulated MPRA. Owns the random streams; the rest is in background, mechanism, assay."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regharness import DataInfo, Dataset, InputError, SequenceBatch
from regharness.interfaces import SPLITS, DataGenerator
from regharness.seeding import rng_for
from regharness.sequences import gc_content
from regharness_motifs.library import MotifSet, load_motifs
from regharness_sim.assay import Assay
from regharness_sim.background import Background
from regharness_sim.mechanism import Mechanism, draw_mechanism
from regharness_sim.parameters import SimulationParameters


@dataclass(frozen=True)
class World:
    """Everything behind a simulated data set: what shift operators change.

    Attributes
    ----------
    outputs
        Cell types.
    background, motifs, mechanism, assay
        How sequences are drawn, bound, turned into activity, and measured.
    seed
        Root of every random stream.
    """

    outputs: tuple[str, ...]
    background: Background
    motifs: MotifSet
    mechanism: Mechanism
    assay: Assay
    seed: int

    def batch(self, n: int, name: str) -> SequenceBatch:
        """Draw and measure `n` new examples; `name` begins their ids and tells their random streams."""
        return self.label(self.draw(n, name, name), rng_for(self.seed, "counts", name))

    def draw(self, n: int, stream: str, prefix: str) -> SequenceBatch:
        """Draw `n` sequences from the random stream called `stream`; their ids begin with `prefix`."""
        sequence, planted = self.background.draw(n, self.motifs, self.seed, stream)
        ids = np.array([f"{prefix}-{i}" for i in range(n)])
        covariates = {"gc_content": gc_content(sequence), "n_planted": planted}
        return SequenceBatch(ids, sequence, self.outputs, covariates=covariates)

    def label(self, batch: SequenceBatch, rng: np.random.Generator) -> SequenceBatch:
        """Give a batch the activity of its sequences under this mechanism, measured by this assay."""
        truth = self.mechanism.activity(batch.sequence)
        measured = self.assay.measure(truth, rng)
        return replace(
            batch,
            truth=truth,
            target=_single(measured.activity.mean(axis=0)),
            noise_variance=_single(measured.noise_variance),
            dna_count=_single(measured.dna_count),
            rna_count=_single(measured.rna_count),
        )


class SimulatedMPRA(DataGenerator):
    """Simulate an MPRA from sequence to counts.

    Every sequence has its own GC content on a first-order background; real motifs are planted in it, and bind
    wherever they match, planted or not. Saturated occupancy acts through effects that cell types partly
    share, and pairs of motifs act by their distance. Activity is measured through barcodes, with counts that
    are over-dispersed between barcodes and with barcode effects that replicates share.

    A seed draws another mechanism, other sequences and other counts. Every batch carries its noiseless truth
    and the variance of its measurement.

    Parameters
    ----------
    **parameters
        As of `SimulationParameters`.
    """

    def __init__(self, **parameters: Any) -> None:
        self._p = SimulationParameters.model_construct(**parameters)
        self._motifs = load_motifs(self._p.motifs)
        widest = int(self._motifs.widths.max())
        if widest > self._p.length:
            name = self._motifs.names[int(self._motifs.widths.argmax())]
            raise InputError(
                f"the motif {name} has {widest} positions and a sequence only {self._p.length}",
                help="give longer sequences, or a library without it",
            )
        if len(self._motifs) < 2:
            raise InputError("a simulation needs at least two motifs", help="give a larger library")
        if len(set(self._p.cell_types)) < len(self._p.cell_types):
            raise InputError("cell_types names one cell type twice")

    def describe(self) -> DataInfo:
        """Say what will be generated."""
        return DataInfo(
            outputs=tuple(self._p.cell_types),
            unit="log2(RNA/DNA)",
            length=self._p.length,
            sizes={split: getattr(self._p, split) for split in SPLITS},
            offers=frozenset({"mechanism", "truth", "noise_variance", "counts"}),
        )

    def generate(self, seed: int) -> Dataset:
        """Simulate one seed; its ``mechanism`` is the `World`."""
        world = self._world(seed)
        batches = {split: world.batch(getattr(self._p, split), split) for split in SPLITS}
        return Dataset(**batches, mechanism=world)

    def _world(self, seed: int) -> World:
        p = self._p
        background = Background(p.length, p.gc_mean, p.gc_sd, p.cpg_factor, p.motif_density, p.max_motifs)
        mechanism = draw_mechanism(
            self._motifs,
            background,
            len(p.cell_types),
            concentration_sd=p.concentration_sd,
            shared_share=p.shared_share,
            pairs=p.pairs,
            pair_variance=p.pair_variance,
            seed=seed,
        )
        assay = Assay(
            p.replicates, p.barcodes, p.barcode_dropout, p.dna_median, p.dna_log_sd, p.dispersion, p.barcode_sd
        )
        return World(tuple(p.cell_types), background, self._motifs, mechanism, assay, seed)


def _single(values: NDArray[np.float64]) -> NDArray[np.float32]:
    return values.astype(np.float32)
