"""Cubes that are larger than memory: they are scored chunk by chunk, as if they were loaded whole."""

import os
import subprocess
import sys
from itertools import product

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.codecs import Crc32cCodec

import regharness as rh
from regharness import block_scoring, cube_cells, cube_slabs, metric_protocols
from regharness.block_scoring import score_on_blocks
from regharness.cube_scoring import score_cube
from regharness.cube_slabs import Slabs
from regharness.metric_protocols import Metric

PREDICTED = ("model", "shift", "seed", "example", "output")
N, CHUNK = 1000, 70


@pytest.fixture
def cube():
    rng = np.random.default_rng(0)
    shape = (2, 2, 1, N, 2)
    mean, variance = rng.normal(size=shape), rng.gamma(2, 1, shape)
    target = mean[0] + rng.normal(size=shape[1:]) * np.sqrt(variance[0])
    mean[1, 1, 0, 40:300, 0] = np.nan
    epistemic = np.full(shape, np.nan)
    epistemic[1] = rng.gamma(1, 1, shape[1:])
    return xr.Dataset(
        {
            "mean": (PREDICTED, mean.astype(np.float32)),
            "aleatoric_variance": (PREDICTED, variance.astype(np.float32)),
            "epistemic_variance": (PREDICTED, epistemic.astype(np.float32)),
            "target": (PREDICTED[1:], target.astype(np.float32)),
            "n_examples": (("shift", "seed"), [[N], [N - 30]]),
        }
    )


def write(cube, path, chunk=CHUNK, together=1):
    """Lay a cube down in the chunks that a run writes; read lazily, its shifts are named."""
    group = zarr.open_group(path, mode="w")
    for name, variable in cube.variables.items():
        chunks = tuple({"example": chunk, "output": 2, "shift": together}.get(dim, 1) for dim in variable.dims)
        array = group.create_array(
            name,
            shape=variable.shape,
            chunks=chunks,
            dtype=variable.dtype,
            dimension_names=variable.dims,
            fill_value=np.nan if variable.dtype.kind == "f" else 0,
            compressors=Crc32cCodec(),
        )
        array[...] = variable.values
    return named(xr.open_zarr(path, chunks=None, consolidated=False))


def named(cube):
    return cube.assign_coords(shift=["identity", "gc_content"])


@pytest.fixture
def stored(cube, tmp_path, monkeypatch):
    monkeypatch.setattr(cube_cells, "EXACT_UP_TO", 100)
    return write(cube, tmp_path / "cube.zarr")


NAMES = ["mse", "nll", "coverage_90", "pearson_r", "spearman_rho", "aurc", "ence", "ood_auroc", "max_abs_error"]


@pytest.mark.parametrize("common", [None, "model"])
def test_they_score_as_those_in_memory(cube, tmp_path, monkeypatch, common):
    lazy = write(cube, tmp_path / "cube.zarr")
    whole = rh.evaluate_cube(named(cube), NAMES, common=common)
    monkeypatch.setattr(cube_cells, "EXACT_UP_TO", 100)

    xr.testing.assert_allclose(rh.evaluate_cube(lazy, NAMES, common=common), whole, rtol=1e-9)


@pytest.mark.parametrize("name", ["mse", "crps", "aurc"])
def test_blocks_of_them_contribute_as_of_those_in_memory(cube, tmp_path, monkeypatch, name):
    monkeypatch.setattr(block_scoring, "LARGE", 20)
    lazy = write(cube, tmp_path / "cube.zarr").isel(shift=0)
    whole = score_on_blocks(cube.isel(shift=0), {name: rh.metric(name)})
    monkeypatch.setattr(cube_cells, "EXACT_UP_TO", 100)

    np.testing.assert_allclose(score_on_blocks(lazy, {name: rh.metric(name)})[name], whole[name], rtol=1e-9)


class Longest(Metric):
    """The most examples that it is shown at once."""

    def score(self, target, mean, variance):
        return len(target)


def test_a_metric_that_needs_too_many_examples_at_once_has_no_score_and_that_is_noted(stored, monkeypatch):
    monkeypatch.setattr(metric_protocols, "AT_ONCE", N * 3 * 8 - 1)
    scores = score_cube(stored, {"longest": Longest(), "mse": rh.metric("mse")})

    assert scores["longest"].isnull().all(["model", "seed", "output"]).values.tolist() == [True, False]
    assert scores["mse"].notnull().all()
    assert "no score of 'longest' in the largest cells, which have up to 1,000 examples" in scores.attrs["notes"][0]


def test_a_comparison_with_too_many_examples_of_identity_has_no_score_either(stored, monkeypatch):
    monkeypatch.setattr(metric_protocols, "AT_ONCE", N * 3 * 8 - 1)
    scores = rh.evaluate_cube(stored, ["ood_auroc"])

    assert scores["ood_auroc"].isnull().all()
    assert "no score of 'ood_auroc'" in scores.attrs["notes"][0]


def test_what_is_in_memory_is_never_too_much(cube, monkeypatch):
    monkeypatch.setattr(cube_cells, "EXACT_UP_TO", 100)
    monkeypatch.setattr(metric_protocols, "AT_ONCE", 0)

    assert score_cube(named(cube), {"longest": Longest()})["longest"].notnull().all()


def test_small_cells_beside_a_large_one_are_read_without_its_padding(cube, tmp_path, monkeypatch):
    monkeypatch.setattr(cube_cells, "EXACT_UP_TO", 100)
    lazy = write(cube.assign(n_examples=(("shift", "seed"), [[N], [50]])), tmp_path / "cube.zarr")
    read = []
    real = Slabs._read
    monkeypatch.setattr(Slabs, "_read", lambda *given: read.append(real(*given)[1].shape) or real(*given))
    rh.evaluate_cube(lazy.isel(shift=[1]), ["mse"])

    assert {shape[-2] for shape in read} == {50}


def test_a_chunk_of_several_cells_is_read_once(cube, tmp_path, monkeypatch):
    monkeypatch.setattr(cube_slabs, "SLAB", 1)
    lazy = write(cube, tmp_path / "cube.zarr", chunk=N, together=2)
    reads = []
    real = Slabs._read
    monkeypatch.setattr(Slabs, "_read", lambda *given: reads.append(given[1]) or real(*given))
    rh.evaluate_cube(lazy, ["mse"])

    assert sorted(reads) == sorted(["target", *["mean", "aleatoric_variance", "epistemic_variance"] * 2])


SCORE = """
import resource, sys
import numba, scipy.stats, xarray as xr
import regharness as rh
from regharness.block_scoring import score_on_blocks

small = xr.open_zarr(sys.argv[1], chunks=None, consolidated=False)
# What is loaded and compiled on the way counts once, on a little of it.
rh.evaluate_cube(small.isel(model=[0], example=slice(300_000)))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rh.evaluate_cube(small)
score_on_blocks(small, {name: rh.metric(name) for name in ("crps", "aurc")})
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
def test_half_a_gigabyte_of_one_cell_is_scored_in_a_quarter_of_it(tmp_path):
    # Every chunk is one of a few, linked; only reading can tell.
    rows, chunk, models = 10_000_000, 262_144, 1
    rng = np.random.default_rng(1)
    group = zarr.open_group(tmp_path / "cube.zarr", mode="w")
    for name, lead in (("target", (1, 1)), ("mean", (models, 1, 1)), ("aleatoric_variance", (models, 1, 1))):
        dims = PREDICTED[3 - len(lead) :]
        shape, chunks = (*lead, rows, 4), (*[1] * len(lead), chunk, 4)
        array = group.create_array(
            name, shape=shape, chunks=chunks, dtype="float32", dimension_names=dims, compressors=Crc32cCodec()
        )
        array[(*[0] * len(lead), slice(chunk))] = rng.gamma(2, 1, (chunk, 4)).astype(np.float32)
        first = tmp_path / "cube.zarr" / name / "c" / "/".join("0" * (len(lead) + 2))
        for place in product(*(range(size) for size in lead), range(-(-rows // chunk)), [0]):
            file = tmp_path / "cube.zarr" / name / "c" / "/".join(map(str, place))
            if file != first:
                file.parent.mkdir(parents=True, exist_ok=True)
                os.link(first, file)
    found = subprocess.run(
        [sys.executable, "-c", SCORE, str(tmp_path / "cube.zarr")], capture_output=True, text=True, check=True
    )

    assert int(found.stdout) * 1024 < 120e6
