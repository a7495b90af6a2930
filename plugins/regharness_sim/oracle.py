"""Predict what is true. Learns nothing."""

from __future__ import annotations

import numpy as np

from regharness import Prediction, RunContext, SequenceBatch
from regharness.interfaces import ModelAdapter


class Oracle(ModelAdapter):
    """Answer with the noiseless truth, and with the variance of the measurement where the data know it.

    Its mean squared error is the noise floor. It knows every shift, so it is no upper bound for models that
    do not; what a model lacks against it is the model's, the rest is the assay's.
    """

    trainable = False
    needs = frozenset({"truth"})

    def predict(self, batch: SequenceBatch, context: RunContext) -> Prediction:
        """Give the truth."""
        assert batch.truth is not None
        noise = batch.noise_variance
        return Prediction(np.array(batch.truth), aleatoric_variance=None if noise is None else np.array(noise))
