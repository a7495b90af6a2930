"""Own what can be said of scores beyond their mean: intervals, tests, ranks. Arrays in, small records out.

Reads no run and knows no metric.
"""

from regharness.statistics.bayesian import SignedRank, bayesian_signed_rank
from regharness.statistics.bootstrap import (
    ResampledInterval,
    Resamples,
    bootstrap_examples,
    bootstrap_terms,
    crossed_bootstrap,
    resampled_interval,
)
from regharness.statistics.comparison import Friedman, Nemenyi, Wilcoxon, friedman, nemenyi, wilcoxon
from regharness.statistics.corrections import benjamini_hochberg, holm
from regharness.statistics.crossed import Difference, Interval, interval, paired
from regharness.statistics.improvement import Aggregate, interquartile_mean, probability_of_improvement
from regharness.statistics.ranks import Rank, Ranking, rank_intervals

__all__ = [
    "Aggregate",
    "Difference",
    "Friedman",
    "Interval",
    "Nemenyi",
    "Rank",
    "Ranking",
    "ResampledInterval",
    "Resamples",
    "SignedRank",
    "Wilcoxon",
    "bayesian_signed_rank",
    "benjamini_hochberg",
    "bootstrap_examples",
    "bootstrap_terms",
    "crossed_bootstrap",
    "friedman",
    "holm",
    "interquartile_mean",
    "interval",
    "nemenyi",
    "paired",
    "probability_of_improvement",
    "rank_intervals",
    "resampled_interval",
    "wilcoxon",
]
