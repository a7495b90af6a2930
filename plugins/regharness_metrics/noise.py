"""Score predictions of examples whose measurement has a known variance. Looks at no other.

Notation: y target, mu mean, e = y - mu, v the variance of the measurement, moments over n. An example whose v is not
known is left out of these metrics, and of no other; where none is known, they are NaN. All exact over the examples of a
cell, in float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regharness.interfaces import Evidence, Metric
from regharness_metrics.association import centred, correlation
from regharness_metrics.gaussian import ZMeanSquare

Values = NDArray[np.float64]


class _OfKnownNoise(Metric):
    """A metric of the examples whose noise is known."""

    needs: tuple[str, ...] = ("noise_variance",)

    @np.errstate(all="ignore")
    def score_evidence(self, evidence: Evidence) -> float:
        known = _known(evidence)
        if not len(known):
            return float("nan")
        return self.score_known(known.target, known.mean, float(np.mean(known.noise_variance)))

    def score_known(self, target: Values, mean: Values, noise: float) -> float:
        """Reduce ``(example,)`` arrays and the mean variance of the measurement."""
        raise NotImplementedError

    @np.errstate(all="ignore")
    def terms(self, evidence: Evidence) -> Values:
        """``(8, example)``: whether v is known; if so, else 0, v, e^2, and y, mu, their squares and product.

        y and mu are about their own means.
        """
        known = _known(evidence)
        kept = ~np.isnan(evidence.noise_variance)
        found = np.zeros((8, kept.size))
        found[0] = kept
        if kept.any():
            y, mu = known.target - known.target.mean(), known.mean - known.mean.mean()
            square = (known.target - known.mean) ** 2
            found[1:, kept] = np.stack([known.noise_variance, square, y, mu, y * y, mu * mu, y * mu])
        return found

    @np.errstate(all="ignore")
    def of_means(self, means: Values) -> Values:
        """The score of each set whose means are ``(8, ...)``."""
        noise, square, y, mu, yy, mumu, ymu = means[1:] / means[0]
        return self.of_moments(noise, square, yy - y * y, mumu - mu * mu, ymu - y * mu)

    def of_moments(self, noise: Values, square: Values, var_y: Values, var_mu: Values, covariance: Values) -> Values:
        """The score of each set by its mean noise, mean squared error, variances and covariance (over n)."""
        raise NotImplementedError


def _known(evidence: Evidence) -> Evidence:
    return evidence.select(~np.isnan(evidence.noise_variance))


class ExcessRisk(_OfKnownNoise):
    """Mean squared error above the noise floor, ``mean(e^2) - mean(v)``, in squared target units.

    It estimates the mean squared error against the noiseless activity, without bias where noise and prediction are
    independent, so by chance it can be below zero. Direction: lower. Needs: mean and noise_variance. An infinite v:
    negative infinity, or NaN beside an infinite error. Examples whose v is missing are left out; none left: NaN.
    """

    direction = "lower"

    def score_known(self, target: Values, mean: Values, noise: float) -> float:
        return float(np.mean((target - mean) ** 2)) - noise

    def of_moments(self, noise: Values, square: Values, var_y: Values, var_mu: Values, covariance: Values) -> Values:
        return square - noise


class DeconvolvedR2(_OfKnownNoise):
    """Share of the noiseless activity's variance explained, ``1 - (mean(e^2) - mean(v)) / (var(y) - mean(v))``.

    `r2` with what the measurement adds taken off the error and the variance of the target; equal to it where v is zero.
    Direction: higher; by chance it can be above 1, and it is left so, for clipping would bias it. Needs: mean and
    noise_variance. Targets that vary no more than their noise: NaN. Examples whose v is missing are left out; none
    left: NaN. Spearman, Am. J. Psychol. 15:72 (1904), whose correction for attenuation it applies to R2.
    """

    direction = "higher"

    def score_known(self, target: Values, mean: Values, noise: float) -> float:
        signal = float(np.mean(centred(target) ** 2)) - noise
        return 1 - (float(np.mean((target - mean) ** 2)) - noise) / signal if signal > 0 else float("nan")

    def of_moments(self, noise: Values, square: Values, var_y: Values, var_mu: Values, covariance: Values) -> Values:
        signal = var_y - noise
        return np.where(signal > 0, 1 - (square - noise) / signal, np.nan)


class DeconvolvedPearsonR(_OfKnownNoise):
    """Correlation of the mean with the noiseless activity, ``r / sqrt(reliability)``: `pearson_r` without attenuation.

    The reliability is ``1 - mean(v) / var(y)``, the share of the targets' variance that is not noise.
    Direction: higher; by chance it can be outside [-1, 1], and it is left so, for clipping would bias it. Needs: mean
    and noise_variance. Targets that vary no more than their noise, or a constant side: NaN. Examples whose v is missing
    are left out; none left: NaN. Spearman, Am. J. Psychol. 15:72 (1904).
    """

    direction = "higher"

    def score_known(self, target: Values, mean: Values, noise: float) -> float:
        reliability = 1 - np.divide(noise, np.mean(centred(target) ** 2))
        return float(correlation(target, mean) / np.sqrt(reliability)) if reliability > 0 else float("nan")

    def of_moments(self, noise: Values, square: Values, var_y: Values, var_mu: Values, covariance: Values) -> Values:
        reliability = np.where(var_y > noise, 1 - noise / var_y, np.nan)
        return covariance / np.sqrt(var_y * var_mu * reliability)


class NoiseZMeanSquare(Metric):
    """Mean squared error in units of model and measurement together, ``mean(e^2 / (sigma^2 + v))``.

    For models whose variance is of the noiseless activity only, epistemic; one that holds the noise already has
    `z_mean_square`. Above 1 when overconfident, below when underconfident. Direction: target value 1. Needs: variance
    and noise_variance. Examples with a zero total are left out, as are those whose v is missing; none left: NaN. An
    infinite total counts as 0. Levi et al., Sensors 22:5540 (2022).
    """

    direction = 1.0
    needs_variance = True
    needs = ("noise_variance",)

    def score_evidence(self, evidence: Evidence) -> float:
        known = _known(evidence)
        if not len(known):
            return float("nan")
        return ZMeanSquare().score(known.target, known.mean, _total(known))

    @np.errstate(all="ignore")
    def terms(self, evidence: Evidence) -> Values:
        """``(2, example)``: whether an example counts, and its squared error over the total if so, else 0."""
        kept = ~np.isnan(evidence.noise_variance)
        known = _known(evidence)
        found = np.zeros((2, kept.size))
        if kept.any():
            found[:, kept] = ZMeanSquare().terms(Evidence(known.target, known.mean, _total(known)))
        return found

    def of_means(self, means: Values) -> Values:
        """The score of each set whose means are ``(2, ...)``."""
        return ZMeanSquare().of_means(means)


def _total(evidence: Evidence) -> Values:
    return np.asarray(evidence.variance + evidence.noise_variance, np.float64)
