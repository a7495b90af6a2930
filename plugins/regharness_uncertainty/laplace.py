"""Last-layer Laplace approximation: what a network's last layer could be, given its training set. Trains nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from regharness import InputError, Prediction, RunContext, SequenceBatch
from regharness.capabilities import LastLayer
from regharness.errors import CellError
from regharness.interfaces import ModelAdapter, UncertaintyMethod
from regharness_uncertainty.posthoc import errors
from regharness_uncertainty.wrapping import Values, Wrapped, shown

CENTRE, SPREAD, ROTATION, VARIANCE = "centre", "spread", "rotation", "variance"
CHUNK = 4096
"""Examples whose features are in memory at a time."""
PRIORS = 10.0 ** np.arange(-4.0, 4.5, 0.5)
"""Prior precisions that are tried, in units of one over the variance of the training targets."""


class LastLayerLaplace(UncertaintyMethod):
    """Give a trained network an epistemic variance: that of a Bayesian linear regression on its last features."""

    def wrap(self, make: Callable[[], ModelAdapter]) -> ModelAdapter:
        """Wrap one model made by `make`, which must be trained and offer `regharness.capabilities.LastLayer`."""
        model = make()
        if not (isinstance(model, LastLayer) and model.trainable):
            raise InputError(
                "last_layer_laplace needs a network that is trained here and gives the features of its last layer, and "
                f"{type(model).__name__} is none",
                help="deep_ensemble does for every model that is trained",
            )
        return LaplaceModel(model)


class LaplaceModel(Wrapped):
    """A network with the epistemic variance of its last layer, in closed form (Kristiadi, Hein & Hennig, ICML 2020).

    With features phi, standardised on the training set and with a constant, and the network's own aleatoric variance
    ``s^2(x)`` as that of the noise, each output's weights have the posterior precision
    ``P = sum phi phi^T / s^2(x) + tau I`` over the training set; the Laplace approximation is exact for a last layer
    that is linear (Daxberger et al., NeurIPS 2021). Epistemic variance is ``phi^T P^-1 phi``, in place of any that the
    network gives; mean and aleatoric variance stay.

    The prior precision tau is, for each output, that of `PRIORS` with which the calibration split is likeliest under a
    normal distribution of both variances together. Its marginal likelihood on the training set would need no
    calibration split, but the features were learnt there, and errors are smaller than on new examples.

    Parameters
    ----------
    inner
        The model to wrap, which offers `LastLayer`.
    """

    file = "last_layer_laplace.safetensors"
    unchanged = ("mean", "aleatoric_variance")

    def fit(self, train: SequenceBatch, calibration: SequenceBatch, context: RunContext) -> None:
        """Fit the network; then one pass over `train` for the features' scales and one for the precision."""
        self._inner.fit(train, calibration, context)
        assert train.target is not None
        self._learnt = self._scales(train, context)
        precision = self._precision(train, context)
        eigenvalue, rotation = np.linalg.eigh(precision)
        self._learnt[ROTATION] = rotation
        priors = PRIORS / np.var(train.target, axis=0, dtype=np.float64)[:, None]
        # One over the eigenvalues of P: (prior, output, component).
        inverse = 1.0 / (np.maximum(eigenvalue, 0.0) + np.moveaxis(priors, 1, 0)[..., None])
        best = np.argmax(self._log_likelihood(inverse, calibration, context), axis=0)
        self._learnt[VARIANCE] = inverse[best, np.arange(len(best))]

    def predict(self, batch: SequenceBatch, context: RunContext) -> Prediction:
        """The network's prediction, with the epistemic variance of its last layer."""
        prediction = self._inner.predict(batch, context)
        epistemic = [self._epistemic(phi, self._learnt[VARIANCE]) for _, phi in self._features(batch, context)]
        return replace(
            prediction,
            epistemic_variance=np.concatenate(epistemic).astype(np.float32),
            quantiles=None,
            quantile_levels=(),
        )

    def _log_likelihood(self, inverse: Values, calibration: SequenceBatch, context: RunContext) -> Values:
        """Of each prior and output ``(prior, output)``, up to a constant."""
        total = np.zeros(inverse.shape[:2])
        for part, phi in self._features(calibration, context):
            prediction = self._inner.predict(shown(part, self._inner), context)
            noise, squared = _noise(prediction), np.square(errors(prediction, part))
            for prior, one in enumerate(inverse):
                variance = noise + self._epistemic(phi, one)
                total[prior] -= (np.log(variance) + squared / variance).sum(axis=0) / 2.0
        return total

    def _scales(self, train: SequenceBatch, context: RunContext) -> dict[str, Values]:
        """Mean and standard deviation of each feature."""
        count, centre, square = 0, np.zeros(1), np.zeros(1)
        for part, raw in self._raw(train, context):
            # Merge sums about two means (Chan, Golub & LeVeque 1979).
            n, mean = len(part), raw.mean(axis=0)
            square = square + np.square(raw - mean).sum(axis=0)
            square += np.square(mean - centre) * (count * n / (count + n))
            centre = centre + (mean - centre) * (n / (count + n))
            count += n
        spread = np.sqrt(square / count)
        # A feature that is constant but for float32 rounding tells nothing.
        return {CENTRE: centre, SPREAD: np.where(spread > 1e-6 * np.abs(centre), spread, 1.0)}

    def _precision(self, train: SequenceBatch, context: RunContext) -> Values:
        """``sum phi phi^T / s^2``: ``(output, feature, feature)``."""
        total = np.zeros((len(train.outputs), *2 * (len(self._learnt[CENTRE]) + 1,)))
        for part, phi in self._features(train, context):
            noise = _noise(self._inner.predict(shown(part, self._inner), context))
            for output, one in enumerate(noise.T):
                total[output] += phi.T @ (phi / one[:, None])
        return total

    def _epistemic(self, phi: Values, inverse: Values) -> Values:
        """``phi^T P^-1 phi``: ``(example, output)``."""
        rotated = (np.square(phi @ one) for one in self._learnt[ROTATION])
        return np.stack([square @ value for square, value in zip(rotated, inverse, strict=True)], axis=1)

    def _features(self, batch: SequenceBatch, context: RunContext) -> Iterator[tuple[SequenceBatch, Values]]:
        """Chunks of examples with their ``(example, feature)``, standardised and after a constant."""
        for part, raw in self._raw(batch, context):
            scaled = (raw - self._learnt[CENTRE]) / self._learnt[SPREAD]
            yield part, np.column_stack([np.ones(len(part)), scaled])

    def _raw(self, batch: SequenceBatch, context: RunContext) -> Iterator[tuple[SequenceBatch, Values]]:
        assert isinstance(self._inner, LastLayer)
        for start in range(0, len(batch), CHUNK):
            part = batch.select(np.arange(start, min(start + CHUNK, len(batch))))
            yield part, self._inner.last_layer(shown(part, self._inner), context)


def _noise(prediction: Prediction) -> Values:
    """The aleatoric variance, by which examples are weighed."""
    noise = prediction.aleatoric_variance
    if noise is None:
        raise CellError("last_layer_laplace needs a network that gives an aleatoric variance, as that of the noise")
    if not (noise > 0).all():
        raise CellError(f"{int((noise <= 0).any(axis=1).sum())} examples have an aleatoric variance of zero")
    return noise.astype(np.float64)
