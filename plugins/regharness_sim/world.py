"""Own everything behind a simulated data set, and draw and measure examples with it. Draws no mechanism."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from regharness import SequenceBatch
from regharness.interfaces import CountAssay, Replicates
from regharness.seeding import rng_for
from regharness.sequences import gc_content
from regharness.threads import ordered_map
from regharness_motifs.library import MotifSet
from regharness_motifs.scanning import find_sites
from regharness_sim.assay import Assay, Measurement
from regharness_sim.background import CHUNK, Background, Planted
from regharness_sim.drawing import Traits
from regharness_sim.mechanism import Mechanism, features_of

if TYPE_CHECKING:
    import pandas as pd

MEASURED = ("truth", "target", "noise_variance", "dna_count", "rna_count")


@dataclass(frozen=True)
class World(CountAssay):
    """Everything behind a simulated data set: what shift operators change.

    Attributes
    ----------
    outputs
        Cell types.
    background, motifs, mechanism, assay
        How sequences are drawn, what is planted in them, how they act, and how that is measured. The motifs
        that bind are the mechanism's.
    acting
        Number of motifs that act; later ones are decoys.
    traits
        What the mechanism was drawn by.
    seed
        Root of every random stream.
    sizes
        Examples of each split.
    gc_representation
        How fast elements of unusual GC content get rarer in the library: they have
        ``2^-(g ((GC - 0.5) / 0.15)^2)`` of the usual barcodes and reads.
    first
        Place of the first example that is drawn, a multiple of `regharness_sim.background.CHUNK`: above 0 for the
        later blocks of a test set.
    """

    outputs: tuple[str, ...]
    background: Background
    motifs: MotifSet
    mechanism: Mechanism
    assay: Assay
    acting: int
    traits: Traits
    seed: int
    sizes: dict[str, int]
    gc_representation: float = 0.0
    first: int = 0

    def activity(self, sequence: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Noiseless activity ``(example, output)`` float32 that this mechanism gives any sequences."""
        return self.mechanism.activity(sequence)

    def motif_content(self, sequence: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Summed occupancy over all motifs, averaged over cell types: ``(example,)``, bound factors."""
        return self.mechanism.motif_content(sequence)

    def batch(self, n: int, stream: str, prefix: str | None = None) -> SequenceBatch:
        """Draw and measure `n` new examples.

        Parameters
        ----------
        n
            Examples.
        stream
            Names the random streams of the sequences and of their counts.
        prefix
            Begins the ids; the stream's name if left out.
        """
        parts = self.stream(n, stream, prefix)
        return _joined(parts, n, self.outputs)

    def stream(self, n: int, stream: str, prefix: str | None = None) -> Iterator[SequenceBatch]:
        """The same examples chunk by chunk, a few of which are in memory at once."""

        last = self.first + n

        def make(chunk: int) -> SequenceBatch:
            start, end = chunk * CHUNK, min((chunk + 1) * CHUNK, last)
            sequence, planted = self.background.draw(end - start, self.motifs, self.seed, stream, chunk)
            ids = np.char.add(f"{prefix or stream}-", np.arange(start, end).astype(f"U{len(str(last))}"))
            covariates = {"gc_content": gc_content(sequence), "n_planted": planted.count}
            drawn = SequenceBatch(ids, sequence, self.outputs, covariates=covariates)
            return self._measured(drawn, rng_for(self.seed, "counts", stream, chunk))

        yield from ordered_map(make, range(self.first // CHUNK, -(-last // CHUNK)))

    def label(self, batch: SequenceBatch, rng: np.random.Generator) -> SequenceBatch:
        """Give a batch the activity of its sequences under this mechanism, measured by this assay."""
        root = int(rng.integers(2**63))

        def measure(chunk: int) -> SequenceBatch:
            part = batch.select(np.arange(chunk * CHUNK, min((chunk + 1) * CHUNK, len(batch))))
            return self._measured(part, rng_for(root, "counts", chunk))

        measured = _joined(ordered_map(measure, range(-(-len(batch) // CHUNK))), len(batch), self.outputs)
        return replace(measured, effective_size=batch.effective_size)

    def recount(
        self,
        batch: SequenceBatch,
        rng: np.random.Generator,
        *,
        barcodes: int | None = None,
        depth: float = 1.0,
        dispersion: float | None = None,
    ) -> SequenceBatch:
        """Measure the batch's sequences again under other conditions."""
        assay = replace(
            self.assay,
            barcodes=self.assay.barcodes if barcodes is None else min(float(barcodes), self.assay.barcodes),
            depth=self.assay.depth * depth,
            expression_dispersion=self.assay.expression_dispersion if dispersion is None else dispersion,
        )
        return replace(self, assay=assay).label(batch, rng)

    def planted(self, split: str) -> Planted:
        """The instances planted in the examples of a split, drawn again from its stream."""
        n = self.sizes[split]
        parts = [
            self.background.draw(min(CHUNK, n - start), self.motifs, self.seed, split, start // CHUNK)[1]
            for start in range(0, n, CHUNK)
        ]
        columns = zip(*((part.motif, part.start, part.strand) for part in parts), strict=True)
        return Planted(*(np.concatenate(column) for column in columns))

    def annotations(self, batch: SequenceBatch, planted: Planted | None = None) -> pd.DataFrame:
        """Where motifs are in the sequences of a batch: the ground truth for attributions.

        Parameters
        ----------
        batch
            Any sequences.
        planted
            Where instances were planted in them (`planted` of a split); a planted instance that is too weak
            to be bound is listed with an occupancy of zero.

        Returns
        -------
        pandas.DataFrame
            One row a site, ordered by example and start: ``id``, ``motif``, ``motif_id``, ``start`` and
            ``end`` (0-based, half open), ``strand`` (1, -1), ``acts`` (false for a decoy), ``planted``,
            ``excess`` (nats of score above the motif's threshold; NaN for a site that is not bound), and one
            column ``occupancy_<cell type>`` each, 0 to 1.
        """
        from regharness_sim.annotation import annotate

        return annotate(self, batch, planted)

    def _measured(self, batch: SequenceBatch, rng: np.random.Generator) -> SequenceBatch:
        mechanism = self.mechanism
        sites = find_sites(batch.sequence, mechanism.motifs)
        features = features_of(sites, mechanism.motifs, mechanism.program, mechanism.grammar)
        truth = mechanism.activity_of(features)
        per_donor = mechanism.donors_of(features)
        donors = per_donor[:, :, np.arange(self.assay.replicates) % per_donor.shape[2]]
        return with_measurement(batch, truth, self.assay.measure(truth, donors, rng, self._representation(batch)))

    def _representation(self, batch: SequenceBatch) -> NDArray[np.float64] | None:
        if not self.gc_representation:
            return None
        gc = np.nan_to_num(gc_content(batch.sequence), nan=0.5)
        return 2.0 ** -(self.gc_representation * ((gc - 0.5) / 0.15) ** 2)


def with_measurement(batch: SequenceBatch, truth: NDArray[np.float64], measured: Measurement) -> SequenceBatch:
    """A batch with what the assay says of it."""
    covariates = dict(batch.covariates)
    if measured.batch is not None:
        covariates["batch"] = measured.batch
    replicates = Replicates(_single(measured.activity), _single(measured.dna_count), _single(measured.rna_count))
    return replace(
        batch,
        truth=_single(truth),
        target=_single(measured.activity.mean(axis=2)),
        noise_variance=_single(measured.noise_variance),
        dna_count=_single(measured.dna_count.sum(axis=2)),
        rna_count=_single(measured.rna_count.sum(axis=2)),
        replicates=replicates,
        covariates=covariates,
    )


def _joined(parts: Iterator[SequenceBatch], n: int, outputs: tuple[str, ...]) -> SequenceBatch:
    """Lay chunks into arrays of the full length as they come, so that nothing is held twice."""
    arrays: dict[str, NDArray[Any]] = {}
    end = 0
    for part in parts:
        assert part.replicates is not None
        columns: dict[str, Any] = {name: getattr(part, name) for name in ("ids", "sequence", *MEASURED)}
        columns |= {f"replicates.{name}": getattr(part.replicates, name) for name in _REPLICATED}
        columns |= {f"covariates.{name}": value for name, value in part.covariates.items()}
        start, end = end, end + len(part)
        for name, value in columns.items():
            if name not in arrays:
                arrays[name] = np.empty((n, *value.shape[1:]), value.dtype)
            arrays[name][start:end] = value
    return SequenceBatch(
        outputs=outputs,
        replicates=Replicates(**{name: arrays.pop(f"replicates.{name}") for name in _REPLICATED}),
        covariates={
            name.removeprefix("covariates."): arrays.pop(name) for name in [*arrays] if name.startswith("covariates.")
        },
        **arrays,
    )


_REPLICATED = ("target", "dna_count", "rna_count")


def _single(values: NDArray[Any]) -> NDArray[np.float32]:
    return values.astype(np.float32)
