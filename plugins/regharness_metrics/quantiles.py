"""Score a model's own quantiles, all of them at once. Takes none from a variance.

Notation: y target, q the quantile of level a. Quantiles that cross are scored as they are, unsorted. All exact over
the examples of a cell, in float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regharness.quantiles import level_places
from regharness_metrics.means import MeanLoss

Values = NDArray[np.float64]
MEDIAN = 0.5


class PinballLoss(MeanLoss):
    """Pinball loss ``mean(max(a (y - q), (a - 1) (y - q)))``, over examples and levels, in target units.

    Direction: lower, zero at best. Needs: quantiles, of any levels; models are comparable where theirs are equal.
    Koenker & Bassett, Econometrica 46:33 (1978).
    """

    direction = "lower"
    needs_quantiles = True

    def takes_levels(self, levels: tuple[float, ...]) -> bool:
        """Always."""
        return True

    def quantile_losses(self, target: Values, quantiles: Values, levels: tuple[float, ...]) -> Values:
        over, level = target[:, None] - quantiles, np.array(levels)
        return np.mean(np.maximum(level * over, (level - 1) * over), axis=1)


class WeightedIntervalScore(PinballLoss):
    """Weighted interval score, ``(|y - m| / 2 + sum_k (a_k / 2) IS_k) / (K + 1 / 2)``, in target units.

    m is the median and ``IS_k`` the interval score of the central interval of level ``1 - a_k``, of K of them; it is
    twice the pinball loss. Direction: lower, zero at best. Needs: quantiles of level 0.5 and of one or more pairs
    ``a / 2`` and ``1 - a / 2``, and none beside them. Bracher et al., PLoS Comput. Biol. 17:e1008618 (2021).
    """

    def takes_levels(self, levels: tuple[float, ...]) -> bool:
        """Whether they are the median and pairs around it."""
        pairs = level_places(levels, [1 - level for level in levels])
        return pairs is not None and len(levels) > 1 and level_places(levels, [MEDIAN]) is not None

    def quantile_losses(self, target: Values, quantiles: Values, levels: tuple[float, ...]) -> Values:
        return 2 * super().quantile_losses(target, quantiles, levels)
