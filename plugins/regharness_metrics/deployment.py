"""Score the use of a model where it is certain enough, under a promise made on the unshifted test set.

Notation: sigma = sqrt(variance), risk the mean squared error of the examples that are automated, those with sigma at
most a threshold. The threshold is chosen on identity, and stays the same under shift. All exact, in float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regharness.interfaces import Evidence, IdentityMetric

Values = NDArray[np.float64]


class _Automated(IdentityMetric):
    """A score of the examples that are certain enough.

    Parameters
    ----------
    risk
        Highest mean squared error of the automated examples on identity.
    relative
        Whether `risk` is a share of the mean squared error of all examples on identity, rather than a number of squared
        target units.
    """

    needs_variance = True

    def __init__(self, risk: float = 0.5, relative: bool = True) -> None:
        self._risk = risk
        self._relative = relative

    @np.errstate(all="ignore")
    def score_against(self, identity: Evidence, shifted: Evidence) -> float:
        sigma, risks = _risks(*_losses_and_sigma(identity))
        stated = self._risk * float(risks[-1]) if self._relative else self._risk
        kept = np.flatnonzero(risks <= stated)
        threshold = sigma[kept[-1]] if kept.size else -np.inf
        shifted_losses, shifted_sigma = _losses_and_sigma(shifted)
        return self.of_automated(shifted_losses, shifted_sigma <= threshold, stated)

    def of_automated(self, losses: Values, automated: NDArray[np.bool_], stated: float) -> float:
        """The score by the squared errors ``(example,)`` under shift, which of them count, and the risk promised."""
        raise NotImplementedError


def _losses_and_sigma(evidence: Evidence) -> tuple[Values, Values]:
    return (evidence.target - evidence.mean) ** 2, np.sqrt(evidence.variance)


def _risks(losses: Values, sigma: Values) -> tuple[Values, Values]:
    """The sigmas that there are, from low to high, and the mean loss of all examples up to each."""
    levels, group = np.unique(sigma, return_inverse=True)
    return levels, np.cumsum(np.bincount(group, losses)) / np.cumsum(np.bincount(group))


class AutomatedFraction(_Automated):
    """Share of examples that can be left to the model at a stated risk: those with sigma at most a threshold.

    The threshold is the largest sigma on identity up to which the mean squared error there is at most the stated risk;
    examples of equal sigma are automated together. On identity it is what the risk allows; under shift, what the same
    threshold lets through. Direction: higher. Needs: variance, and identity. No such threshold: 0.
    Geifman & El-Yaniv, NeurIPS (2017).

    Parameters
    ----------
    risk
        Highest mean squared error of the automated examples on identity.
    relative
        Whether `risk` is a share of the mean squared error of all examples on identity, rather than a number of squared
        target units.
    """

    direction = "higher"

    def of_automated(self, losses: Values, automated: NDArray[np.bool_], stated: float) -> float:
        return float(np.mean(automated))


class AutomatedRisk(_Automated):
    """Mean squared error of the examples of `automated_fraction`, over the risk that was stated.

    Above 1 the promise is broken. On identity it is at most 1. Direction: lower. Needs: variance, and identity. No
    example is automated: NaN. A stated risk of zero, as a share of no error at all: infinity, or NaN without an error
    under shift either. Geifman & El-Yaniv, NeurIPS (2017).

    Parameters
    ----------
    risk
        Highest mean squared error of the automated examples on identity.
    relative
        Whether `risk` is a share of the mean squared error of all examples on identity, rather than a number of squared
        target units.
    """

    direction = "lower"

    def of_automated(self, losses: Values, automated: NDArray[np.bool_], stated: float) -> float:
        return float(np.divide(np.mean(losses[automated]), stated)) if automated.any() else float("nan")
