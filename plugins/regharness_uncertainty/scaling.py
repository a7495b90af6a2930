"""Scale predictive variances to the errors on the calibration split. Changes no mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from regharness import Prediction, RunContext, SequenceBatch
from regharness.errors import CellError
from regharness.interfaces import ModelAdapter, UncertaintyMethod

FILE = "variance_scaling.safetensors"
INNER = "model"
SCALE, CONSTANT = "scale", "constant_variance"


class VarianceScaling(UncertaintyMethod):
    """Give every model a variance that fits its errors on average."""

    def wrap(self, make: Callable[[], ModelAdapter]) -> ModelAdapter:
        """Wrap one model made by `make`."""
        return ScaledModel(make())


class ScaledModel(ModelAdapter):
    """A model whose variances are multiplied by the mean of z^2 on the calibration split, per output.

    z is the error over the predicted standard deviation, so that the mean of z^2 is 1 there afterwards. It is
    the factor of greatest likelihood (Laves et al. 2020). A model without a variance gets its
    mean squared error on the calibration split as a constant aleatoric variance.

    It learns even around a model that comes fitted. Where the model uses the same split to stop early, errors
    there are slightly smaller than on new examples, and so is the factor.

    Parameters
    ----------
    inner
        The model to wrap.
    """

    trainable = True

    def __init__(self, inner: ModelAdapter) -> None:
        self._inner = inner
        self.needs = inner.needs
        self._learnt: dict[str, NDArray[np.float64]] = {}

    def fit(self, train: SequenceBatch, calibration: SequenceBatch, context: RunContext) -> None:
        """Fit the model unless it comes fitted, then learn the factors from its errors on `calibration`."""
        assert calibration.target is not None
        if self._inner.trainable:
            self._inner.fit(train, calibration, context)
        seen = replace(calibration, target=None) if "truth" in self.needs else calibration.inputs()
        prediction = self._inner.predict(seen, context)
        squared_error = (calibration.target.astype(np.float64) - prediction.mean) ** 2
        variance = _total(prediction)
        if variance is None:
            self._learnt = {CONSTANT: squared_error.mean(axis=0)}
            return
        for output, bad in zip(calibration.outputs, (variance <= 0).sum(axis=0), strict=True):
            if bad:
                raise CellError(f"no factor corrects a variance of zero: {bad} calibration examples of {output}")
        self._learnt = {SCALE: (squared_error / variance).mean(axis=0)}

    def predict(self, batch: SequenceBatch, context: RunContext) -> Prediction:
        """The model's mean, with scaled variances."""
        prediction = self._inner.predict(batch, context)
        if CONSTANT in self._learnt:
            constant = np.broadcast_to(self._learnt[CONSTANT], prediction.mean.shape)
            return replace(prediction, aleatoric_variance=constant.astype(np.float32))
        parts = {
            name: None if (value := getattr(prediction, name)) is None else self._scaled(value)
            for name in ("aleatoric_variance", "epistemic_variance")
        }
        return replace(prediction, **parts)

    def save(self, folder: Path) -> None:
        """Write the factors, and the model into a folder of its own unless it comes fitted."""
        save_file(self._learnt, folder / FILE)
        if self._inner.trainable:
            (folder / INNER).mkdir()
            self._inner.save(folder / INNER)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        self._learnt = load_file(folder / FILE)
        if self._inner.trainable:
            self._inner.load(folder / INNER)

    def execution(self) -> Mapping[str, str]:
        """What the model ran on."""
        return self._inner.execution()

    def _scaled(self, variance: NDArray[np.float32]) -> NDArray[np.float32]:
        return (variance * self._learnt[SCALE]).astype(np.float32)


def _total(prediction: Prediction) -> NDArray[np.float64] | None:
    """Sum of the variances that a model gives, ``(example, output)``; None if it gives none."""
    given = [v for v in (prediction.aleatoric_variance, prediction.epistemic_variance) if v is not None]
    return np.sum(given, axis=0, dtype=np.float64) if given else None
