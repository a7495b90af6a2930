"""Turn what a network's head gives into a prediction, and say how good it is. Knows no framework.

A head gives ``(example, output, value)`` in standardised units:

- ``gaussian``: mean, log variance;
- ``quantile``: the quantiles, from low to high;
- ``evidential``: gamma, nu, alpha, beta of a normal-inverse-gamma distribution (Amini et al., NeurIPS 2020).
  Its likelihood fixes the whole variance but hardly nu, by which that is parted, so that the epistemic part does not
  measure what is unknown and need not fall with more training data (Meinert et al., AAAI 2023).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from regharness import Prediction
from regharness_networks.heads import normal_of_quantiles
from regharness_reference.scales import Scales

Head = Literal["gaussian", "quantile", "evidential"]
Values = NDArray[np.float32]


def width(head: Head, levels: Sequence[float]) -> int:
    """Values that the head gives for each output."""
    return {"gaussian": 2, "quantile": len(levels), "evidential": 4}[head]


def predicted(head: Head, values: Values, levels: Sequence[float], scales: Scales) -> Prediction:
    """A prediction in target units from ``(example, output, value)``.

    Of quantiles, mean and variance are those of the normal distribution that is nearest to them.
    """
    mean, sd = scales.target_mean, scales.target_sd
    whole = values.astype(np.float64)
    if head == "gaussian":
        return _prediction(whole[..., 0] * sd + mean, np.exp(whole[..., 1]) * sd**2)
    if head == "evidential":
        gamma, nu, alpha, beta = np.moveaxis(whole, 2, 0)
        aleatoric = beta / (alpha - 1.0) * sd**2
        return _prediction(gamma * sd + mean, aleatoric, aleatoric / nu)
    whole = whole * sd[:, None] + mean[:, None]
    made = _prediction(*normal_of_quantiles(whole, np.array(levels)))
    quantiles = np.maximum.accumulate(whole.astype(np.float32), axis=2)
    return Prediction(made.mean, made.aleatoric_variance, None, quantiles, tuple(levels))


def loss(head: Head, values: Values, levels: Sequence[float], target: NDArray[np.float32]) -> float:
    """What a fit is judged by: the mean negative log likelihood, or of quantiles the mean pinball loss.

    Constants are left out. `target` is ``(example, output)``, standardised. The likelihood of an evidential head is
    Student's t distribution (Amini et al. 2020, equation 8).
    """
    whole, y = values.astype(np.float64), target.astype(np.float64)
    if head == "gaussian":
        return float(0.5 * np.mean(whole[..., 1] + (y - whole[..., 0]) ** 2 * np.exp(-whole[..., 1])))
    if head == "evidential":
        gamma, nu, alpha, beta = np.moveaxis(whole, 2, 0)
        omega = 2.0 * beta * (1.0 + nu)
        terms = (
            -0.5 * np.log(nu)
            - alpha * np.log(omega)
            + (alpha + 0.5) * np.log((y - gamma) ** 2 * nu + omega)
            + gammaln(alpha)
            - gammaln(alpha + 0.5)
        )
        return float(terms.mean())
    error = y[..., None] - whole
    level = np.array(levels)
    return float(np.maximum(level * error, (level - 1.0) * error).mean())


def _prediction(
    mean: NDArray[np.float64], aleatoric: NDArray[np.float64], epistemic: NDArray[np.float64] | None = None
) -> Prediction:
    return Prediction(
        mean.astype(np.float32),
        aleatoric.astype(np.float32),
        None if epistemic is None else epistemic.astype(np.float32),
    )
