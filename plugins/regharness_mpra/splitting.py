"""Divide examples into splits so that no cluster of near-duplicates straddles two. Reads nothing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from regharness import InputError
from regharness.interfaces import SPLITS
from regharness.seeding import rng_for

UNUSED = -1
TRAIN, CALIBRATION, TEST = range(3)


def by_fraction(
    cluster: NDArray[np.int64], usable: NDArray[np.bool_], shares: Mapping[str, float], seed: int
) -> NDArray[np.int64]:
    """Give each example a split: index into train, calibration, test, or -1.

    Clusters go whole, in a random order: to the test split while they fit in what it still lacks, then to
    calibration, else to training. So a cluster larger than a split goes to training; but a split that none fits
    gets the smallest one, if training keeps another.

    Parameters
    ----------
    cluster
        ``(example,)`` cluster numbers.
    usable
        ``(example,)``: examples that take part.
    shares
        Share of the usable examples for ``calibration`` and ``test``; training has the rest.
    seed
        Decides the order.
    """
    assigned = np.full(len(cluster), UNUSED)
    n = int(usable.sum())
    sizes = np.bincount(cluster[usable], minlength=int(cluster.max(initial=-1)) + 1)
    lacking = {TEST: round(shares["test"] * n), CALIBRATION: round(shares["calibration"] * n)}
    home = np.full(len(sizes), TRAIN)
    for number in rng_for(seed, "split").permutation(np.flatnonzero(sizes)):
        for split in (TEST, CALIBRATION):
            if sizes[number] <= lacking[split]:
                lacking[split] -= int(sizes[number])
                home[number] = split
                break
    for split in (TEST, CALIBRATION):
        training = np.flatnonzero((home == TRAIN) & (sizes > 0))
        if lacking[split] and not (home == split).any() and len(training) > 1:
            home[training[np.argmin(sizes[training])]] = split
    assigned[usable] = home[cluster[usable]]
    return assigned


def refuse_empty(assigned: NDArray[np.int64], cluster: NDArray[np.int64], what: str) -> None:
    """Raise `InputError` when a split got no example; a large cluster of near-duplicates may be why."""
    counts = np.bincount(assigned[assigned >= 0], minlength=3)
    empty = [name for name, count in zip(SPLITS, counts, strict=True) if not count]
    if empty:
        largest = np.bincount(cluster).max()
        help_ = f"change the split; near-duplicates stay together, at most {largest:,} of {len(cluster):,} examples"
        sizes = ", ".join(f"{count:,} {name}" for name, count in zip(SPLITS, counts, strict=True))
        raise InputError(f"{what}: no example is left for {' and '.join(empty)} ({sizes})", help=help_)
