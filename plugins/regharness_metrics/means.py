"""Own the metrics' bases that are functions of means over examples, which blocks of sums can resample. Scores nothing.

Notation: y target, mu mean, e = y - mu.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regharness.interfaces import Evidence, Metric

Values = NDArray[np.float64]


class MeanLoss(Metric):
    """A metric that is the mean of one loss an example."""

    def losses(self, target: Values, mean: Values, variance: Values | None) -> Values:
        """The loss of each ``(example,)``."""
        raise NotImplementedError

    def quantile_losses(self, target: Values, quantiles: Values, levels: tuple[float, ...]) -> Values:
        """The loss of each ``(example,)`` by the model's own quantiles, where the metric takes their levels."""
        raise NotImplementedError

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values | None) -> float:
        return float(np.mean(self.losses(target, mean, variance)))

    @np.errstate(all="ignore")
    def score_quantiles(self, target: Values, quantiles: Values, levels: tuple[float, ...]) -> float:
        return float(np.mean(self.quantile_losses(target, quantiles, levels)))

    @np.errstate(all="ignore")
    def terms(self, evidence: Evidence) -> Values:
        """The loss, ``(1, example)``."""
        if evidence.quantiles is not None and self.takes_levels(evidence.levels):
            return self.quantile_losses(evidence.target, evidence.quantiles, evidence.levels)[None]
        return self.losses(evidence.target, evidence.mean, evidence.variance)[None]

    def of_means(self, means: Values) -> Values:
        """The score of each set whose means are ``(1, ...)``."""
        return means[0]


class OfMoments(Metric):
    """A metric of the first and second moments of target and mean."""

    @np.errstate(all="ignore")
    def terms(self, evidence: Evidence) -> Values:
        """``(7, example)``: y, mu, their squares and product about the cell's own means; e and its square."""
        found = np.empty((7, len(evidence)))
        y, mu, yy, mumu, ymu, error, square = found
        np.subtract(evidence.target, evidence.target.mean(), out=y)
        np.subtract(evidence.mean, evidence.mean.mean(), out=mu)
        np.subtract(evidence.target, evidence.mean, out=error)
        for one, two, product in ((y, y, yy), (mu, mu, mumu), (y, mu, ymu), (error, error, square)):
            np.multiply(one, two, out=product)
        return found

    @np.errstate(all="ignore")
    def of_means(self, means: Values) -> Values:
        """The score of each set whose means are ``(7, ...)``."""
        y, mu, yy, mumu, ymu, error, square = means
        return self.of_moments(yy - y * y, mumu - mu * mu, ymu - y * mu, error, square)

    def of_moments(self, var_y: Values, var_mu: Values, covariance: Values, error: Values, square: Values) -> Values:
        """The score of each set by its variances and covariance (over n), its mean error and mean squared error."""
        raise NotImplementedError
