"""Measure the errors left when the least certain predictions are withheld. Judges no calibration.

Notation: loss_(i) the loss of the example with the i-th lowest sigma, i = 1..n. Examples of equal sigma each
count with the mean loss of their group, so the order of rows never matters; this is the mean over all orders
of the tied. Loss is the squared error, or the absolute one. All exact in float64; from more than 100,000 examples
that come in blocks, fine histograms give them to within 0.05% (`regharness_metrics.orders`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regharness.interfaces import Metric
from regharness.scoring import EXACT_UP_TO
from regharness_metrics.bins import BY_BOTH, BY_ERROR, BY_VARIANCE, Loss
from regharness_metrics.orders import Estimate, area_by_loss, area_by_sigma, estimated, generalised_area, risk_of_first
from regharness_metrics.sorting import tied_means
from regharness_metrics.streams import Examples

Values = NDArray[np.float64]


def losses_of(target: Values, mean: Values, loss: Loss) -> Values:
    """The loss of each ``(example,)``."""
    error = np.subtract(target, mean, dtype=np.float64)
    return np.square(error, out=error) if loss == "squared" else np.abs(error, out=error)


def by_certainty(losses: Values, variance: Values) -> Values:
    """Order losses from the lowest sigma to the highest, each tied group flattened to its mean."""
    sigma = np.sqrt(variance)
    if sigma.size > EXACT_UP_TO:
        return tied_means(losses, sigma)
    order = np.argsort(sigma)  # ties are flattened below, so it need not be stable
    losses, sigma = losses[order], sigma[order]
    starts = np.flatnonzero(np.concatenate(([True], sigma[1:] != sigma[:-1])))
    if starts.size == sigma.size:
        return losses
    sizes = np.diff(starts, append=sigma.size)
    means = np.add.reduceat(losses, starts) / sizes
    # Rounding takes the mean of equal losses off them, and what is then saved off zero.
    means = np.clip(means, np.minimum.reduceat(losses, starts), np.maximum.reduceat(losses, starts))
    return np.repeat(means, sizes)


def area_of(ordered: Values) -> float:
    """AURC of losses in the order of certainty: mean over k = 1..n of the mean of the first k."""
    if ordered.size > EXACT_UP_TO:
        from regharness_metrics.sort_kernels import area

        return float(area(ordered))
    return float(np.mean(np.cumsum(ordered) / np.arange(1, ordered.size + 1)))


def _excess(state: Examples, loss: Loss) -> Estimate | None:
    area, least = area_by_sigma(state, loss), area_by_loss(state, loss)
    return Estimate(area.value - least.value, area.bound + least.bound) if area and least else None


class AreaUnderRiskCoverage(Metric):
    """AURC, ``(1/n) sum over k of (1/k) sum over i <= k of loss_(i)``.

    Direction: lower. Needs: variance. One example, or one sigma for all: the mean loss. An infinite sigma
    ranks last. This is the empirical mean over all n coverages, neither a trapezoid nor a grid.
    Geifman & El-Yaniv, NeurIPS (2017); Geifman, Uziel & El-Yaniv, ICLR (2019).

    Parameters
    ----------
    loss
        ``"squared"`` or ``"absolute"`` error.
    """

    direction = "lower"
    needs_variance = True
    finalize = estimated(lambda metric, state: area_by_sigma(state, metric._loss))

    def __init__(self, loss: Loss) -> None:
        self._loss = loss
        self.accumulator = BY_VARIANCE[loss]

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        return area_of(by_certainty(losses_of(target, mean, self._loss), variance))


class OracleAreaUnderRiskCoverage(Metric):
    """AURC of the squared error when examples are ordered by that loss itself: the least that AURC can be.

    Direction: lower. Needs: mean. One example: its loss. Geifman, Uziel & El-Yaniv, ICLR (2019).
    """

    direction = "lower"
    accumulator = BY_ERROR["squared"]
    finalize = estimated(lambda metric, state: area_by_loss(state, "squared"))

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values | None) -> float:
        return area_of(np.sort(losses_of(target, mean, "squared")))


class ExcessAreaUnderRiskCoverage(Metric):
    """E-AURC, AURC less the AURC of the order by loss: what a perfect ranking would still save.

    Direction: lower, zero at best. Needs: variance. One example: 0. An infinite loss: NaN.
    Geifman, Uziel & El-Yaniv, ICLR (2019).

    Parameters
    ----------
    loss
        ``"squared"`` or ``"absolute"`` error.
    """

    direction = "lower"
    needs_variance = True
    finalize = estimated(lambda metric, state: _excess(state, metric._loss))

    def __init__(self, loss: Loss) -> None:
        self._loss = loss
        self.accumulator = BY_BOTH[loss]

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        losses = losses_of(target, mean, self._loss)
        # The area is linear, so the difference of areas is the area of differences, with less rounding.
        return area_of(by_certainty(losses, variance) - np.sort(losses))


class AreaUnderGeneralisedRisk(Metric):
    """AUGRC, ``(1/n^2) sum over i of (n - i + 1/2) loss_(i)``: the mean loss let through, over all coverages.

    Direction: lower. Needs: variance. One example: half its loss. One sigma for all: half the mean loss.
    Traub et al., NeurIPS (2024).

    Parameters
    ----------
    loss
        ``"squared"`` or ``"absolute"`` error.
    """

    direction = "lower"
    needs_variance = True
    finalize = estimated(lambda metric, state: generalised_area(state, metric._loss))

    def __init__(self, loss: Loss) -> None:
        self._loss = loss
        self.accumulator = BY_VARIANCE[loss]

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        ordered = by_certainty(losses_of(target, mean, self._loss), variance)
        n = ordered.size
        return float((n - np.arange(n) - 0.5) @ ordered / n**2)


class SelectiveRisk(Metric):
    """Mean squared error of the most certain examples, the ``k = ceil(percent n / 100)`` of lowest sigma.

    Direction: lower. Needs: variance. A tied group cut by k counts with its mean loss. One example: its loss.
    El-Yaniv & Wiener, JMLR 11:1605 (2010).

    Parameters
    ----------
    percent
        Retained fraction in percent, above 0 and at most 100.
    """

    direction = "lower"
    needs_variance = True
    accumulator = BY_VARIANCE["squared"]
    finalize = estimated(lambda metric, state: risk_of_first(state, -(-metric._percent * len(state) // 100)))

    def __init__(self, percent: int) -> None:
        self._percent = percent

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        ordered = by_certainty(losses_of(target, mean, "squared"), variance)
        kept = -(-self._percent * ordered.size // 100)  # a ceiling in whole numbers; floats get it wrong
        return float(np.mean(ordered[:kept]))
