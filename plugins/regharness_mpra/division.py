"""Divide real examples into splits and held-out groups, and say what still leaks. Reads no file."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from regharness import DataInfo, Dataset, InputError, SequenceBatch
from regharness.interfaces import SPLITS, DataGenerator
from regharness_mpra.similarity import clusters, sharing, without_flanks
from regharness_mpra.splitting import UNUSED, by_fraction, refuse_empty

LEAK_K = 20
"""A test sequence that shares a word this long with a training one may be partly known."""


@dataclass(frozen=True)
class Examples:
    """All usable examples of a source, and how they may be divided.

    Attributes
    ----------
    batch
        The examples.
    groups
        ``(example,)`` numbers of groups that stay together, or None.
    held_out
        Name to ``(example,)`` mask of a group that training never sees.
    fixed
        ``(example,)`` split of each example where the source says so, or None.
    shares
        Shares for calibration and test, where it does not.
    warnings
        What reading them left out.
    """

    batch: SequenceBatch
    groups: NDArray[np.int64] | None
    held_out: Mapping[str, NDArray[np.bool_]]
    shares: Mapping[str, float]
    fixed: NDArray[np.int64] | None = None
    near_duplicate_k: int = 32
    warnings: tuple[str, ...] = field(default=())


class RealData(DataGenerator):
    """Divide measured examples: clusters of near-duplicates whole, held-out groups apart.

    Sequences that share a long word (32 bases; a word and its reverse complement are one) are near-duplicates
    and never straddle a split. What is near-duplicate to a held-out example is in no split.
    """

    name = "data"
    unit = "log2(RNA/DNA)"

    @abstractmethod
    def read(self) -> Examples:
        """Read and check everything."""

    def describe(self) -> DataInfo:
        """Read, divide for seed 0, and measure what test sequences share with training ones."""
        examples, data = self._examples, self.generate(0)
        offers = {"held_out"} if examples.held_out else set()
        if examples.batch.noise_variance is not None:
            offers.add("noise_variance")
        if examples.batch.dna_count is not None and examples.batch.rna_count is not None:
            offers.add("counts")
        sizes = {split: len(getattr(data, split)) for split in SPLITS}
        sizes |= {name: len(batch) for name, batch in data.held_out.items()}
        return DataInfo(
            outputs=examples.batch.outputs,
            unit=self.unit,
            length=examples.batch.sequence.shape[1],
            sizes=sizes,
            offers=frozenset(offers),
            held_out=tuple(examples.held_out),
            warnings=(*examples.warnings, *self._unused(), *_leaks(data)),
        )

    def generate(self, seed: int) -> Dataset:
        """Divide the examples; the seed decides which clusters go where."""
        examples = self._examples
        if examples.fixed is not None:
            assigned = np.where(self._free, examples.fixed, UNUSED)
        else:
            assigned = by_fraction(self._cluster, self._free, examples.shares, seed)
        refuse_empty(assigned, self._cluster, self.name)
        splits = {name: examples.batch.select(assigned == index) for index, name in enumerate(SPLITS)}
        held_out = {name: examples.batch.select(mask) for name, mask in examples.held_out.items()}
        return Dataset(**splits, held_out=held_out)

    @cached_property
    def _examples(self) -> Examples:
        examples = self.read()
        for name, mask in examples.held_out.items():
            if not mask.any():
                raise InputError(f"{self.name}: no example is in the held-out group '{name}'")
        return examples

    @cached_property
    def _cluster(self) -> NDArray[np.int64]:
        examples = self._examples
        return clusters(without_flanks(examples.batch.sequence), examples.near_duplicate_k, examples.groups)

    @cached_property
    def _free(self) -> NDArray[np.bool_]:
        """Examples in no cluster with a held-out one."""
        held = np.zeros(len(self._examples.batch), bool)
        for mask in self._examples.held_out.values():
            held |= mask
        if not held.any():
            return ~held
        touched = np.zeros(int(self._cluster.max()) + 1, bool)
        touched[self._cluster[held]] = True
        return ~touched[self._cluster]

    def _unused(self) -> list[str]:
        held = np.zeros(len(self._examples.batch), bool)
        for mask in self._examples.held_out.values():
            held |= mask
        near = int((~self._free & ~held).sum())
        return [f"{near:,} near-duplicates of held-out examples are in no split"] if near else []


def _leaks(data: Dataset) -> list[str]:
    lines = []
    tested = {"test": data.test, **data.held_out}
    whole = without_flanks(np.concatenate([data.train.sequence, *(batch.sequence for batch in tested.values())]))
    k = min(LEAK_K, whole.shape[1])
    train, *parts = np.split(whole, np.cumsum([len(data.train), *(len(batch) for batch in tested.values())])[:-1])
    for (name, batch), part in zip(tested.items(), parts, strict=True):
        shared = sharing(part, train, k)
        if shared:
            lines.append(
                f"{shared:,} of {len(batch):,} {name} sequences ({shared / len(batch):.0%}) share a "
                f"{k}-mer with a training sequence"
            )
    return lines


def gc_range(gc: NDArray[np.float64], quantiles: tuple[float, float]) -> NDArray[np.bool_]:
    """Examples whose GC content lies between two quantiles; the upper one counts only where it is 1."""
    low, high = np.nanquantile(gc, quantiles)
    return (gc >= low) & ((gc < high) | (quantiles[1] == 1.0))
