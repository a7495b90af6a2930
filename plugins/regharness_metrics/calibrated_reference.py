"""Own what a score of calibration would be for a calibrated model with the same sigmas. Looks at no error."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, poch

from regharness.interfaces import Metric
from regharness_metrics.calibration import bin_sizes

Values = NDArray[np.float64]


class ExpectedNormalisedCalibrationErrorReference(Metric):
    """ENCE that is to be expected of a calibrated model with these sigmas, whose errors are Gaussian.

    `ence` is above zero even for such a model, the more so the fewer examples a bin holds: subtract this from it, or
    show both. In each of the 10 bins of `ence` the squared errors, over their sum of variances, are taken to follow a
    chi-square distribution over its degrees of freedom, of which there are ``v = (sum sigma^2)^2 / sum sigma^4``; then

        E|1 - RMSE / RMV| = 2 P(v/2, v/2) - 1 + m (1 - 2 P((v+1)/2, v/2)),  m = sqrt(2/v) Gamma((v+1)/2) / Gamma(v/2)

    with P the regularised lower incomplete gamma function. This is exact where a bin's sigmas are equal. Else the
    distribution has the right mean and variance (Satterthwaite), and the reference was found 0 to 5% too high for
    sigmas whose logarithms have a standard deviation of 1 to 1.5. Unlike a simulation, it is the same each time and for
    any order of rows.

    Direction: lower, though it judges only the number of examples. Needs: variance. Fewer than 10 examples: a bin each.
    A bin whose sigmas are all zero, or one of them infinite: NaN. Levi et al., Sensors 22:5540 (2022); Pernot,
    arXiv:2305.11905 (2023); Satterthwaite, Biometrics Bulletin 2:110 (1946).
    """

    direction = "lower"
    needs_variance = True

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values) -> float:
        if not np.isfinite(variance).all():
            return math.nan
        ordered, sizes = np.sort(variance), bin_sizes(variance.size)
        starts = np.cumsum(sizes) - sizes
        # Relative to the largest of its bin, a square neither overflows nor underflows.
        relative = ordered / np.repeat(ordered[starts + sizes - 1], sizes)
        freedom = np.add.reduceat(relative, starts) ** 2 / np.add.reduceat(relative**2, starts)
        half = freedom / 2
        root_mean = poch(half, 0.5) / np.sqrt(half)
        gap = 2 * gammainc(half, half) - 1 + root_mean * (1 - 2 * gammainc(half + 0.5, half))
        return float(np.mean(gap))
