"""Monte Carlo dropout: how much a network's answers differ when other units are dropped. Trains nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from regharness import InputError, Prediction, RunContext, SequenceBatch
from regharness.capabilities import Samples
from regharness.interfaces import ModelAdapter, UncertaintyMethod
from regharness.quantiles import declared_levels
from regharness_uncertainty.mixture import mixed


class MCDropout(UncertaintyMethod):
    """Predict with dropout left on, several times, and average.

    Parameters
    ----------
    samples
        How often.
    """

    def __init__(self, samples: int) -> None:
        self.number = samples

    def wrap(self, make: Callable[[], ModelAdapter]) -> ModelAdapter:
        """Wrap one model made by `make`, which must offer `regharness.capabilities.Samples`."""
        model = make()
        if not isinstance(model, Samples):
            raise InputError(
                f"mc_dropout needs a network with dropout that can be left on, and {type(model).__name__} is none",
                help="a network that is trained here with a dropout above 0 will do, or a file of PyTorch with "
                "torch.nn.Dropout layers; deep_ensemble takes every model that is trained",
            )
        return DropoutModel(model, self.number)


class DropoutModel(ModelAdapter):
    """The `mixture` of what a network says with different units dropped (Gal & Ghahramani, ICML 2016).

    Aleatoric variance is the mean of what the samples say of it, epistemic variance the variance of their means. Equal
    seeds drop equal units, for every example alike.

    With a dropout that is given and not learnt, the epistemic part need not fall as the training set grows: dropping a
    unit changes an answer by as much as the network relies on it, however well it is known (Osband et al., NeurIPS
    2018). Those of deep_ensemble and last_layer_laplace do.

    Parameters
    ----------
    inner
        The model, which offers `Samples`.
    number
        How many samples.
    """

    def __init__(self, inner: ModelAdapter, number: int) -> None:
        self._inner, self._number = inner, number
        self.trainable, self.needs = inner.trainable, inner.needs
        self.quantile_levels = declared_levels(inner)

    def fit(self, train: SequenceBatch, calibration: SequenceBatch, context: RunContext) -> None:
        """Fit the model."""
        self._inner.fit(train, calibration, context)

    def predict(self, batch: SequenceBatch, context: RunContext) -> Prediction:
        """Mean of the samples, and variance in its two parts."""
        assert isinstance(self._inner, Samples)
        samples = self._inner.samples
        return mixed(batch, lambda part: samples(part, context, self._number))

    def save(self, folder: Path) -> None:
        """Write the model."""
        self._inner.save(folder)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        self._inner.load(folder)

    def execution(self) -> Mapping[str, str]:
        """What the model ran on."""
        return {**self._inner.execution(), "samples": str(self._number)}
