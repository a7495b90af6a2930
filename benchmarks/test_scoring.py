"""What scoring many predictions costs: against libraries, against reading them once, and in memory.

``make bench`` runs each group in one session; read the ratios, not the times.
"""

import subprocess
import sys

import numpy as np
import pytest
import scipy.stats
import scoringrules
from uncertainty_toolbox.metrics_calibration import get_proportion_in_interval
from uncertainty_toolbox.metrics_scoring_rule import nll_gaussian

import regharness as rh
from regharness.interfaces import RunContext
from regharness.seeding import rng_for

N = 10_000_000
DEFAULT = "default metrics of 1e7 float32 predictions"
AREA = "AURC of 1e7 float32 predictions"

MEMORY = """
import numpy as np
import regharness as rh
from regharness.provenance import peak_memory_mb

def draw(n):
    rng = np.random.default_rng(0)
    # In place, so that nothing beside the inputs was ever in memory.
    target, mean, variance = (rng.standard_normal(n, dtype=np.float32) for _ in range(3))
    target += mean
    np.exp(variance, out=variance)
    return target, mean, variance

# Compiled code and libraries are in memory before the inputs are.
rh.evaluate(*draw(200_000))
before = peak_memory_mb()
values = draw(10_000_000)
rh.evaluate(*values)
print((peak_memory_mb() - before) * 1e6 / sum(part.nbytes for part in values))
"""


@pytest.fixture(scope="module")
def predictions():
    rng = rng_for(0, "bench")
    mean = rng.normal(size=N)
    sigma = np.exp(rng.normal(scale=0.5, size=N))
    return tuple(part.astype(np.float32) for part in (mean + sigma * rng.normal(size=N), mean, sigma**2))


@pytest.mark.benchmark(group=DEFAULT)
def test_reading_every_byte_once(benchmark, predictions):
    benchmark.pedantic(lambda: [part.max() for part in predictions], rounds=20, warmup_rounds=1)


@pytest.mark.benchmark(group=DEFAULT)
def test_default_metrics_by_evaluate(benchmark, predictions):
    benchmark.pedantic(rh.evaluate, predictions, rounds=10, warmup_rounds=1)


@pytest.mark.benchmark(group=DEFAULT)
def test_default_metrics_by_libraries(benchmark, predictions):
    def score():
        target, mean, variance = (part.astype(np.float64) for part in predictions)
        sigma, losses = np.sqrt(variance), np.square(target - mean)
        scipy.stats.pearsonr(target, mean)
        scipy.stats.spearmanr(target, mean)
        np.mean(losses), 1 - losses.sum() / np.square(target - target.mean()).sum()
        nll_gaussian(mean, sigma, target)
        scoringrules.crps_normal(target, mean, sigma).mean()
        for level in (0.5, 0.9, 0.95):
            get_proportion_in_interval(mean, sigma, target, level)
        2 * scipy.stats.norm.ppf(0.95) * sigma.mean(), np.mean(losses / variance)
        area_by_argsort(losses, sigma) - area_by_argsort(losses, losses)

    benchmark.pedantic(score, rounds=1)


def area_by_argsort(losses, sigma):
    return np.mean(np.cumsum(losses[np.argsort(sigma)]) / np.arange(1, losses.size + 1))


@pytest.mark.benchmark(group=AREA)
def test_area_by_argsort(benchmark, predictions):
    target, mean, variance = predictions
    benchmark.pedantic(
        lambda: area_by_argsort(np.square(np.subtract(target, mean, dtype=np.float64)), variance), rounds=3
    )


@pytest.mark.benchmark(group=AREA)
def test_area_exactly(benchmark, predictions):
    benchmark.pedantic(rh.metric("aurc").score, predictions, rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="memory of the default metrics, of the inputs")
def test_scoring_needs_at_most_half_the_inputs_beside_them(benchmark):
    def measure():
        done = subprocess.run([sys.executable, "-c", MEMORY], check=True, capture_output=True, text=True)
        return float(done.stdout)

    benchmark.extra_info["of the inputs"] = ratio = benchmark.pedantic(measure, rounds=1)
    assert ratio <= 1.5


@pytest.fixture(scope="module", params=[1_000, 5_000])
def predicted(request):
    """A small network that was trained for an epoch, test sequences, and what it predicts."""
    data = rh.data("simulated_mpra", train=600, calibration=200, test=request.param, cell_types=["K562", "HepG2"])
    dataset, context = data.generate(0), RunContext(seed=0)
    model = rh.model("torch_cnn", epochs=1)
    model.fit(dataset.train, dataset.calibration, context)
    return model, dataset.test, model.predict(dataset.test.inputs(), context)


@pytest.mark.benchmark(group="scoring beside predicting with the small CNN, two outputs")
def test_predicting(benchmark, predicted):
    model, test, _ = predicted
    benchmark.pedantic(model.predict, (test.inputs(), RunContext(seed=0)), rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="scoring beside predicting with the small CNN, two outputs")
def test_scoring_what_was_predicted_by_the_default_metrics(benchmark, predicted):
    _, test, prediction = predicted
    arguments = (test.target, prediction.mean, prediction.aleatoric_variance)
    benchmark.pedantic(rh.evaluate, arguments, rounds=20, warmup_rounds=1)
