"""Scale predictive variances to the errors on the calibration split. Changes no mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from regharness import Prediction, SequenceBatch
from regharness.errors import CellError
from regharness.interfaces import ModelAdapter, UncertaintyMethod
from regharness_uncertainty.posthoc import PostHoc, errors, scaled, total_variance
from regharness_uncertainty.wrapping import Values

SCALE, CONSTANT = "scale", "constant_variance"


class VarianceScaling(UncertaintyMethod):
    """Give every model a variance that fits its errors on average."""

    def wrap(self, make: Callable[[], ModelAdapter]) -> ModelAdapter:
        """Wrap one model made by `make`."""
        return ScaledModel(make())


class ScaledModel(PostHoc):
    """A model whose variances are multiplied by the mean of z^2 on the calibration split, per output.

    z is the error over the predicted standard deviation, so that the mean of z^2 is 1 there afterwards. It is
    the factor of greatest likelihood (Laves et al. 2020). A model without a variance gets its
    mean squared error on the calibration split as a constant aleatoric variance.
    """

    file = "variance_scaling.safetensors"

    def learn(self, prediction: Prediction, calibration: SequenceBatch) -> dict[str, Values]:
        """The factor of each output, or where there is nothing to scale, a variance."""
        squared_error = np.square(errors(prediction, calibration))
        variance = total_variance(prediction)
        if variance is None:
            return {CONSTANT: squared_error.mean(axis=0)}
        for output, bad in zip(calibration.outputs, (variance <= 0).sum(axis=0), strict=True):
            if bad:
                raise CellError(f"no factor corrects a variance of zero: {bad} calibration examples of {output}")
        return {SCALE: (squared_error / variance).mean(axis=0)}

    def changed(self, prediction: Prediction, batch: SequenceBatch) -> Prediction:
        """The model's mean, with scaled variances."""
        if CONSTANT in self._learnt:
            constant = np.broadcast_to(self._learnt[CONSTANT], prediction.mean.shape)
            return replace(prediction, aleatoric_variance=constant.astype(np.float32))
        return scaled(prediction, self._learnt[SCALE])
