"""Measure what is saved by withholding the least certain predictions, and at which fraction. Ranks by sigma alone.

Notation: the loss is the squared error, or the absolute one. Examples of equal sigma each count with the mean loss of
their group, so the order of rows never matters. All exact over a cell, in float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regharness.interfaces import Metric
from regharness_metrics.association import centred
from regharness_metrics.selective import Loss, area_of, by_certainty, losses_of

Values = NDArray[np.float64]


def _gain(ordered: Values) -> float:
    """Mean loss, which is the area of a random order, less the area of this one."""
    return -area_of(centred(ordered))


class AreaUnderRiskGain(Metric):
    """AURG, the AURC of a random order, which is the mean loss, less `aurc`: what ranking by sigma saves.

    Direction: higher; zero for a useless sigma, negative for one that ranks the wrong way round. Needs: variance. One
    example, or one sigma for all: 0. An infinite loss: NaN. El-Yaniv & Wiener, JMLR 11:1605 (2010);
    Geifman & El-Yaniv, NeurIPS (2017).

    Parameters
    ----------
    loss
        ``"squared"`` or ``"absolute"`` error.
    """

    direction = "higher"
    needs_variance = True

    def __init__(self, loss: Loss) -> None:
        self._loss = loss

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        return _gain(by_certainty(losses_of(target, mean, self._loss), variance))


class PredictionRejectionRatio(AreaUnderRiskGain):
    """PRR, the share of what the order by loss saves that the order by sigma does, both against a random order.

    ``(AURC_random - AURC) / (AURC_random - AURC_oracle)``, where AURC_random is the mean loss. Direction: higher; 1 for
    a perfect ranking, 0 for a useless one, negative for the wrong way round. Needs: variance. Equal losses, so also one
    example: NaN. One sigma for all: 0. An infinite loss: NaN. Malinin, Prokhorenkova & Ustimenko, ICLR (2021).

    Parameters
    ----------
    loss
        ``"squared"`` or ``"absolute"`` error.
    """

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        losses = losses_of(target, mean, self._loss)
        return float(np.divide(_gain(by_certainty(losses, variance)), _gain(np.sort(losses))))


class RiskCoverageCurve(Metric):
    """Mean squared error of the most certain examples, by the fraction retained.

    A curve along ``retained_fraction``, whose labels c are 0.05, 0.10, ..., 1, exactly j / 20: `selective_risk_50` is
    its value at 0.5, and `mse` that at 1. Of n examples the ``k = ceil(c n)`` of lowest sigma are retained; a tied
    group cut by k counts with its mean loss.

    Direction: lower. Needs: variance. One example: its loss everywhere. El-Yaniv & Wiener, JMLR 11:1605 (2010).
    """

    direction = "lower"
    needs_variance = True
    dimension = "retained_fraction"
    labels = tuple(j / 20 for j in range(1, 21))

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> Values:
        ordered = by_certainty(losses_of(target, mean, "squared"), variance)
        kept = [-(-j * ordered.size // 20) for j in range(1, 21)]
        return np.array([np.mean(ordered[:k]) for k in kept])
