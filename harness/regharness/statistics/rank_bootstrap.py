"""Ranks of many models, with the ranks that resampled data give them. Scores nothing, orders no table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from regharness.errors import InputError
from regharness.statistics.ranks import Rank

Array = NDArray[np.float64]

REPLICATES = 2000


def bootstrap_ranks(
    values: Array, centres: Array, confidence: float = 0.95, *, replicates: int = REPLICATES, seed: int = 0
) -> tuple[Rank | None, ...]:
    """Rank models, each with the range of ranks that it takes in most resamples of seeds and examples.

    A paired cluster bootstrap: every replicate draws seeds and blocks of examples with replacement, the same ones for
    all models, and ranks them (Goldstein & Spiegelhalter, J. R. Stat. Soc. A 159:385, 1996). With one seed its blocks
    alone are drawn, and with one block the seeds. Deviations from the score are widened by ``sqrt(n / (n - 1))`` for
    the n of whichever is fewer (of those that are more than one), since resampling so few shows too little spread
    (Davison & Hinkley, *Bootstrap Methods and their Application*, 1997, section 2.3). Other than the ranges of
    `rank_intervals`, which hold for all models together and hardly narrow among a hundred of them, each of these is for
    one model.

    Parameters
    ----------
    values
        ``(model, seed, block)``: badness, lower is better, of each seed on each block of the same examples. A model
        that lacks a seed (NaN throughout), or whose centre is NaN, is not ranked; a block that is NaN for a model
        contributes nothing to any.
    centres
        ``(model,)``: the badness of each on all examples.
    confidence
        Share of the replicates that a range holds, between 0 and 1.
    replicates
        How many are drawn.
    seed
        Of the drawing.

    Returns
    -------
    tuple
        A `Rank` a model; None for one that is not ranked. Where there is one seed and one block alone, every range is
        the whole.

    Raises
    ------
    InputError
        For another shape.
    """
    table, centre = np.asarray(values, np.float64), np.asarray(centres, np.float64)
    if table.ndim != 3 or centre.shape != table.shape[:1]:
        raise InputError(
            f"scores have shape {table.shape}, centres {centre.shape}", help="(model, seed, block), (model,)"
        )
    lacking = np.isnan(table).all(axis=-1).any(axis=-1)
    whole = np.flatnonzero(~(lacking | np.isnan(centre)))
    found: list[Rank | None] = [None] * len(table)
    if not whole.size:
        return tuple(found)
    known = table[whole]
    known = known[:, :, np.isfinite(known).all(axis=(0, 1))]
    ranks = rankdata(centre[whole], method="min").astype(int)
    low, high = _ends(known, centre[whole], confidence, replicates, seed)
    for place, model in enumerate(whole):
        # The rank of all data is always one that they allow.
        rank = int(ranks[place])
        found[model] = Rank(rank, min(int(low[place]), rank), max(int(high[place]), rank))
    return tuple(found)


def _ends(
    table: Array, centre: Array, confidence: float, replicates: int, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    models, seeds, blocks = table.shape
    drawn = [size for size in (seeds, blocks) if size > 1]
    if not drawn:
        return np.ones(models, np.intp), np.full(models, models)
    rng = np.random.default_rng(seed)
    of_seeds = rng.multinomial(seeds, np.full(seeds, 1 / seeds), replicates) / seeds
    of_blocks = rng.multinomial(blocks, np.full(blocks, 1 / blocks), replicates) / blocks
    moved = table - table.mean(axis=(1, 2), keepdims=True)
    weights = (of_seeds[:, :, None] * of_blocks[:, None, :]).reshape(replicates, -1)
    widened = np.sqrt(min(drawn) / (min(drawn) - 1))
    badness = centre[:, None] + widened * (moved.reshape(models, -1) @ weights.T)
    ranks = np.sort(rankdata(badness, method="min", axis=0), axis=1)
    outside = (1.0 - confidence) / 2.0
    ends = (int(np.floor(outside * (replicates - 1))), int(np.ceil((1.0 - outside) * (replicates - 1))))
    return ranks[:, ends[0]].astype(np.intp), ranks[:, ends[1]].astype(np.intp)
