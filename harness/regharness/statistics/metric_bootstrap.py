"""Intervals of metrics over the examples of one cell. Looks no metric up, drops no example."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from regharness.metric_protocols import Evidence, Metric, OfMeans
from regharness.scoring import score_one
from regharness.statistics.bootstrap import bootstrap_examples, bootstrap_terms
from regharness.statistics.resampled import Method, ResampledInterval, resampled_interval

Array = NDArray[np.float64]


def bootstrap_evidence(
    evidence: Evidence,
    metrics: Mapping[str, Metric],
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    method: Method = "bca",
    seed: int = 0,
) -> dict[str, ResampledInterval]:
    """Confidence interval of each metric over new examples.

    A metric that is a function of means (`regharness.metric_protocols.OfMeans`) is resampled by sums of its terms over
    1,000 blocks of consecutive examples; any other example by example, its score computed anew for each draw.

    Parameters
    ----------
    evidence
        The examples, free of NaN, float64.
    metrics
        Name to metric.
    resamples
        How many draws; the same ones for all metrics with terms, and for every model of the same examples.
    confidence
        Between 0 and 1.
    method
        ``"bca"`` or ``"percentile"``.
    seed
        Zero or above.

    Returns
    -------
    dict
        Metric to interval; NaN ends for fewer than two examples, or a score that is NaN.

    Raises
    ------
    InputError
        For another method, a confidence outside (0, 1), or fewer than one draw.
    """
    by_means = {name: metric for name, metric in metrics.items() if len(evidence) and isinstance(metric, OfMeans)}
    terms = ((metric.terms(evidence), metric.of_means) for metric in by_means.values())
    found = dict(zip(by_means, bootstrap_terms(terms, resamples=resamples, seed=seed), strict=True))
    for name, metric in metrics.items():
        if name not in by_means:
            found[name] = bootstrap_examples(_scorer(metric, evidence), len(evidence), resamples=resamples, seed=seed)
    return {name: resampled_interval(found[name], confidence, method) for name in metrics}


def _scorer(metric: Metric, evidence: Evidence) -> Callable[[NDArray[np.intp]], float | Array]:
    return lambda places: score_one(metric, evidence.select(places))
