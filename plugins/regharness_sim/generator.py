"""Make the splits of a simulated MPRA: parameters in, `World` and batches out. Owns no formula."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from regharness import DataInfo, Dataset, InputError, SequenceBatch
from regharness.blocks import BLOCK
from regharness.errors import unknown_name
from regharness.interfaces import SPLITS, DataGenerator
from regharness.seeding import rng_for
from regharness_motifs.library import MotifSet, load_motifs
from regharness_motifs.variation import decoys, joined
from regharness_sim.assay import Assay
from regharness_sim.background import CHUNK, Background, cpg_chain, learned_chain
from regharness_sim.drawing import Traits, draw_mechanism
from regharness_sim.parameters import SimulationParameters
from regharness_sim.world import World

if TYPE_CHECKING:
    import pandas as pd

REFERENCE = CHUNK
"""Sequences that the standardisation is computed on, from a random stream of their own."""


class SimulatedMPRA(DataGenerator):
    """Simulate an MPRA from sequence to counts.

    Every sequence has its own GC content on a Markov background; real motifs are planted in it, and bind
    wherever they match, planted or not. Saturated occupancy acts through effects that cell types partly
    share, and pairs of motifs act by their distance. Replicates come from donors who differ in what factors
    do. Activity is measured through barcodes, with counts that are over-dispersed between barcodes, barcode
    effects that replicates share, and batches.

    A seed draws another mechanism, other sequences and other counts. Every batch carries its noiseless truth
    (the average over the donors), the variance of its measurement, and what each replicate measured.

    Parameters
    ----------
    **parameters
        As of `SimulationParameters`.
    """

    def __init__(self, **parameters: Any) -> None:
        self._p = SimulationParameters.model_construct(**parameters)
        self._motifs = self._library()
        if len(set(self._p.cell_types)) < len(self._p.cell_types):
            raise InputError("cell_types names one cell type twice")
        p = self._p
        self._chain = (
            cpg_chain(p.cpg_factor)[: 4**p.markov_order]
            if p.background is None
            else learned_chain(p.background, p.markov_order)
        )

    def describe(self) -> DataInfo:
        """Say what will be generated."""
        return DataInfo(
            outputs=tuple(self._p.cell_types),
            unit="log2(RNA/DNA)",
            length=self._p.length,
            sizes=self._sizes(),
            offers=frozenset({"mechanism", "truth", "noise_variance", "counts", "barcodes", "replicates"}),
            covariates=("gc_content", "n_planted"),
        )

    def generate(self, seed: int) -> Dataset:
        """Simulate one seed; its ``mechanism``, and its ``assay``, are the `World`."""
        world = self.world(seed)
        batches = {split: world.batch(size, split) for split, size in self._sizes().items()}
        return Dataset(**batches, mechanism=world, assay=world)

    @property
    def streams_test(self) -> bool:
        """Whether the test set is larger than a block, and so made block by block."""
        return self._p.test > BLOCK

    def begin(self, seed: int) -> Dataset:
        """Simulate one seed up to the first block of the test set."""
        world = self.world(seed)
        batches = {
            split: world.batch(min(size, BLOCK) if split == "test" else size, split)
            for split, size in self._sizes().items()
        }
        return Dataset(**batches, mechanism=world, assay=world)

    def test_blocks(self, dataset: Dataset, seed: int) -> Iterator[Dataset]:
        """Each block of the test set, drawn and measured as `generate` does, with the `World` that draws from there."""
        for first in range(0, self._p.test, BLOCK):
            world = replace(dataset.mechanism, first=first)
            test = dataset.test if first == 0 else world.batch(min(BLOCK, self._p.test - first), "test")
            yield replace(dataset, test=test, mechanism=world, assay=world)

    def stream(self, seed: int, split: str = "train") -> Iterator[SequenceBatch]:
        """The examples of a split, some thousands at a time, the same as `generate` gives.

        Whatever the size of the split, only a few chunks are in memory.
        """
        yield from self.world(seed).stream(self._size(split), split)

    def annotations(self, seed: int, split: str = "test") -> pd.DataFrame:
        """Where motifs are in the sequences of a split; the columns are those of `World.annotations`."""
        world = self.world(seed)
        return world.annotations(world.batch(self._size(split), split), world.planted(split))

    def world(self, seed: int) -> World:
        """Everything behind the data set of a seed."""
        p, motifs = self._p, self._motifs
        acting = len(motifs)
        if p.decoys:
            motifs = joined(motifs, decoys(motifs, p.decoys, rng_for(seed, "decoys")))
        rng = rng_for(seed, "orientation")
        background = Background(
            length=p.length,
            gc_mean=p.gc_mean,
            gc_sd=p.gc_sd,
            chain=self._chain,
            motif_density=p.motif_density,
            max_motifs=p.max_motifs,
            usage=np.full(len(motifs), 1.0 / len(motifs)),
            forward=0.5 + p.orientation_bias * (rng.random(len(motifs)) - 0.5),
        )
        reference, _ = background.draw(REFERENCE, motifs, seed, "reference", 0)
        traits = Traits(
            p.concentration_sd, p.cell_type_correlation, p.pairs, p.pair_variance, p.donors or p.replicates, p.donor_sd
        )
        mechanism = draw_mechanism(motifs, acting, reference, len(p.cell_types), traits, seed)
        return World(
            outputs=tuple(p.cell_types),
            background=background,
            motifs=motifs,
            mechanism=mechanism,
            assay=self._assay(seed),
            acting=acting,
            traits=traits,
            seed=seed,
            sizes=self._sizes(),
        )

    def _library(self) -> MotifSet:
        p = self._p
        motifs = load_motifs(p.motifs)
        if p.motif_names is not None:
            motifs = motifs.chosen(p.motif_names)
        widest = int(motifs.widths.max())
        if widest > p.length:
            name = motifs.names[int(motifs.widths.argmax())]
            raise InputError(
                f"the motif {name} has {widest} positions and a sequence only {p.length}",
                help="give longer sequences, or a library without it",
            )
        if len(motifs) < 2:
            raise InputError("a simulation needs at least two motifs", help="give a larger library")
        return motifs

    def _assay(self, seed: int) -> Assay:
        p, rng = self._p, rng_for(seed, "batches")
        shape = (p.batches, len(p.cell_types))
        offset, gain = (_spread_over(rng.normal(size=shape)) for _ in range(2))
        return Assay(
            replicates=p.replicates,
            barcodes=p.barcodes,
            barcode_dropout=p.barcode_dropout,
            dna_median=p.dna_median,
            dna_log_sd=p.dna_log_sd,
            depth=p.depth,
            dispersion=p.dispersion,
            barcode_sd=p.barcode_sd,
            batch_offset=offset * p.batch_offset_sd,
            batch_gain=1.0 + gain * p.batch_gain_sd,
        )

    def _sizes(self) -> dict[str, int]:
        return {split: getattr(self._p, split) for split in SPLITS}

    def _size(self, split: str) -> int:
        if split not in SPLITS:
            message, choices = unknown_name("split", split, SPLITS, listed="splits")
            raise InputError(message, help=choices)
        return self._sizes()[split]


def _spread_over(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring what was drawn for the batches to mean 0 and SD 1, so that what is stated is what is realised."""
    centred = drawn - drawn.mean(axis=0)
    return centred / centred.std(axis=0) if len(drawn) > 1 else centred
