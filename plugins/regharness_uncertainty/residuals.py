"""A variance for models without any: a second model, of the sizes of the first one's errors. Changes no mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from regharness import InputError, Prediction, SequenceBatch
from regharness.errors import CellError
from regharness.interfaces import ModelAdapter, UncertaintyMethod
from regharness_uncertainty.composition import sequence_features
from regharness_uncertainty.posthoc import PostHoc, errors
from regharness_uncertainty.wrapping import Values

LEAST = 1e-6
"""Share of the mean squared error below which a squared error counts as no smaller, so that its logarithm is finite."""


class ResidualVariance(UncertaintyMethod):
    """Learn how large a model's errors are from what it predicts and the sequence's composition.

    Parameters
    ----------
    shrinkage
        Ridge penalty, for features of standard deviation 1: higher gives more even variances. The logarithm of a
        squared normal error has a variance of ``pi^2 / 2``, so that with 300 a feature's effect on the log variance is
        expected to be about ``sqrt(pi^2 / 2 / 300) = 0.13``. With less, 200 calibration examples make errors of one
        size look uneven.
    """

    def __init__(self, shrinkage: float = 300.0) -> None:
        if not shrinkage > 0:
            raise InputError(f"shrinkage: {shrinkage:g} is not above 0")
        self.shrinkage = shrinkage

    def wrap(self, make: Callable[[], ModelAdapter]) -> ModelAdapter:
        """Wrap one model made by `make`."""
        return ResidualModel(make(), self.shrinkage)


class ResidualModel(PostHoc):
    """Aleatoric variance ``exp(a + b x)``, by ridge regression of log squared errors on the calibration split.

    ``x`` is the prediction, its square, GC content, CpG ratio and the shares of pairs of bases; a multiplicative
    variance function as of Harvey (Econometrica 44:461, 1976). The mean of z^2 on the calibration split is then made
    1, which also mends the logarithm's bias. What the model says of its own variance is replaced.

    Parameters
    ----------
    inner
        The model to wrap.
    shrinkage
        Ridge penalty.
    """

    file = "residual_variance.safetensors"

    def __init__(self, inner: ModelAdapter, shrinkage: float) -> None:
        super().__init__(inner)
        self.shrinkage = shrinkage

    def learn(self, prediction: Prediction, calibration: SequenceBatch) -> dict[str, Values]:
        """Coefficients of each output, and the features' scales."""
        squared = np.square(errors(prediction, calibration))
        if not (squared.mean(axis=0) > 0).all():
            raise CellError("the model makes no error on the calibration split")
        features = _features(prediction, calibration)
        centre, spread = features.mean(axis=1), features.std(axis=1)
        spread = np.where(spread > 0, spread, 1.0)
        log_squared = np.log(np.maximum(squared, LEAST * squared.mean(axis=0)))
        coefficients, level = [], []
        for output, x in enumerate((features - centre[:, None]) / spread[:, None]):
            y = log_squared[:, output]
            b = np.linalg.solve(x.T @ x + self.shrinkage * np.eye(x.shape[1]), x.T @ (y - y.mean()))
            fitted = np.exp(x @ b)
            coefficients.append(b)
            level.append(np.log((squared[:, output] / fitted).mean()))
        return {
            "coefficients": np.stack(coefficients),
            "level": np.array(level),
            "centre": centre,
            "spread": spread,
        }

    def changed(self, prediction: Prediction, batch: SequenceBatch) -> Prediction:
        """The mean, with the variance that its errors are expected to have."""
        learnt = self._learnt
        x = (_features(prediction, batch) - learnt["centre"][:, None]) / learnt["spread"][:, None]
        log_variance = np.einsum("oef,of->eo", x, learnt["coefficients"]) + learnt["level"]
        variance = np.exp(log_variance).astype(np.float32)
        return replace(prediction, aleatoric_variance=variance, epistemic_variance=None)


def _features(prediction: Prediction, batch: SequenceBatch) -> Values:
    """``(output, example, feature)``."""
    shared = sequence_features(batch.sequence)
    mean = prediction.mean.astype(np.float64)
    return np.stack([np.column_stack([mean[:, j], mean[:, j] ** 2, shared]) for j in range(mean.shape[1])])
