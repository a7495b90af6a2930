"""Score the members of an ensemble as a sample of what may be measured, or as a mixture. Judges no ranking.

Notation: y target, x_i what the i-th of m members predicts, s_i the root of its variance. All exact over the examples
of a cell, in float64, and a few thousand examples at a time, so that little is held beside the members themselves.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from regharness.interfaces import Evidence, Metric
from regharness_metrics.gaussian import standardised

Values = NDArray[np.float64]

NUMBERS = 1 << 18
"""Members of examples that are looked at together."""


class _MemberLoss(Metric):
    """A mean, over examples, of one loss of the members."""

    direction = "lower"
    needs: tuple[str, ...] = ("members",)

    def losses(self, target: Values, members: Values, member_variance: Values | None) -> Values:
        """The loss of each ``(example,)``."""
        raise NotImplementedError

    def score_evidence(self, evidence: Evidence) -> float:
        return float(np.mean(self.terms(evidence)[0]))

    @np.errstate(all="ignore")
    def terms(self, evidence: Evidence) -> Values:
        """The loss, ``(1, example)``."""
        examples, members = evidence.members.shape
        found = np.empty((1, examples))
        for rows in _blocks(examples, members):
            variance = None if evidence.member_variance is None else evidence.member_variance[rows]
            found[0, rows] = self.losses(evidence.target[rows], evidence.members[rows], variance)
        return found

    def of_means(self, means: Values) -> Values:
        """The score of each set whose means are ``(1, ...)``."""
        return means[0]


def _blocks(examples: int, members: int) -> list[slice]:
    size = max(1, NUMBERS // members)
    return [slice(start, start + size) for start in range(0, examples, size)]


def _mean_error(target: Values, members: Values) -> Values:
    return np.mean(np.abs(members - target[:, None]), axis=1)


def _sum_of_distances(members: Values) -> Values:
    """Sum of ``|x_i - x_j|`` over all pairs, each once, ``(example,)``."""
    ordered = np.sort(members, axis=1)
    below = np.arange(1, ordered.shape[1])
    # The gap above the k-th lies between k members and the m - k others: no differences of large sums, in O(m log m).
    return np.diff(ordered, axis=1) @ (below * (ordered.shape[1] - below)).astype(np.float64)


class EnsembleContinuousRankedProbabilityScore(_MemberLoss):
    """CRPS of the members' empirical distribution, ``mean |x_i - y| - sum_i sum_j |x_i - x_j| / (2 m^2)``.

    The mean over examples, in target units. It favours ensembles with more members, and with a spread that is too small
    for few; `crps_fair` does not. Direction: lower, zero at best. Needs: members. One member: its absolute error.
    An infinite member: infinity. Gneiting & Raftery, J. Am. Stat. Assoc. 102:359 (2007).
    """

    def losses(self, target: Values, members: Values, member_variance: Values | None) -> Values:
        loss = _mean_error(target, members) - _sum_of_distances(members) / members.shape[1] ** 2
        return np.where(np.isinf(members).any(axis=1), np.inf, loss)


class FairContinuousRankedProbabilityScore(_MemberLoss):
    """Fair CRPS of the members, ``mean |x_i - y| - sum_i sum_j |x_i - x_j| / (2 m (m - 1))``.

    The mean over examples, in target units: the CRPS that is to be expected of the distribution from which the members
    are drawn, whatever their number. It can be below zero. Direction: lower. Needs: members. One member: NaN, for it
    says nothing of a spread. An infinite member: NaN. Ferro, Q. J. R. Meteorol. Soc. 140:1917 (2014).
    """

    def losses(self, target: Values, members: Values, member_variance: Values | None) -> Values:
        m = members.shape[1]
        if m == 1:
            return np.full(len(target), np.nan)
        loss = _mean_error(target, members) - _sum_of_distances(members) / (m * (m - 1))
        return np.where(np.isinf(members).any(axis=1), np.nan, loss)


class MixtureContinuousRankedProbabilityScore(_MemberLoss):
    """CRPS of the equal mixture of the members' Gaussian distributions, in target units.

    The mean over examples of ``mean_i A(y - x_i, s_i^2) - sum_i sum_j A(x_i - x_j, s_i^2 + s_j^2) / (2 m^2)``, with
    ``A(d, s^2) = d (2 Phi(d/s) - 1) + 2 s phi(d/s)``, which is ``|d|`` where s is zero. Direction: lower, zero at best.
    Needs: members and their variances. One member: its Gaussian `crps`. Zero variances: `crps_ensemble`. An infinite
    member or variance: infinity. Grimit et al., Q. J. R. Meteorol. Soc. 132:2925 (2006).
    """

    needs = ("members", "member_variance")

    def losses(self, target: Values, members: Values, member_variance: Values | None) -> Values:
        m = members.shape[1]
        own = np.mean(_spread(members - target[:, None], member_variance), axis=1)
        # Of a member with itself, A is 2 s / sqrt(pi); every other pair is met once, by how far apart its two stand.
        pairs = np.sum(np.sqrt(member_variance), axis=1) / math.sqrt(math.pi)
        for step in range(1, m):
            apart = members[:, step:] - members[:, :-step]
            pairs += np.sum(_spread(apart, member_variance[:, step:] + member_variance[:, :-step]), axis=1)
        infinite = np.isinf(members).any(axis=1) | np.isinf(member_variance).any(axis=1)
        return np.where(infinite, np.inf, own - pairs / m**2)


def _spread(distance: Values, variance: Values) -> Values:
    """Mean absolute value of a Gaussian number with this mean and variance."""
    sigma = np.sqrt(variance)
    z = standardised(distance, sigma)
    # d (2 Phi(d / s) - 1) is d erf(d / (s sqrt(2))), which holds for a zero s and infinite z too.
    return distance * erf(z / math.sqrt(2)) + sigma * np.exp(-(z**2) / 2) * math.sqrt(2 / math.pi)
