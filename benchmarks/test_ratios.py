"""What the harness costs against doing the same without it; read the ratios, not the times.

``make bench`` runs both sides of each pair in one session, group by group.
"""

import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import scipy.stats
import scoringrules

import regharness as rh
from regharness.cube import Cube
from regharness.deliveries import FOLDER, Deliveries, Delivery, ticket
from regharness.interfaces import Prediction
from regharness.layout import Layout
from regharness.pieces import put_prediction
from regharness.records import Record
from regharness.seeding import rng_for
from regharness_motifs.library import load_motifs
from regharness_motifs.scanning import occupancy_features

N = 100_000


def start(*words):
    subprocess.run([sys.executable, *words], check=True, capture_output=True)


@pytest.mark.benchmark(group="start-up")
def test_importing_what_the_command_line_needs(benchmark):
    benchmark.pedantic(start, ("-c", "import click, rich, pluggy"), rounds=10)


@pytest.mark.benchmark(group="start-up")
def test_regharness_help(benchmark):
    benchmark.pedantic(start, ("-m", "regharness", "--help"), rounds=10)


@pytest.fixture
def predictions():
    rng = rng_for(0, "bench")
    target, mean = rng.normal(size=(2, N))
    return target, mean, rng.uniform(0.5, 1.5, N)


@pytest.mark.benchmark(group="scores of 1e5 predictions")
def test_four_metrics_by_libraries(benchmark, predictions):
    target, mean, variance = predictions

    def score():
        np.square(target - mean).mean()
        scipy.stats.pearsonr(target, mean)
        scipy.stats.spearmanr(target, mean)
        scoringrules.crps_normal(target, mean, np.sqrt(variance)).mean()

    benchmark(score)


@pytest.mark.benchmark(group="scores of 1e5 predictions")
def test_four_metrics_by_evaluate(benchmark, predictions):
    benchmark(rh.evaluate, *predictions, ["mse", "pearson_r", "spearman_rho", "crps"])


CELLS = 100
"""Each is another one: a run writes no cell over another."""


def each_once():
    """Gives a benchmark 0, 1, 2, ..."""
    numbers = count()
    return lambda: ((next(numbers),), {})


@pytest.fixture(params=[(10_000, 3), (100_000, 2)], ids=["10000x3", "100000x2"])
def prediction(request):
    return Prediction(*rng_for(0, "bench").normal(size=(3, *request.param)).astype(np.float32))


@pytest.mark.benchmark(group="storing a cell of three variables")
def test_numpy_files(benchmark, prediction, tmp_path):
    def save(number):
        for name in ("mean", "aleatoric_variance", "epistemic_variance"):
            np.save(tmp_path / f"{name}{number}", getattr(prediction, name))

    benchmark.pedantic(save, setup=each_once(), rounds=CELLS)
    shutil.rmtree(tmp_path)


@pytest.mark.benchmark(group="storing a cell of three variables")
def test_the_cube(benchmark, prediction, tmp_path):
    """From a prediction in a worker to a chunk in the cube, all but the line in the records."""
    examples, outputs = prediction.mean.shape
    layout = Layout.begin({"task": "t", "unit": "log2"}, list(map(str, range(outputs))), examples, 1, 1)
    layout = layout.grown(["m"], [("identity", "identity", 0)], range(CELLS))
    cube, deliveries = Cube(tmp_path, "t", layout), Deliveries(tmp_path / FOLDER)
    cube.begin()
    deliveries.prepare()

    def store(seed):
        record = Record("t", "m", "identity", seed, "key", "done")
        number = ticket(record.key, record.name)
        delivery = Delivery(deliveries.folder, number)
        put_prediction(delivery, layout, prediction, 0)
        done = replace(record, pieces=delivery.pieces)
        delivery.finish({"kind": "cell", **vars(done)})
        assert cube.store_cell(deliveries, done, None)
        deliveries.remove(number, done.pieces)

    benchmark.pedantic(store, setup=each_once(), rounds=CELLS)
    shutil.rmtree(tmp_path)


@pytest.mark.benchmark(group="simulation")
def test_occupancy_of_every_motif_in_10_000_sequences(benchmark):
    sequence = rng_for(0, "bench").integers(0, 4, (10_000, 200)).astype(np.uint8)
    motifs = load_motifs()
    occupancy_features(sequence[:10], motifs)
    benchmark.pedantic(occupancy_features, (sequence, motifs), rounds=5)


@pytest.mark.benchmark(group="simulation")
def test_a_data_set_of_10_000_sequences_with_labels_and_counts(benchmark):
    generator = rh.data("simulated_mpra", train=8_000, calibration=1_000, test=1_000)
    generator.generate(0)
    benchmark.pedantic(generator.generate, (1,), rounds=5)
