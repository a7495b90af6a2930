"""Own the examples of the task and seed at hand: splits and shifted test sets, each made once. Fits nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeGuard

from regharness.blocks import StreamedTestSet, blocks_of, streams
from regharness.capabilities import StreamedTest
from regharness.interfaces import DataGenerator, Dataset, SequenceBatch
from regharness.plan import Shift, Task
from regharness.seeding import rng_for

KEPT = 512_000_000
"""Bytes of shifted sequences that are kept for the next model."""


@dataclass(frozen=True)
class WholeTestSet:
    """A shifted test set that is in memory."""

    dataset: Dataset
    batch: SequenceBatch

    def __len__(self) -> int:
        return len(self.batch)

    def blocks(self, size: int) -> Iterator[SequenceBatch]:
        """Its examples, so many at a time."""
        return blocks_of(self.batch, size)


class Examples:
    """Make and keep the examples of one (task, seed) at a time; every model sees the same ones.

    Parameters
    ----------
    tasks
        Name to task.
    streaming
        Whether test sets that can be made block by block are never made whole: then `walked` gives them, and the test
        set of `dataset` is their first block.
    """

    def __init__(self, tasks: Mapping[str, Task], *, streaming: bool = False) -> None:
        self._tasks, self._streaming = tasks, streaming
        self._at: tuple[str, int] | None = None
        self._dataset: Dataset | None = None
        self._shifted: dict[str, SequenceBatch] = {}

    def dataset(self, task: str, seed: int) -> Dataset:
        """The splits of a task and seed."""
        if self._at != (task, seed) or self._dataset is None:
            self._at, self._dataset, self._shifted = (task, seed), None, {}
            generator = self._tasks[task].generator
            self._dataset = generator.begin(seed) if self._streams(generator) else generator.generate(seed)
        return self._dataset

    def walked(self, task: str, seed: int, label: str) -> WholeTestSet | StreamedTestSet:
        """The test set of a shift, to be walked in blocks."""
        made, dataset = self._tasks[task], self.dataset(task, seed)
        generator = made.generator
        if not self._streams(generator):
            return WholeTestSet(dataset, self.test_set(task, seed, label))
        shift = self._shift(task, label)
        by = None if shift.operator is None else (shift.operator, shift.severity)
        return StreamedTestSet(generator, dataset, seed, made.info.sizes["test"], by, (task, label))

    def test_set(self, task: str, seed: int, label: str) -> SequenceBatch:
        """The test set of a shift."""
        dataset = self.dataset(task, seed)
        if label not in self._shifted:
            batch = _apply(self._shift(task, label), dataset, task, seed)
            while self._shifted and sum(map(_size, self._shifted.values())) + _size(batch) > KEPT:
                del self._shifted[next(iter(self._shifted))]
            self._shifted[label] = batch
        return self._shifted[label]

    def _streams(self, generator: DataGenerator) -> TypeGuard[StreamedTest]:
        return self._streaming and streams(generator)

    def _shift(self, task: str, label: str) -> Shift:
        return next(shift for shift in self._tasks[task].shifts if shift.label == label)


def _size(batch: SequenceBatch) -> int:
    return batch.sequence.nbytes


def _apply(shift: Shift, dataset: Dataset, task: str, seed: int) -> SequenceBatch:
    if shift.operator is None:
        return dataset.test
    rng = rng_for(seed, "shift", task, shift.label)
    batch = shift.operator.apply(dataset, shift.severity, rng)
    if not isinstance(batch, SequenceBatch):
        raise TypeError(f"shift '{shift.label}' gave {type(batch).__name__}, not a SequenceBatch")
    if not len(batch):
        raise ValueError(f"shift '{shift.label}' leaves no example")
    if batch.target is None or batch.outputs != dataset.test.outputs:
        raise ValueError(f"shift '{shift.label}' lost the target or changed the outputs")
    return batch
