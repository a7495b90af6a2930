"""Conformalised quantile regression: a model's own quantiles, moved until they hold their share. Learns no model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from regharness import InputError, Prediction, SequenceBatch
from regharness.interfaces import ModelAdapter, UncertaintyMethod
from regharness.quantiles import declared_levels
from regharness_uncertainty.conformal import ConformalModel
from regharness_uncertainty.ranks import bound
from regharness_uncertainty.wrapping import Values

MOVE = "move"


class ConformalisedQuantiles(UncertaintyMethod):
    """Move a model's quantiles apart, or together, so that they hold a stated share of new measurements.

    Parameters
    ----------
    alpha
        Share of measurements that may lie outside.
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def wrap(self, make: Callable[[], ModelAdapter]) -> ModelAdapter:
        """Wrap one model made by `make`, which must declare quantiles below and above the median."""
        model = make()
        levels = declared_levels(model)
        if not levels or not levels[0] < 0.5 < levels[-1]:
            given = f"those of {', '.join(f'{level:g}' for level in levels)}" if levels else "none"
            raise InputError(
                f"conformalised_quantiles needs quantiles below and above the median, and {type(model).__name__} gives "
                f"{given}",
                help="normalised_conformal takes a model with a variance, split_conformal any",
            )
        return ConformalisedQuantilesModel(model, self.alpha)


class ConformalisedQuantilesModel(ConformalModel):
    """Intervals ``[l - Q, u + Q]`` around a model's quantiles l and u (Romano, Patterson & Candès, NeurIPS 2019).

    l and u are those whose levels are nearest to ``alpha / 2`` and ``1 - alpha / 2`` on either side of the median; any
    pair is valid, and the nearest gives the narrowest intervals. Q is the ``ceil((n + 1)(1 - alpha))``-th smallest of
    ``max(l - y, y - u)`` on the calibration split, of each output. It may be negative; ends that would pass each other
    meet half-way. The result has these two quantiles and no other, and the mean as it was; its variance is that of the
    normal interval that is as wide, in one part.

    Parameters
    ----------
    inner
        The model to wrap.
    alpha
        Share of measurements that may lie outside.
    """

    file = "conformalised_quantiles.safetensors"

    def __init__(self, inner: ModelAdapter, alpha: float) -> None:
        super().__init__(inner, alpha)
        levels = np.array(inner.quantile_levels)
        distance = np.abs(levels - alpha / 2.0), np.abs(levels - (1.0 - alpha / 2.0))
        self._lower = int(np.where(levels < 0.5, distance[0], np.inf).argmin())
        self._upper = int(np.where(levels > 0.5, distance[1], np.inf).argmin())

    def learn(self, prediction: Prediction, calibration: SequenceBatch) -> dict[str, Values]:
        """How far each output's ends move."""
        lower, upper = self._ends(prediction)
        assert calibration.target is not None
        scores = np.maximum(lower - calibration.target, calibration.target - upper)
        return {MOVE: bound(scores, self.alpha, "calibration split")}

    def changed(self, prediction: Prediction, batch: SequenceBatch) -> Prediction:
        """The mean, with the interval that was moved."""
        lower, upper = self._ends(prediction)
        lower, upper = lower - self._learnt[MOVE], upper + self._learnt[MOVE]
        middle = (lower + upper) / 2.0
        return self.with_interval(prediction, np.minimum(lower, middle), np.maximum(upper, middle))

    def _ends(self, prediction: Prediction) -> tuple[Values, Values]:
        """The model's own ``(example, output)``."""
        assert prediction.quantiles is not None
        quantiles = prediction.quantiles.astype(np.float64)
        return quantiles[..., self._lower], quantiles[..., self._upper]
