"""Intervals of metrics over the examples of one cell. Looks no metric up, drops no example."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from regharness.metric_protocols import Evidence, Metric, OfMeans
from regharness.seeding import rng_for
from regharness.statistics.bootstrap import (
    BLOCKS,
    Method,
    ResampledInterval,
    Resamples,
    block_starts,
    block_sums,
    bootstrap_examples,
    bootstrap_sums,
    multinomial_weights,
    resampled_interval,
)


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
        For another method, or a confidence outside (0, 1).
    """
    starts = block_starts(len(evidence), BLOCKS)
    sizes = np.diff(starts, append=len(evidence)).astype(np.float64)
    weights = multinomial_weights(resamples, starts.size, rng_for(seed, "bootstrap"))

    def resampled(metric: Metric) -> Resamples:
        if isinstance(metric, OfMeans):
            return bootstrap_sums(block_sums(metric.terms(evidence), starts), sizes, metric.of_means, weights)
        return bootstrap_examples(
            lambda places: metric.score_evidence(evidence.select(places)), len(evidence), resamples=resamples, seed=seed
        )

    return {name: resampled_interval(resampled(metric), confidence, method) for name, metric in metrics.items()}
