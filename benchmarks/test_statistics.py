"""What intervals of metrics cost against scipy's bootstrap; read the ratios, not the times. One thread."""

import numpy as np
import pytest
import scipy.stats

import regharness as rh
from regharness.interfaces import Evidence
from regharness.seeding import rng_for
from regharness.statistics import bootstrap_evidence

METRICS = ("mse", "pearson_r", "nll", "crps")
N = 1_000_000


@pytest.fixture(scope="module")
def evidence():
    rng = rng_for(0, "bench")
    target = rng.normal(size=N)
    return Evidence(target, 0.8 * target + 0.6 * rng.normal(size=N), rng.uniform(0.3, 0.5, N))


@pytest.mark.benchmark(group="1,000 resamples of 1e6 examples (scipy: 10 resamples of one metric)")
def test_ten_resamples_of_one_metric_by_scipy(benchmark, evidence):
    squares = np.square(evidence.target - evidence.mean)

    def resample():
        scipy.stats.bootstrap((squares,), np.mean, n_resamples=10, batch=1, method="percentile", rng=0)

    benchmark.pedantic(resample, rounds=3)


@pytest.mark.benchmark(group="1,000 resamples of 1e6 examples (scipy: 10 resamples of one metric)")
def test_a_thousand_resamples_of_four_metrics(benchmark, evidence):
    metrics = {name: rh.metric(name) for name in METRICS}
    benchmark.pedantic(bootstrap_evidence, (evidence, metrics), rounds=5, warmup_rounds=1)
