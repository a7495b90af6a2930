"""Score each group of examples alone, and average the groups. Defines no score of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regharness import metric
from regharness.interfaces import Evidence, Metric
from regharness.metric_protocols import COVARIATES
from regharness.scoring import score_one, takes_levels

Values = NDArray[np.float64]


class WithinGroup(Metric):
    """Mean over groups of another metric inside each group: does a model rank variants of one element, say?

    Every group counts the same, however many examples it has. Left out are groups of fewer than `least` examples,
    groups where the metric is NaN, and examples whose group is not known (NaN or an empty text); none left: NaN.
    Direction: that of the other metric. Needs: what the other metric does, and the covariate. A curve is averaged label
    by label.

    Parameters
    ----------
    of
        Name of a metric of one test set.
    covariate
        Name of the covariate whose values tell the groups.
    least
        Fewest examples of a group that counts.
    """

    def __init__(self, of: str = "pearson_r", covariate: str = "element", least: int = 10) -> None:
        self._inner = inner = metric(of)
        self._covariate, self._least = covariate, least
        self.direction = inner.direction
        # One from elsewhere may lack what its Protocol has a default for.
        self.needs_variance = getattr(inner, "needs_variance", False)
        self.needs_quantiles = getattr(inner, "needs_quantiles", False)
        self.needs = tuple(dict.fromkeys((*getattr(inner, "needs", ()), COVARIATES + covariate)))
        self.dimension, self.labels = getattr(inner, "dimension", ""), tuple(getattr(inner, "labels", ()))

    def takes_levels(self, levels: tuple[float, ...]) -> bool:
        """Whether the other metric does."""
        return takes_levels(self._inner, levels)

    @np.errstate(all="ignore")
    def score_evidence(self, evidence: Evidence) -> float | Values:
        scores = [
            score_one(self._inner, evidence.select(rows))
            for rows in _groups(evidence.covariates[self._covariate])
            if len(rows) >= self._least
        ]
        found = np.array(scores).reshape(len(scores), *((len(self.labels),) if self.dimension else ()))
        there = ~np.isnan(found)
        mean = np.where(there, found, 0).sum(axis=0) / there.sum(axis=0)
        return mean if self.dimension else float(mean)


def _groups(labels: NDArray[np.generic]) -> list[NDArray[np.intp]]:
    """Places of the examples of each group that is known."""
    if labels.dtype.kind == "f":
        known = np.flatnonzero(~np.isnan(labels))
    elif labels.dtype.kind in "iub":
        known = np.arange(labels.size)
    else:
        labels = np.array(labels.tolist(), dtype=str)
        known = np.flatnonzero(labels != "")
    if not known.size:
        return []
    _, group, sizes = np.unique(labels[known], return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")
    return np.split(known[order], np.cumsum(sizes)[:-1])
