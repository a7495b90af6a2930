"""Own what can be said of scores beyond their mean: intervals, tests, ranks. Arrays in, small records out.

Reads no run and looks no metric up.
"""

from regharness.statistics.bayesian import SignedRank, bayesian_signed_rank
from regharness.statistics.bootstrap import (
    bootstrap_examples,
    bootstrap_terms,
    crossed_bootstrap,
)
from regharness.statistics.comparison import (
    Friedman,
    Nemenyi,
    Wilcoxon,
    critical_difference,
    friedman,
    nemenyi,
    wilcoxon,
)
from regharness.statistics.corrections import benjamini_hochberg, holm
from regharness.statistics.crossed import Difference, Interval, interval, paired
from regharness.statistics.improvement import Aggregate, interquartile_mean, probability_of_improvement
from regharness.statistics.metric_bootstrap import bootstrap_evidence
from regharness.statistics.rank_bootstrap import bootstrap_ranks
from regharness.statistics.ranks import Rank, Ranking, rank_intervals
from regharness.statistics.resampled import ResampledInterval, Resamples, resampled_interval

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
    "bootstrap_evidence",
    "bootstrap_examples",
    "bootstrap_ranks",
    "bootstrap_terms",
    "critical_difference",
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
