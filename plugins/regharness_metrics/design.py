"""Score a model as a chooser of elements: are the ones that it ranks highest the most active? Looks at no variance.

Notation: y target, mu mean, n examples. Where a choice cuts through equal values, each of the tied is as likely to be
chosen, so the order of rows never matters. All exact over the examples of a cell, in float64.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from regharness.interfaces import Metric

Values = NDArray[np.float64]


def _chance_of_choice(values: Values, k: int) -> Values:
    """Chance of each ``(example,)`` to be among the `k` highest, ties broken at random."""
    least = np.partition(values, values.size - k)[values.size - k]
    above, tied = values > least, values == least
    return np.where(tied, (k - np.count_nonzero(above)) / np.count_nonzero(tied), above)


def _expected_maximum(values: Values, drawn: int) -> float:
    """Mean of the largest of `drawn` of the values, drawn without replacement."""
    ordered = np.sort(values)[::-1]
    n = ordered.size
    # The i-th smallest is the largest drawn in C(i - 1, drawn - 1) of the C(n, drawn) draws; from the highest down,
    # each chance is the one before it times (i - drawn) / (i - 1).
    i = np.arange(n, drawn, -1, dtype=np.float64)
    chances = drawn / n * np.concatenate(([1.0], np.cumprod((i - drawn) / (i - 1))))
    return float(chances @ ordered[: chances.size])


class RegretAtK(Metric):
    """What is lost by testing only the k elements predicted to be most active: ``max(y) - max(y of those k)``.

    In target units. Where equal predictions compete for the last places, the second term is its mean over all ways to
    fill them. Direction: lower, zero where the best element is among the k. Needs: mean. No more than k examples: 0. An
    infinite best target: NaN. This is the simple regret of a batch; Bubeck, Munos & Stoltz, ALT (2009).

    Parameters
    ----------
    k
        How many elements are tested, 1 or more.
    """

    direction = "lower"

    def __init__(self, k: int = 10) -> None:
        self._k = k

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values | None) -> float:
        chance = _chance_of_choice(mean, min(self._k, target.size))
        regret = target.max() - target
        sure, tied = regret[chance == 1], regret[(chance > 0) & (chance < 1)]
        if not tied.size:
            return float(sure.min())
        # None of the tied can do better than the best of the sure.
        bounded = np.minimum(tied, sure.min(initial=np.inf))
        drawn = min(self._k, target.size) - sure.size
        return -_expected_maximum(-bounded, drawn)


class EnrichmentAtK(Metric):
    """How many times more of the truly most active elements are found among those predicted highest than by chance.

    With the K = ceil(percent n / 100) elements of highest target and as many of highest mean, ``(hits / K) / (K / n)``,
    hits being how many are both. Ties at either border count with their chance. Direction: higher; 1 by chance or
    for a constant prediction, n / K at best. Needs: mean. One example: 1. Enrichment factor; Truchon & Bayly, J. Chem.
    Inf. Model. 47:488 (2007).

    Parameters
    ----------
    percent
        Share of the elements that count as most active, above 0 and at most 100.
    """

    direction = "higher"

    def __init__(self, percent: float = 5.0) -> None:
        # Of what the number was written as: 0.1% of 1,000 is 1, and no float more.
        self._share = Fraction(str(percent)) / 100

    @np.errstate(all="ignore")
    def score(self, target: Values, mean: Values, variance: Values | None) -> float:
        n = target.size
        k = -(-self._share.numerator * n // self._share.denominator)
        hits = _chance_of_choice(target, k) @ _chance_of_choice(mean, k)
        return float(hits * n / k**2)
