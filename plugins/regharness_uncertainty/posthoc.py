"""Own what methods have in common that learn from a fitted model's errors on the calibration split. Owns no method."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from regharness import Prediction, RunContext, SequenceBatch
from regharness.capabilities import Exportable, Exported
from regharness.interfaces import ModelAdapter

INNER = "model"
Values = NDArray[np.float64]


class PostHoc(ModelAdapter):
    """A model around another, which it fits unless that comes fitted, and then learns from its errors.

    It learns from the calibration split of identity and from nothing else. Where the model inside uses the same
    split to stop early, errors there are slightly smaller than on new examples. Quantiles of the model inside are left
    out, since they no longer go with the uncertainty, unless a method declares `quantile_levels` and gives its own.

    Attributes
    ----------
    file
        What is learnt is stored in; arrays by name.
    unchanged
        Parts of a prediction that stay as the model inside gives them, so that a file of that has them too.

    Parameters
    ----------
    inner
        The model to wrap.
    """

    trainable = True
    file: str
    unchanged: tuple[str, ...] = ("mean",)

    def __init__(self, inner: ModelAdapter) -> None:
        self._inner = inner
        self.needs = inner.needs
        self._learnt: dict[str, Values] = {}

    @abstractmethod
    def learn(self, prediction: Prediction, calibration: SequenceBatch) -> dict[str, Values]:
        """What to keep of a prediction of the calibration split and its targets."""

    @abstractmethod
    def changed(self, prediction: Prediction, batch: SequenceBatch) -> Prediction:
        """The model's prediction, with the uncertainty that was learnt."""

    def fit(self, train: SequenceBatch, calibration: SequenceBatch, context: RunContext) -> None:
        """Fit the model unless it comes fitted, then learn from its errors on `calibration`."""
        if self._inner.trainable:
            self._inner.fit(train, calibration, context)
        seen = replace(calibration, target=None) if "truth" in self.needs else calibration.inputs()
        self._learnt = self.learn(self._inner.predict(seen, context), calibration)

    def predict(self, batch: SequenceBatch, context: RunContext) -> Prediction:
        """Predict with the model, then change its uncertainty."""
        prediction = self.changed(self._inner.predict(batch, context), batch)
        return prediction if self.quantile_levels else replace(prediction, quantiles=None, quantile_levels=())

    def save(self, folder: Path) -> None:
        """Write what was learnt, and the model into a folder of its own unless it comes fitted."""
        save_file({name: np.ascontiguousarray(value) for name, value in self._learnt.items()}, folder / self.file)
        if self._inner.trainable:
            (folder / INNER).mkdir()
            self._inner.save(folder / INNER)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        self._learnt = load_file(folder / self.file)
        if self._inner.trainable:
            self._inner.load(folder / INNER)

    @property
    def export_formats(self) -> tuple[str, ...]:
        """Formats that the model inside offers."""
        return self._inner.export_formats if isinstance(self._inner, Exportable) else ()

    def export(self, path: Path, format: str, outputs: tuple[str, ...]) -> Exported:
        """Write the model inside, without what was learnt of its errors."""
        exported = self._inner.export(path, format, outputs)
        return replace(exported, parts=tuple(part for part in exported.parts if part in self.unchanged))

    def execution(self) -> Mapping[str, str]:
        """What the model ran on."""
        return self._inner.execution()


def errors(prediction: Prediction, batch: SequenceBatch) -> Values:
    """Measured less predicted, ``(example, output)``."""
    assert batch.target is not None
    return batch.target.astype(np.float64) - prediction.mean


def total_variance(prediction: Prediction) -> Values | None:
    """Sum of the variances that a model gives, ``(example, output)``; None if it gives none."""
    given = [v for v in (prediction.aleatoric_variance, prediction.epistemic_variance) if v is not None]
    return np.sum(given, axis=0, dtype=np.float64) if given else None


def scaled(prediction: Prediction, factor: Values) -> Prediction:
    """A prediction whose variances are multiplied by a factor ``(output,)`` or ``(example, output)``."""
    parts = {
        name: None if (value := getattr(prediction, name)) is None else (value * factor).astype(np.float32)
        for name in ("aleatoric_variance", "epistemic_variance")
    }
    return replace(prediction, **parts)
