"""Recalibrate a whole predictive distribution, so that its quantiles hold what they say. Needs a variance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from sklearn.isotonic import IsotonicRegression

from regharness import Prediction, SequenceBatch
from regharness.errors import CellError
from regharness.interfaces import ModelAdapter, UncertaintyMethod
from regharness_uncertainty.posthoc import PostHoc, errors, scaled, total_variance
from regharness_uncertainty.wrapping import Values

QUANTILE, SHIFT, FACTOR = "quantile", "shift", "factor"


class QuantileRecalibration(UncertaintyMethod):
    """Give every model that has a variance the distribution that its errors on the calibration split show.

    Parameters
    ----------
    levels
        Levels of the quantiles that are given.
    """

    def __init__(self, levels: tuple[float, ...]) -> None:
        self.levels = levels

    def wrap(self, make: Callable[[], ModelAdapter]) -> ModelAdapter:
        """Wrap one model made by `make`."""
        return RecalibratedModel(make(), self.levels)


class RecalibratedModel(PostHoc):
    """A model whose normal distribution F becomes R(F), R learnt on the calibration split (Kuleshov et al. 2018).

    R is the isotonic regression, of each output, of the empirical distribution of ``PIT = F(y)`` on the PIT: how often
    the PIT stays below p. With n calibration examples the i-th smallest PIT has ``i / (n + 1)``, as a new example's has
    by exchangeability. A quantile of level a is ``F^-1(R^-1(a))``. PIT = Phi(z), so that R is fitted on z, error over
    predicted standard deviation, which does not round to 1; R is linear in z between examples, and all that is left
    beyond the smallest and the largest z is put there.

    Mean and variance are the exact moments of R(F), so that a bias is mended as well; the aleatoric and the epistemic
    variance keep their proportion.

    Parameters
    ----------
    inner
        The model to wrap.
    levels
        Of the quantiles.
    """

    file = "quantile_recalibration.safetensors"
    unchanged = ()

    def __init__(self, inner: ModelAdapter, levels: tuple[float, ...]) -> None:
        super().__init__(inner)
        self.quantile_levels = levels

    def learn(self, prediction: Prediction, calibration: SequenceBatch) -> dict[str, Values]:
        """Quantiles, mean and variance of z, as recalibrated, for each output."""
        variance = total_variance(prediction)
        if variance is None:
            raise CellError(
                "quantile_recalibration needs a model with a variance; residual_variance gives one, split_conformal "
                "intervals without"
            )
        if (variance <= 0).any():
            raise CellError(f"{int((variance <= 0).any(axis=1).sum())} calibration examples have a variance of zero")
        self._refuse_few(len(calibration))
        found = [self._recalibrated(z) for z in (errors(prediction, calibration) / np.sqrt(variance)).T]
        return {name: np.array([one[name] for one in found]) for name in (QUANTILE, SHIFT, FACTOR)}

    def changed(self, prediction: Prediction, batch: SequenceBatch) -> Prediction:
        """Moments and quantiles of the recalibrated distribution."""
        variance = total_variance(prediction)
        assert variance is not None
        sd = np.sqrt(variance)
        quantiles = prediction.mean[..., None] + sd[..., None] * self._learnt[QUANTILE]
        return replace(
            scaled(prediction, self._learnt[FACTOR]),
            mean=(prediction.mean + sd * self._learnt[SHIFT]).astype(np.float32),
            quantiles=quantiles.astype(np.float32),
            quantile_levels=self.quantile_levels,
        )

    def _recalibrated(self, z: Values) -> dict[str, Values]:
        """Of one output's z ``(example,)``."""
        n = len(z)
        z = np.sort(z)
        regression = IsotonicRegression().fit(z, np.arange(1, n + 1) / (n + 1))
        knots, share = regression.X_thresholds_, regression.y_thresholds_
        knots, share = np.r_[knots[0], knots, knots[-1]], np.r_[0.0, share, 1.0]
        mass = np.diff(share)
        low, high = knots[:-1], knots[1:]
        mean = mass @ (low + high) / 2.0
        square = mass @ (np.square(low - mean) + (low - mean) * (high - mean) + np.square(high - mean)) / 3.0
        return {QUANTILE: np.interp(self.quantile_levels, share, knots), SHIFT: mean, FACTOR: square}

    def _refuse_few(self, n: int) -> None:
        extreme = min(*self.quantile_levels, *(1.0 - level for level in self.quantile_levels))
        if (n + 1) * extreme < 1.0 - 1e-9:
            raise CellError(
                f"quantiles of level {min(self.quantile_levels):g} to {max(self.quantile_levels):g} need "
                f"{int(np.ceil(1.0 / extreme - 1e-9)) - 1:,} calibration examples or more, and the calibration split "
                f"has {n:,}"
            )
