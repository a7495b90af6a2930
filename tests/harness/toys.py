"""A plugin of small, quick components, for tests of the core. Installed by writing it into a folder."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from regharness import Dataset, InputFile, Parameters, Prediction, SequenceBatch, hookimpl
from regharness.capabilities import Exported
from regharness.errors import CellError
from regharness.interfaces import (
    DataGenerator,
    DataInfo,
    Metric,
    ModelAdapter,
    ShiftOperator,
    UncertaintyMethod,
)
from regharness.seeding import rng_for


def batch(n, seed, prefix, outputs):
    rng = rng_for(seed, prefix)
    sequence = rng.integers(0, 4, (n, 20)).astype(np.uint8)
    gc = np.isin(sequence, (1, 2)).mean(1)
    truth = np.repeat((2 * gc - 1)[:, None], len(outputs), axis=1).astype(np.float32)
    noise = rng.normal(0, 0.1, truth.shape).astype(np.float32)
    return SequenceBatch(
        ids=np.array([f"{prefix}{i}" for i in range(n)]),
        sequence=sequence,
        outputs=outputs,
        target=truth + noise,
        truth=truth,
        noise_variance=np.full_like(truth, 0.01),
        covariates={"gc_content": gc},
    )


class Toy(DataGenerator):
    """Random sequences whose target is their GC content, scaled, plus noise of SD 0.1."""

    def __init__(self, train: int = 64, test: int = 32, outputs: tuple[str, ...] = ("a", "b"), fail: bool = False):
        self.train, self.test, self.outputs, self.fail = train, test, outputs, fail

    def describe(self):
        sizes = {"train": self.train, "calibration": 16, "test": self.test}
        return DataInfo(self.outputs, "log2", 20, sizes, frozenset({"truth", "noise_variance"}))

    def generate(self, seed):
        if self.fail:
            raise RuntimeError("the toy broke")
        parts = [
            batch(n, seed, name, self.outputs)
            for name, n in (("train", self.train), ("calibration", 16), ("test", self.test))
        ]
        return Dataset(*parts)


class Offset(ShiftOperator):
    """Add the severity to every target; severity 5 breaks when told to."""

    shift_type = "noise"

    def __init__(self, broken: bool = False):
        self.broken = broken

    def apply(self, dataset, severity, rng):
        if self.broken and severity == 5:
            raise RuntimeError("no level five today")
        return replace(dataset.test, target=dataset.test.target + np.float32(severity))


class Half(ShiftOperator):
    """Keep a random half of the test set."""

    severities = (1,)

    def apply(self, dataset, severity, rng):
        keep = rng.permutation(len(dataset.test))[: len(dataset.test) // 2]
        return dataset.test.select(np.sort(keep))


class NeedsMechanism(Half):
    """Ask for what toys do not offer."""

    needs = frozenset({"mechanism"})


Fault = Literal["none", "fit", "raise", "nan", "shape", "length", "negative", "type", "dtype"]


class Constant(ModelAdapter):
    """Predict the training mean plus `offset`, with the training variance."""

    def __init__(self, offset: float = 0.0, fault: Fault = "none", seconds: float = 0.0, log: str = ""):
        self.offset, self.fault, self.seconds, self.log = offset, fault, seconds, log

    def fit(self, train, calibration, context):
        if self.fault == "fit":
            raise RuntimeError("cannot learn this")
        self.note("fit")
        context.progress(1.0)
        self.mean = train.target.mean(0).astype(np.float32)
        self.variance = train.target.var(0).astype(np.float32)

    def note(self, what):
        if self.log:
            with open(self.log, "a") as file:
                file.write(what + "\n")

    def predict(self, batch, context):
        time.sleep(self.seconds)
        self.note("predict")
        assert batch.target is None
        assert batch.truth is None
        mean = np.tile(self.mean + np.float32(self.offset), (len(batch), 1))
        variance = np.tile(self.variance, (len(batch), 1))
        match self.fault:
            case "raise":
                raise RuntimeError("cannot predict this")
            case "nan":
                mean[0] = np.nan
            case "shape":
                mean = mean[:, :1]
            case "length":
                mean, variance = mean[:-1], variance[:-1]
            case "negative":
                variance = -variance
            case "type":
                return mean
            case "dtype":
                mean = mean.astype(np.float64)
        return Prediction(mean, aleatoric_variance=variance)

    def save(self, folder: Path):
        values = {"mean": self.mean.tolist(), "variance": self.variance.tolist()}
        (folder / "model.json").write_text(json.dumps(values))

    def load(self, folder: Path):
        self.note("load")
        values = json.loads((folder / "model.json").read_text())
        self.mean = np.array(values["mean"], np.float32)
        self.variance = np.array(values["variance"], np.float32)


class Quantiled(Constant):
    """The same, with quantiles: the mean, plus what the level differs from a half."""

    def __init__(self, levels: tuple[float, ...] = (0.05, 0.5, 0.95), offset: float = 0.0, falling: bool = False):
        super().__init__(offset)
        self.quantile_levels, self.falling = levels, falling

    def predict(self, batch, context):
        found = super().predict(batch, context)
        steps = np.array(self.quantile_levels, np.float32) - np.float32(0.5)
        quantiles = found.mean[..., None] + (-steps if self.falling else steps)
        return replace(found, quantiles=quantiles, quantile_levels=self.quantile_levels)


class Written(Constant):
    """The same, which can be written: as it is, as something else, or not at all."""

    export_formats = ("numbers", "wrong", "refused", "blank", "infinite")

    def export(self, path, format, outputs):
        if format == "refused":
            raise CellError("numbers are secret")
        raised = self.mean + np.float32(self.offset) + np.float32({"wrong": 0.01, "infinite": np.inf}.get(format, 0.0))
        if format != "blank":
            path.write_text(json.dumps(dict(zip(outputs, raised.tolist(), strict=True))))
        (path.parent / f"{path.stem}-notes.txt").write_text("no notes")
        return Exported("from_numbers", {"path": str(path)})


class FromNumbers(ModelAdapter):
    """Predict the number that a file has of each output; comes fitted."""

    trainable = False

    def __init__(self, path: Path):
        self.value = json.loads(Path(path).read_text())

    def predict(self, batch, context):
        row = np.array([self.value[name] for name in batch.outputs], np.float32)
        return Prediction(np.tile(row, (len(batch), 1)))


class FileParameters(Parameters):
    path: InputFile


class FromFile(ModelAdapter):
    """Predict the number in a file, without a variance; comes fitted."""

    trainable = False

    def __init__(self, path: Path):
        self.value = float(Path(path).read_text())

    def predict(self, batch, context):
        return Prediction(np.full((len(batch), len(batch.outputs)), self.value, np.float32))


class Oracle(ModelAdapter):
    trainable = False
    needs = frozenset({"truth"})

    def predict(self, batch, context):
        return Prediction(batch.truth, aleatoric_variance=batch.noise_variance)


class AddVariance(UncertaintyMethod):
    """Give any model the constant variance `value`."""

    def __init__(self, value: float = 1.0):
        self.value = value

    def wrap(self, make):
        inner, value = make(), self.value

        class Wrapped(type(inner)):
            def __init__(self):
                self.__dict__ = inner.__dict__

            def predict(self, batch, context):
                mean = inner.predict(batch, context).mean
                return Prediction(mean, epistemic_variance=np.full_like(mean, value))

        return Wrapped()


class MeanError(Metric):
    """Mean absolute error, as a third party would write it."""

    def score(self, target, mean, variance):
        return float(np.abs(target - mean).mean())


@hookimpl
def regharness_data_generators():
    return {"toy": Toy}


@hookimpl
def regharness_shift_operators():
    return {"offset": Offset, "half": Half, "needs_mechanism": NeedsMechanism}


@hookimpl
def regharness_model_adapters():
    from regharness import Component

    return {
        "constant": Constant,
        "quantiled": Quantiled,
        "written": Written,
        "from_numbers": FromNumbers,
        "from_file": Component(FromFile, parameters=FileParameters),
        "toy_oracle": Oracle,
        "needs_package": Component("nowhere:Model", requires=("no_such_package",), extra="toys[all]"),
    }


@hookimpl
def regharness_uncertainty_methods():
    return {"add_variance": AddVariance}


@hookimpl
def regharness_metrics():
    return {"mean_error": MeanError}
