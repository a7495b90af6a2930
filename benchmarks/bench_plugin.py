"""A plugin of what costs next to nothing, or exactly as much as it is told, so that a run's own costs show."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from regharness import Dataset, Prediction, SequenceBatch, hookimpl
from regharness.interfaces import DataGenerator, DataInfo, ModelAdapter, ShiftOperator
from regharness.seeding import rng_for

OUTPUTS = ("a", "b")


def batch(n, length, seed, name):
    """Random sequences with random targets."""
    rng = rng_for(seed, name)
    sequence = rng.integers(0, 4, (n, length), dtype=np.uint8)
    target = rng.standard_normal((n, len(OUTPUTS)), dtype=np.float32)
    return SequenceBatch(np.arange(n).astype(str), sequence, OUTPUTS, target)


class Examples(DataGenerator):
    """Random sequences with random targets."""

    def __init__(self, test: int = 8, train: int = 8, length: int = 20):
        self.sizes, self.length = {"train": train, "calibration": train, "test": test}, length

    def describe(self):
        return DataInfo(OUTPUTS, "log2", self.length, self.sizes)

    def generate(self, seed):
        return Dataset(*(batch(n, self.length, seed, name) for name, n in self.sizes.items()))


class Raised(ShiftOperator):
    """Add the severity to every target."""

    shift_type = "noise"

    def apply(self, dataset, severity, rng):
        return replace(dataset.test, target=dataset.test.target + np.float32(severity))


class Cheap(ModelAdapter):
    """Predict from the first two positions; comes fitted."""

    trainable = False

    def predict(self, batch, context):
        return Prediction(batch.sequence[:, : len(OUTPUTS)].astype(np.float32))


class Busy(Cheap):
    """The same, after so many rounds of hashing: work of a processor, in which nothing waits."""

    def __init__(self, rounds: int = 100_000):
        self.rounds = rounds

    def predict(self, batch, context):
        hashlib.pbkdf2_hmac("sha256", b"busy", b"busy", self.rounds)
        return super().predict(batch, context)


@hookimpl
def regharness_data_generators():
    return {"bench_examples": Examples}


@hookimpl
def regharness_shift_operators():
    return {"bench_raised": Raised}


@hookimpl
def regharness_model_adapters():
    return {"bench_cheap": Cheap, "bench_busy": Busy}
