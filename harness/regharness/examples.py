"""Own the examples of the task and seed at hand: splits and shifted test sets, each made once. Fits nothing."""

from __future__ import annotations

from collections.abc import Mapping

from regharness.interfaces import Dataset, SequenceBatch
from regharness.plan import Shift, Task
from regharness.seeding import rng_for

KEPT = 512_000_000
"""Bytes of shifted sequences that are kept for the next model."""


class Examples:
    """Make and keep the examples of one (task, seed) at a time; every model sees the same ones.

    Parameters
    ----------
    tasks
        Name to task.
    """

    def __init__(self, tasks: Mapping[str, Task]) -> None:
        self._tasks = tasks
        self._at: tuple[str, int] | None = None
        self._dataset: Dataset | None = None
        self._shifted: dict[str, SequenceBatch] = {}

    def dataset(self, task: str, seed: int) -> Dataset:
        """The splits of a task and seed."""
        if self._at != (task, seed) or self._dataset is None:
            self._at, self._dataset, self._shifted = (task, seed), None, {}
            self._dataset = self._tasks[task].generator.generate(seed)
        return self._dataset

    def test_set(self, task: str, seed: int, label: str) -> SequenceBatch:
        """The test set of a shift."""
        dataset = self.dataset(task, seed)
        if label not in self._shifted:
            shift = next(shift for shift in self._tasks[task].shifts if shift.label == label)
            batch = _apply(shift, dataset, task, seed)
            while self._shifted and sum(map(_size, self._shifted.values())) + _size(batch) > KEPT:
                del self._shifted[next(iter(self._shifted))]
            self._shifted[label] = batch
        return self._shifted[label]


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
