"""What it costs to score motifs of JASPAR everywhere, against two other ways; read the ratios, not the times.

All sides see the same sequences, both strands, on one thread. `best_scores` and torch give every motif's best score,
and the same one. FIMO as memelite computes it lists only hits with p < 1e-4, which is what makes it fast; asked for
every score, so that the best could be had from it, it takes tens of times as long.
"""

import functools

import memelite
import numba
import numpy as np
import pytest
import torch

from regharness.seeding import rng_for
from regharness_motifs.library import load_motifs
from regharness_motifs.maxima import best_scores
from regharness_motifs.scanning import find_sites

N, LENGTH = 4_000, 200
SIZES = [50, 800]
ROUNDS = {"rounds": 3, "warmup_rounds": 1}


@pytest.fixture(autouse=True)
def one_thread():
    before = numba.get_num_threads(), torch.get_num_threads()
    numba.set_num_threads(1)
    torch.set_num_threads(1)
    yield
    numba.set_num_threads(before[0])
    torch.set_num_threads(before[1])


@pytest.fixture
def sequence():
    return rng_for(0, "bench").integers(0, 4, (N, LENGTH)).astype(np.uint8)


@functools.cache
def motifs_of(size):
    every = load_motifs("jaspar")
    return every.chosen([every.ids[i] for i in np.linspace(0, len(every) - 1, size).astype(int)])


@pytest.fixture(params=SIZES)
def motifs(request, benchmark):
    benchmark.group = f"{request.param} motifs in {N:,} sequences of {LENGTH} bp"
    return motifs_of(request.param)


def one_hot(sequence):
    return np.eye(4, dtype=np.int8)[sequence].transpose(0, 2, 1).copy()


def convolve(sequence, kernels):
    best = []
    with torch.inference_mode():
        for part in sequence.split(128):
            both = torch.nn.functional.conv1d(part, kernels).amax(dim=2)
            best.append(torch.maximum(*both.chunk(2, dim=1)))
    return torch.cat(best).numpy()


def kernels_of(motifs):
    """Log odds of every motif, and then of every reverse complement, zero beyond a motif's end."""
    kernels = np.zeros((2, len(motifs), 4, motifs.widths.max()), np.float32)
    for index, matrix in enumerate(motifs.matrices):
        odds = np.log(matrix / 0.25).T
        kernels[0, index, :, : len(matrix)], kernels[1, index, :, : len(matrix)] = odds, odds[::-1, ::-1]
    return torch.from_numpy(kernels.reshape(-1, *kernels.shape[2:]))


def test_best_scores(benchmark, sequence, motifs):
    benchmark.pedantic(best_scores, (sequence, motifs), **ROUNDS)


def test_sites_that_may_be_bound(benchmark, sequence, motifs):
    benchmark.pedantic(find_sites, (sequence, motifs), **ROUNDS)


def test_fimo_of_memelite(benchmark, sequence, motifs):
    matrices = {motif: matrix.T for motif, matrix in zip(motifs.ids, motifs.matrices, strict=True)}
    benchmark.pedantic(memelite.fimo, (matrices, one_hot(sequence)), **ROUNDS)


def test_conv1d_of_torch(benchmark, sequence, motifs):
    given = torch.from_numpy(one_hot(sequence).astype(np.float32))
    best = benchmark.pedantic(convolve, (given, kernels_of(motifs)), rounds=1)
    fits = best_scores(sequence, motifs)
    # The kernels are as wide as the widest motif, so the last positions of narrower ones are not seen.
    assert (best <= fits + 0.01).all()
    assert np.isclose(best, fits, atol=0.01).mean() > 0.8
