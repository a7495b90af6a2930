"""Fit linear regression in closed form, with the variance of its predictions. Knows no sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regharness.errors import CellError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Regression:
    """A fitted regression, in the coordinates that make its features uncorrelated.

    Attributes
    ----------
    feature_mean
        ``(feature,)`` mean of the training features.
    rotation
        ``(feature, component)`` eigenvectors of their scatter matrix.
    coefficient
        ``(component, output)``.
    spread
        ``(component, output)`` variance of each coefficient, in units of the noise variance.
    target_mean
        ``(output,)`` mean of the training targets.
    noise_variance
        ``(output,)`` residual sum of squares over residual degrees of freedom.
    mean_spread
        ``(1,)`` variance of the target mean in units of the noise variance: one over the number of examples.
    """

    feature_mean: Array
    rotation: Array
    coefficient: Array
    spread: Array
    target_mean: Array
    noise_variance: Array
    mean_spread: Array

    def predict(self, features: Array) -> tuple[Array, Array]:
        """Mean and epistemic variance ``(example, output)`` at ``(example, feature)``."""
        components = (features - self.feature_mean) @ self.rotation
        mean = self.target_mean + components @ self.coefficient
        return mean, self.noise_variance * (self.mean_spread + components**2 @ self.spread)


class Scatter:
    """Sums over the training examples, gathered chunk by chunk so that all features are never in memory.

    Parameters
    ----------
    feature_mean
        ``(feature,)``; sums are of what exceeds it, so that no digits are lost.
    target_mean
        ``(output,)``.
    """

    def __init__(self, feature_mean: Array, target_mean: Array) -> None:
        self.feature_mean, self.target_mean = feature_mean, target_mean
        self.n = 0
        self.features = np.zeros((len(feature_mean), len(feature_mean)))
        self.cross = np.zeros((len(feature_mean), len(target_mean)))
        self.target = np.zeros(len(target_mean))

    def add(self, features: Array, target: Array) -> None:
        """Take in ``(example, feature)`` and ``(example, output)``."""
        centred, rest = features - self.feature_mean, target - self.target_mean
        self.n += len(features)
        self.features += centred.T @ centred
        self.cross += centred.T @ rest
        self.target += (rest**2).sum(axis=0)


def fit(scatter: Scatter, penalties: Sequence[float]) -> Regression:
    """Solve ridge regression; for each output the penalty with the least generalised cross-validation error.

    With noise variance s2 and penalty p, coefficients have the prior N(0, s2 / p) and the posterior covariance
    s2 (X'X + p I)^-1 (MacKay 1992); s2 is the residual sum of squares over n minus the effective degrees of
    freedom, and the intercept is free. In a direction that the features never varied in, the coefficient keeps
    its prior, and so its variance. A penalty of 0 is ordinary least squares, which has no prior: there such a
    direction gets no coefficient and no variance.

    Parameters
    ----------
    scatter
        Sums over all training examples.
    penalties
        Choices, relative to the mean of the eigenvalues of the features' scatter matrix that are not zero; zero
        or above. The error is n RSS / (n - freedom)^2 (Golub, Heath & Wahba 1979).

    Raises
    ------
    CellError
        With no more examples than free coefficients.
    """
    eigenvalue, rotation = np.linalg.eigh(scatter.features)
    # Directions in which the features do not vary carry rounding errors alone: there only the prior speaks.
    varies = eigenvalue > eigenvalue.max(initial=0.0) * len(eigenvalue) * np.finfo(float).eps
    eigenvalue = np.where(varies, eigenvalue, 0.0)
    along = np.where(varies[:, None], rotation.T @ scatter.cross, 0.0)
    unit = eigenvalue[varies].mean() if varies.any() else 0.0
    error = np.full(len(scatter.target), np.inf)
    coefficient, spread, noise = np.zeros_like(along), np.zeros_like(along), np.zeros_like(scatter.target)
    for penalty in penalties:
        strength = eigenvalue + penalty * unit
        inverse = np.divide(1.0, strength, out=np.zeros_like(strength), where=strength > 0)
        freedom = scatter.n - 1 - (eigenvalue * inverse).sum()
        if freedom < 0.5:
            continue
        explained = (along**2 * ((eigenvalue + 2 * penalty * unit) * inverse**2)[:, None]).sum(axis=0)
        residual = np.maximum(scatter.target - explained, 0.0)
        better = residual / freedom**2 < error
        error[better] = residual[better] / freedom**2
        coefficient[:, better] = (along * inverse[:, None])[:, better]
        spread[:, better] = inverse[:, None]
        noise[better] = residual[better] / freedom
    if not np.isfinite(error).all():
        raise CellError(f"{scatter.n} training examples are too few to estimate the noise of a regression")
    means = scatter.feature_mean, scatter.target_mean
    # One memory layout before and after saving, so that products round alike.
    rotation = np.ascontiguousarray(rotation)
    return Regression(means[0], rotation, coefficient, spread, means[1], noise, np.array([1.0 / scatter.n]))


def chunks(n: int, size: int) -> Iterator[slice]:
    """Slices of `size` that cover `n` examples."""
    for start in range(0, n, size):
        yield slice(start, start + size)
