"""Own the examples of the task and seed at hand: splits and shifted test sets, each made once. Fits nothing."""

from __future__ import annotations

from regharness.interfaces import Dataset, SequenceBatch
from regharness.plan import Plan, Shift
from regharness.seeding import rng_for


class Examples:
    """Make and keep the examples of one (task, seed) at a time; every model sees the same ones."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._at: tuple[str, int] | None = None
        self._dataset: Dataset | None = None
        self._shifted: dict[str, SequenceBatch] = {}

    def dataset(self, task: str, seed: int) -> Dataset:
        """The splits of a task and seed."""
        if self._at != (task, seed) or self._dataset is None:
            self._at, self._dataset, self._shifted = (task, seed), None, {}
            self._dataset = self._plan.tasks[task].generator.generate(seed)
        return self._dataset

    def test_set(self, task: str, seed: int, label: str) -> SequenceBatch:
        """The test set of a shift."""
        dataset = self.dataset(task, seed)
        if label not in self._shifted:
            shift = next(shift for shift in self._plan.tasks[task].shifts if shift.label == label)
            self._shifted[label] = _apply(shift, dataset, task, seed)
        return self._shifted[label]


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
