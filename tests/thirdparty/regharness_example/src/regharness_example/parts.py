"""One small part for each of the other hooks."""

from dataclasses import replace

import numpy as np

from regharness import Dataset, Prediction, SequenceBatch
from regharness.interfaces import (
    DataGenerator,
    DataInfo,
    Executor,
    Metric,
    Report,
    ShiftOperator,
    UncertaintyMethod,
)
from regharness.seeding import rng_for


class PolyATail(ShiftOperator):
    """Overwrite the last `step` bases a severity with A, and keep the label."""

    shift_type = "input"

    def __init__(self, step: int = 5) -> None:
        self.step = step

    def apply(self, dataset, severity, rng):
        sequence = dataset.test.sequence.copy()
        sequence[:, sequence.shape[1] - self.step * severity :] = 0
        return replace(dataset.test, sequence=sequence)


class SignAccuracy(Metric):
    """Share of examples whose predicted sign is right; zero counts as a sign of its own."""

    direction = "higher"

    def score(self, target, mean, variance):
        return float((np.sign(target) == np.sign(mean)).mean())


class GCLadder(DataGenerator):
    """Sequences whose target is their GC content."""

    def __init__(self, examples: int = 60) -> None:
        self.examples = examples

    def describe(self):
        sizes = {"train": self.examples, "calibration": self.examples, "test": self.examples}
        return DataInfo(("activity",), "log2", 40, sizes)

    def generate(self, seed):
        return Dataset(*(self._split(seed, name) for name in ("train", "calibration", "test")))

    def _split(self, seed, name):
        rng = rng_for(seed, "gc_ladder", name)
        gc = rng.uniform(0.2, 0.8, (self.examples, 1))
        strong = rng.random((self.examples, 40)) < gc
        sequence = np.where(strong, rng.integers(1, 3, strong.shape), rng.integers(0, 2, strong.shape) * 3)
        target = (strong.mean(axis=1, keepdims=True) - 0.5).astype(np.float32)
        ids = np.array([f"{name}-{i}" for i in range(self.examples)])
        return SequenceBatch(ids, sequence.astype(np.uint8), ("activity",), target)


class UnitVariance(UncertaintyMethod):
    """Say that every prediction has variance one."""

    def wrap(self, make):
        model = make()
        predict = model.predict

        def with_variance(batch, context):
            mean = predict(batch, context).mean
            return Prediction(mean, epistemic_variance=np.ones_like(mean))

        model.predict = with_variance
        return model


class Reversed(Executor):
    """Run the jobs last first, to show that their order does not matter."""

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers

    def run(self, jobs, work):
        for job in reversed(list(jobs)):
            yield work(job)


class Summary(Report):
    """The run's name in a text file."""

    suffix = ".txt"

    def write(self, run, path):
        path.write_text(f"{run.name}\n")
