"""Own what methods have in common that learn from a fitted model's errors on the calibration split. Owns no method."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

import numpy as np

from regharness import Prediction, RunContext, SequenceBatch
from regharness_uncertainty.wrapping import Values, Wrapped, shown


class PostHoc(Wrapped):
    """A model around another, which it fits unless that comes fitted, and then learns from its errors.

    It learns from the calibration split of identity and from nothing else. Where the model inside uses the same
    split to stop early, errors there are slightly smaller than on new examples. Quantiles of the model inside are left
    out, since they no longer go with the uncertainty, unless a method declares `quantile_levels` and gives its own.

    Parameters
    ----------
    inner
        The model to wrap.
    """

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
        self._learnt = self.learn(self._inner.predict(shown(calibration, self._inner), context), calibration)

    def predict(self, batch: SequenceBatch, context: RunContext) -> Prediction:
        """Predict with the model, then change its uncertainty."""
        prediction = self.changed(self._inner.predict(batch, context), batch)
        return prediction if self.quantile_levels else replace(prediction, quantiles=None, quantile_levels=())


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
