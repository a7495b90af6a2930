"""Measure whether sigma tells shifted examples from those of identity. Looks at no error and no target.

An example of the shifted test set is a positive, one of identity a negative, and sigma is the score: the higher, the
likelier shifted. Examples of equal sigma are called shifted together or not at all, so row order never matters, and
an infinite sigma ranks highest. Hendrycks & Gimpel, ICLR (2017).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from regharness.interfaces import Evidence, IdentityMetric

Values = NDArray[np.float64]


def _sigma(evidence: Evidence) -> Values:
    assert evidence.variance is not None
    return np.sqrt(evidence.variance)


def _found(negative: Values, positive: Values) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """False and true positives at each distinct sigma as the threshold, from the highest sigma to the lowest."""
    sigma = np.concatenate([negative, positive])
    order = np.argsort(-sigma)  # ties are taken together below, so it need not be stable
    sigma, shifted = sigma[order], order >= negative.size
    ends = np.flatnonzero(np.append(sigma[1:] != sigma[:-1], True))
    true = np.cumsum(shifted)[ends]
    return ends + 1 - true, true


class ShiftAUROC(IdentityMetric):
    """Area under the ROC curve: the chance that a shifted example has the higher sigma of the two, ties half.

    Direction: higher, .5 by chance, and exactly .5 on identity itself. Needs: variance. No example on a side: NaN.
    Exact, from average ranks. Hendrycks & Gimpel, ICLR (2017).
    """

    direction = "higher"
    needs_variance = True

    def score_against(self, identity: Evidence, shifted: Evidence) -> float:
        negative, positive = _sigma(identity), _sigma(shifted)
        if not negative.size or not positive.size:
            return float("nan")
        ranks = rankdata(np.concatenate([negative, positive]))[negative.size :]
        # A rank less the rank among the positives alone counts the negatives below; the mean of those is (n + 1) / 2.
        return float((ranks.mean() - (positive.size + 1) / 2) / negative.size)


class ShiftAUPR(IdentityMetric):
    """Area under the precision-recall curve as steps, ``sum over thresholds of (recall_k - recall_(k-1)) precision_k``.

    This is the average precision; no line is drawn between points. Direction: higher; by chance the share of shifted
    examples, so .5 where the test sets are of one size. Needs: variance. No example on a side: NaN. Exact.
    Hendrycks & Gimpel, ICLR (2017); Davis & Goadrich, ICML (2006).
    """

    direction = "higher"
    needs_variance = True

    def score_against(self, identity: Evidence, shifted: Evidence) -> float:
        if not len(identity) or not len(shifted):
            return float("nan")
        false, true = _found(_sigma(identity), _sigma(shifted))
        return float(np.diff(true, prepend=0) @ (true / (true + false)) / len(shifted))


class ShiftFPR95(IdentityMetric):
    """Share of identity called shifted at the largest threshold on sigma that finds 95% of the shifted examples.

    Direction: lower; .95 or more on identity itself. Needs: variance. No example on a side: NaN. Exact: the 95% are
    counted in whole numbers, and every distinct sigma is a threshold. Hendrycks & Gimpel, ICLR (2017);
    Liang, Li & Srikant, ICLR (2018).
    """

    direction = "lower"
    needs_variance = True

    def score_against(self, identity: Evidence, shifted: Evidence) -> float:
        if not len(identity) or not len(shifted):
            return float("nan")
        false, true = _found(_sigma(identity), _sigma(shifted))
        first = int(np.argmax(100 * true >= 95 * len(shifted)))
        return float(false[first] / len(identity))
