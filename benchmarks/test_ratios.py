"""What the harness costs against doing the same without it; read the ratios, not the times.

``make bench`` runs both sides of each pair in one session, group by group.
"""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import scipy.stats
import scoringrules

import regharness as rh
from regharness.cube import Cube
from regharness.interfaces import Prediction
from regharness.seeding import rng_for
from regharness.testing import make_batch
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


@pytest.fixture
def prediction():
    return Prediction(*rng_for(0, "bench").normal(size=(3, 10_000, 3)).astype(np.float32))


@pytest.mark.benchmark(group="storing a cell of 10,000 x 3 x 3")
def test_numpy_files(benchmark, prediction, tmp_path):
    def save():
        for name in ("mean", "aleatoric_variance", "epistemic_variance"):
            np.save(tmp_path / name, getattr(prediction, name))

    benchmark(save)


@pytest.mark.benchmark(group="storing a cell of 10,000 x 3 x 3")
def test_the_cube(benchmark, prediction, tmp_path):
    cube = Cube.create(tmp_path / "c.zarr", ["a", "b", "c"], 10_000, {"unit": "log2"})
    cube.grow(["m"], [("identity", "identity", 0)], [0], ["a", "b", "c"])
    cube.write_test_set("identity", 0, make_batch(10_000, outputs=("a", "b", "c")), {})
    benchmark(cube.write_prediction, "m", "identity", 0, prediction)
    shutil.rmtree(tmp_path / "c.zarr")


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
