"""Resample examples by weight, and say what the resample is worth. Chooses no weight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from regharness.errors import InputError
from regharness.interfaces import SequenceBatch

LEAST_EFFECTIVE = 30.0
"""Below this many examples' worth, a score says more of the draw than of the shift."""


def effective_size(weights: NDArray[np.float64]) -> float:
    """Number of equally weighted examples that weighted ones are worth: ``(sum w)^2 / sum w^2`` (Kish 1965)."""
    return float(weights.sum() ** 2 / np.square(weights).sum())


def resampled(
    batch: SequenceBatch,
    log_weight: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    least: float = LEAST_EFFECTIVE,
) -> SequenceBatch:
    """Draw as many examples as there are, in proportion to their weights.

    Systematic resampling (Kitagawa, J. Comput. Graph. Stat. 5:1, 1996): an example of n times the mean weight
    is drawn n times, rounded up or down. One that is drawn again gets ``~2``, ``~3``, ... after its id.

    Parameters
    ----------
    batch
        The examples.
    log_weight
        ``(example,)``, up to a constant.
    rng
        Gives one number.
    least
        Smallest effective sample size that is accepted.

    Returns
    -------
    SequenceBatch
        In the order of `batch`, with its ``effective_size``.

    Raises
    ------
    InputError
        When the weighted examples are worth fewer than `least`.
    """
    weights = np.exp(log_weight - log_weight.max())
    worth = effective_size(weights)
    if worth < least:
        raise InputError(
            f"the {len(batch):,} test examples are worth only {worth:.1f} once weighted, below the floor of {least:g}",
            help="take a milder severity, or give more test examples",
        )
    n = len(batch)
    edges = np.cumsum(weights) / weights.sum()
    # The last edge may fall short of one by rounding.
    edges[-1] = 1.0
    drawn = np.searchsorted(edges, (np.arange(n) + rng.random()) / n, side="right")
    again = np.arange(n) - np.searchsorted(drawn, drawn, side="left")
    ids = np.array([f"{name}~{k + 1}" if k else str(name) for name, k in zip(batch.ids[drawn], again, strict=True)])
    return replace(batch.select(drawn, ids), effective_size=worth)
