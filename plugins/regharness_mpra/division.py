"""Divide real examples into splits and held-out groups, and say what still leaks. Reads no file."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from regharness import DataInfo, Dataset, InputError, SequenceBatch
from regharness.interfaces import SPLITS, CountAssay, DataGenerator
from regharness_mpra.groups import Group
from regharness_mpra.parameters import Homology
from regharness_mpra.similarity import clusters, homologues, sharing, without_flanks
from regharness_mpra.splitting import TEST, UNUSED, by_fraction, refuse_empty

LEAK_K = 20
"""A test sequence that shares a word this long with a training one may be partly known."""


@dataclass(frozen=True)
class Examples:
    """All usable examples of a source, and how they may be divided.

    Attributes
    ----------
    batch
        The examples.
    held_out
        Name to group that training never sees.
    shares
        Shares for calibration and test, unless `fixed`.
    groups
        ``(example,)`` numbers of groups that stay together, or None.
    homology
        Which sequences count as homologous, and then stay together too; None where only near-duplicates do.
    fixed
        ``(example,)`` split of each example where the source says so, or None.
    near_duplicate_k
        Bases of a word that near-duplicates share; None where `groups` already hold all near-duplicates.
    assay
        How the examples were counted, where that is known.
    offers
        What the assay can change beyond depth: ``barcodes``.
    warnings
        What reading them left out.
    """

    batch: SequenceBatch
    held_out: Mapping[str, Group]
    shares: Mapping[str, float]
    groups: NDArray[np.int64] | None = None
    homology: Homology | None = None
    fixed: NDArray[np.int64] | None = None
    near_duplicate_k: int | None = 32
    assay: CountAssay | None = None
    offers: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()


class RealData(DataGenerator):
    """Divide measured examples: clusters of near-duplicates whole, held-out groups apart.

    Sequences that share a long word (32 bases; a word and its reverse complement are one) are near-duplicates
    and never straddle a split; where asked, homologous ones do not either. What is near-duplicate or homologous
    to an example that is held out apart is in no split.
    """

    name = "data"
    unit = "log2(RNA/DNA)"

    @abstractmethod
    def read(self) -> Examples:
        """Read and check everything."""

    def describe(self) -> DataInfo:
        """Read, divide for seed 0, and measure what test sequences share with training ones."""
        examples, data = self._examples, self.generate(0)
        has = {
            "held_out": bool(examples.held_out),
            "noise_variance": examples.batch.noise_variance is not None,
            "replicates": examples.batch.replicates is not None,
            "counts": examples.assay is not None,
        }
        sizes = {split: len(getattr(data, split)) for split in SPLITS}
        sizes |= {name: len(batch) for name, batch in data.held_out.items()}
        return DataInfo(
            outputs=examples.batch.outputs,
            unit=self.unit,
            length=examples.batch.sequence.shape[1],
            sizes=sizes,
            offers=examples.offers | {name for name, offered in has.items() if offered},
            held_out=tuple(examples.held_out),
            covariates=examples.batch.numeric_covariates,
            warnings=(*examples.warnings, *self._unused(data), *self._leaks(data)),
        )

    def generate(self, seed: int) -> Dataset:
        """Divide the examples; the seed decides which clusters go where."""
        examples = self._examples
        if examples.fixed is not None:
            home = np.where(self._free, examples.fixed, UNUSED)
        else:
            home = by_fraction(self._cluster, self._free, examples.shares, seed)
        assigned = np.where(self._members(apart=False), UNUSED, home)
        refuse_empty(assigned, self._cluster, self.name)
        splits = {name: examples.batch.select(assigned == index) for index, name in enumerate(SPLITS)}
        held_out = {}
        for name, group in examples.held_out.items():
            # Measured otherwise: the examples of the test split. Else those that no split holds, beside them.
            beside = (home if group.measured is None else assigned) == TEST
            members = group.members if group.apart else group.members & beside
            if not members.any():
                raise InputError(
                    f"{self.name}: no example of the held-out group '{name}' is left beside the test split"
                )
            held_out[name] = (group.measured or examples.batch).select(members)
        return Dataset(**splits, held_out=held_out, assay=examples.assay)

    @cached_property
    def _examples(self) -> Examples:
        examples = self.read()
        for name, group in examples.held_out.items():
            if not group.members.any():
                raise InputError(f"{self.name}: no example is in the held-out group '{name}'")
        return examples

    @cached_property
    def _cluster(self) -> NDArray[np.int64]:
        examples = self._examples
        sequence = without_flanks(examples.batch.sequence)
        rule = examples.homology
        alike = None if rule is None else homologues(sequence, rule.k, rule.similarity)
        return clusters(sequence, examples.near_duplicate_k, examples.groups, alike)

    def _members(self, *, apart: bool) -> NDArray[np.bool_]:
        """Examples that are in no split because a group that is apart, or one that is not, holds them."""
        examples = self._examples
        held = np.zeros(len(examples.batch), bool)
        for group in examples.held_out.values():
            if group.apart == apart and (apart or group.measured is None):
                held |= group.members
        return held

    @cached_property
    def _free(self) -> NDArray[np.bool_]:
        """Examples in no cluster with one that is held out apart."""
        held = self._members(apart=True)
        touched = np.zeros(int(self._cluster.max()) + 1, bool)
        touched[self._cluster[held]] = True
        return ~touched[self._cluster]

    def _unused(self, data: Dataset) -> list[str]:
        near = int((~self._free & ~self._members(apart=True)).sum())
        lines = [f"{near:,} near-duplicates of held-out examples are in no split"] if near else []
        for name, group in self._examples.held_out.items():
            if not group.apart and group.measured is None:
                rest = int(group.members.sum()) - len(data.held_out[name])
                lines.append(f"{rest:,} examples of '{name}' belong with other splits than the test split: left out")
        return lines

    def _leaks(self, data: Dataset) -> list[str]:
        lines = []
        groups = self._examples.held_out
        # The same sequences measured otherwise leak what those of another group do.
        tested = {"test": data.test} | {n: b for n, b in data.held_out.items() if groups[n].measured is None}
        sequence = [data.train.sequence, *(batch.sequence for batch in tested.values())]
        whole = without_flanks(np.concatenate(sequence))
        k = min(LEAK_K, whole.shape[1])
        train, *parts = np.split(whole, np.cumsum([len(part) for part in sequence])[:-1])
        for (name, batch), part in zip(tested.items(), parts, strict=True):
            shared = sharing(part, train, k)
            if shared:
                lines.append(
                    f"{shared:,} of {len(batch):,} {name} sequences ({shared / len(batch):.0%}) share a "
                    f"{k}-mer with a training sequence"
                )
        return lines
