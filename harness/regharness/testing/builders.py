"""Build small examples that a model can learn from. Reads no file."""

from __future__ import annotations

import numpy as np

from regharness.interfaces import Dataset, SequenceBatch
from regharness.seeding import rng_for

MOTIF = np.array([2, 0, 3, 0, 0], np.uint8)
"""GATAA, whose presence adds 1 to the target."""
NOISE_SD = 0.1


def make_batch(
    n: int = 64, length: int = 40, outputs: tuple[str, ...] = ("K562",), seed: int = 0, prefix: str = "e"
) -> SequenceBatch:
    """Draw `n` random sequences, half of them with a motif.

    The target of every output is ``2 (GC - 0.5)``, plus 1 with the motif, plus noise of SD 0.1. One sequence
    in sixteen holds an N. Equal arguments give equal bits; another `prefix` gives other examples.
    """
    rng = rng_for(seed, "batch", prefix)
    sequence = rng.integers(0, 4, (n, length)).astype(np.uint8)
    has_motif = rng.random(n) < 0.5
    start = rng.integers(0, length - len(MOTIF) + 1, n)
    for row in np.flatnonzero(has_motif):
        sequence[row, start[row] : start[row] + len(MOTIF)] = MOTIF
    unknown = np.arange(0, n, 16)
    sequence[unknown, rng.integers(0, length, len(unknown))] = 4
    gc = np.isin(sequence, (1, 2)).sum(axis=1) / (sequence < 4).sum(axis=1)
    activity = 2 * (gc - 0.5) + has_motif
    truth = np.repeat(activity[:, None], len(outputs), axis=1).astype(np.float32)
    return SequenceBatch(
        ids=np.array([f"{prefix}{i}" for i in range(n)]),
        sequence=sequence,
        outputs=outputs,
        target=truth + rng.normal(0.0, NOISE_SD, truth.shape).astype(np.float32),
        noise_variance=np.full_like(truth, NOISE_SD**2),
        truth=truth,
        covariates={"gc_content": gc},
    )


def make_dataset(
    train: int = 256,
    calibration: int = 64,
    test: int = 64,
    length: int = 40,
    outputs: tuple[str, ...] = ("K562",),
    seed: int = 0,
) -> Dataset:
    """Draw the splits, and a held-out group called ``group``; see `make_batch`."""
    splits = {"train": train, "calibration": calibration, "test": test, "held_out": test}
    batches = {name: make_batch(n, length, outputs, seed, f"{name}-") for name, n in splits.items()}
    return Dataset(
        train=batches["train"],
        calibration=batches["calibration"],
        test=batches["test"],
        held_out={"group": batches["held_out"]},
    )
