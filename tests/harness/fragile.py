"""A plugin for tests of survival: models that log what they do, and die as they are told. Imports no framework."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from regharness import Dataset, Prediction, SequenceBatch, hookimpl
from regharness.interfaces import DataGenerator, DataInfo, ModelAdapter, ShiftOperator
from regharness.seeding import rng_for

OUTPUTS = ("a", "b")


def deed(what: str, log: str) -> None:
    """Do what no program survives, once for each time that a file beside the log allows, or always without one."""
    if not what:
        return
    allowed = Path(f"{log}.times")
    if allowed.exists():
        left = int(allowed.read_text())
        if not left:
            return
        allowed.write_text(str(left - 1))
    match what:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "crash":
            ctypes.string_at(0)
        case "leave":
            os._exit(7)
        case "starve":
            raise MemoryError("no room for 9 GB")
        case "hang":
            time.sleep(600)


def batch(n, seed, part):
    rng = rng_for(seed, part)
    sequence = rng.integers(0, 4, (n, 10)).astype(np.uint8)
    gc = np.isin(sequence, (1, 2)).mean(1)
    target = np.stack([gc, 1 - gc], axis=1) + rng.normal(0, 0.1, (n, 2))
    return SequenceBatch(
        ids=np.array([f"identity {seed} {i}" for i in range(n)]),
        sequence=sequence,
        outputs=OUTPUTS,
        target=target.astype(np.float32),
        noise_variance=np.full((n, 2), 0.01, np.float32),
        covariates={"gc": gc, "plate": np.array([f"plate {i % 3}" for i in range(n)])},
    )


class Fragile(DataGenerator):
    """Sequences whose ids tell shift and seed."""

    def __init__(self, test: int = 16):
        self.test = test

    def describe(self):
        sizes = {"train": 20, "calibration": 4, "test": self.test}
        return DataInfo(OUTPUTS, "log2", 10, sizes, frozenset({"noise_variance"}))

    def generate(self, seed):
        return Dataset(batch(20, seed, "train"), batch(4, seed, "calibration"), batch(self.test, seed, "test"))


class Renamed(ShiftOperator):
    """Another name, and a higher target, at each severity; `what` happens while severity 5 is made."""

    shift_type = "noise"

    def __init__(self, what: str = "", log: str = ""):
        self.what, self.log = what, log

    def apply(self, dataset, severity, rng):
        if severity == 5:
            deed(self.what, self.log)
        test = dataset.test
        ids = np.array([name.replace("identity", f"renamed@{severity}") for name in test.ids])
        return replace(test, ids=ids, target=test.target + np.float32(severity))


class Logged(ModelAdapter):
    """Predict from the sequence and a fitted mean, and log every call with the cell it is for.

    `what` happens in `where`; `seconds` are slept there.
    """

    def __init__(
        self,
        called: str,
        log: str,
        seconds: float = 0.0,
        what: Literal["", "kill", "crash", "leave", "starve", "hang"] = "",
        where: Literal["fit", "predict"] = "predict",
        at: str = "",
        levels: tuple[float, ...] = (),
    ):
        self.called, self.log, self.seconds = called, log, seconds
        self.what, self.where, self.at = what, where, at
        self.quantile_levels = levels

    def note(self, *words):
        descriptor = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, json.dumps([*words, self.called]).encode() + b"\n")
        os.close(descriptor)

    def fit(self, train, calibration, context):
        self.note("fit", *train.ids[0].split()[:2])
        time.sleep(self.seconds)
        if self.where == "fit":
            deed(self.what, self.log)
        self.mean = train.target.mean(0)

    def predict(self, batch, context):
        shift, seed, _ = batch.ids[0].split()
        self.note("predict", shift, seed)
        time.sleep(self.seconds)
        if self.where == "predict" and self.at in ("", shift):
            deed(self.what, self.log)
        spread = batch.sequence.mean(1, dtype=np.float32)[:, None] * np.float32(0.01)
        mean = (self.mean + spread).astype(np.float32)
        found = Prediction(mean, aleatoric_variance=np.abs(mean) + np.float32(0.1))
        if not self.quantile_levels:
            return found
        quantiles = mean[..., None] + np.array(self.quantile_levels, np.float32)
        return replace(found, quantiles=quantiles, quantile_levels=self.quantile_levels)

    def save(self, folder):
        (folder / "mean.json").write_text(json.dumps(self.mean.tolist()))

    def load(self, folder):
        self.mean = np.array(json.loads((folder / "mean.json").read_text()), np.float32)


@hookimpl
def regharness_data_generators():
    return {"fragile": Fragile}


@hookimpl
def regharness_shift_operators():
    return {"renamed": Renamed}


@hookimpl
def regharness_model_adapters():
    return {"logged": Logged}
