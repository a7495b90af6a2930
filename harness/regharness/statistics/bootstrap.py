"""Draw anew: blocks of examples, seeds crossed with blocks, single examples. Knows no metric, makes no interval.

The examples of a block stay together: a block is a run of consecutive examples. Every model and metric that is
resampled with the same seed sees the same draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from regharness.errors import InputError
from regharness.seeding import rng_for
from regharness.statistics.resampled import Resamples

Array = NDArray[np.float64]
OfMeans = Callable[[Array], Array]
"""``(term, ...) -> (...)``: a statistic that is a function of means, along any further axes."""

BLOCKS = 1000
JACKKNIFE_BLOCKS = 100
"""So many blocks are left out in turn where each costs a whole score."""


def block_starts(examples: int, blocks: int = BLOCKS) -> NDArray[np.intp]:
    """First example of each of `blocks` runs of consecutive examples, as long as can be alike.

    Fewer examples than blocks are a block each. ``numpy.add.reduceat`` takes them as they are.
    """
    count = min(examples, blocks)
    return np.arange(count) * examples // max(count, 1)


def block_sums(terms: Array, starts: NDArray[np.intp]) -> Array:
    """Add ``(term, example)`` up to ``(term, block)``, in float64."""
    if not starts.size:
        return np.zeros((terms.shape[0], 0))
    return np.add.reduceat(terms, starts, axis=1, dtype=np.float64)


def multinomial_weights(resamples: int, units: int, rng: np.random.Generator) -> Array:
    """How often each unit is drawn when `units` are drawn with replacement: ``(resample, unit)`` float64."""
    _refuse_none(resamples)
    if not units:
        return np.zeros((resamples, 0))
    drawn = rng.integers(0, units, size=(resamples, units))
    drawn += np.arange(resamples)[:, None] * units
    return np.bincount(drawn.ravel(), minlength=resamples * units).reshape(resamples, units).astype(np.float64)


def bootstrap_sums(sums: Array, sizes: Array, of_means: OfMeans, weights: Array) -> Resamples:
    """Resample a statistic of means by the blocks of examples that its terms were added up in.

    Parameters
    ----------
    sums
        ``(term, block)``: sums of per-example terms in each block.
    sizes
        ``(block,)``: how many examples each has.
    of_means
        The statistic, of ``(term, ...)``.
    weights
        ``(resample, block)``: as `multinomial_weights` draws them; the same ones for all that is compared.

    Returns
    -------
    Resamples
        With fewer than two blocks, all replicates are NaN: nothing tells how much a block varies.
    """
    total, count = sums.sum(axis=1), sizes.sum()
    with np.errstate(all="ignore"):
        estimate = np.asarray(of_means(total / count), dtype=np.float64)
        if sizes.size < 2:
            return Resamples(estimate, np.full((*estimate.shape, len(weights)), np.nan), ())
        replicates = of_means(_drawn_sums(sums, weights) / (weights @ sizes))
        left = of_means((total[:, None] - sums) / (count - sizes))
    return Resamples(estimate, np.asarray(replicates), (np.asarray(left),))


def _drawn_sums(sums: Array, weights: Array) -> Array:
    """``(term, resample)``: infinite where a draw has an infinite block, and not where it only might have had one."""
    finite = np.isfinite(sums)
    if finite.all():
        return np.asarray(sums @ weights.T)
    drawn: Array = np.where(finite, sums, 0.0) @ weights.T
    for value in (np.inf, -np.inf, np.nan):
        places = np.isnan(sums) if np.isnan(value) else sums == value
        drawn[places.astype(np.float64) @ weights.T > 0.0] += value
    return drawn


def bootstrap_terms(
    metrics: Iterable[tuple[Array, OfMeans]], *, resamples: int = 1000, blocks: int = BLOCKS, seed: int = 0
) -> list[Resamples]:
    """Resample metrics that are functions of means of per-example terms, all with the same draws.

    Parameters
    ----------
    metrics
        For each, its terms ``(term, example)`` and its function of their means; may be a generator.
    resamples
        How many draws.
    blocks
        Into how many blocks to divide the examples. No more examples than blocks are drawn one by one.
    seed
        Zero or above.

    Raises
    ------
    InputError
        For metrics of different numbers of examples, or fewer than one draw.
    """
    found: list[Resamples] = []
    examples = -1
    # One metric's terms after the other, so that a generator's are not all in memory at once.
    for terms, of_means in metrics:
        if not found:
            examples = terms.shape[1]
            starts = block_starts(examples, blocks)
            sizes = np.diff(starts, append=examples).astype(np.float64)
            weights = multinomial_weights(resamples, starts.size, rng_for(seed, "bootstrap"))
        elif terms.shape[1] != examples:
            raise InputError(
                f"the metrics have different numbers of examples: {examples}, {terms.shape[1]}",
                help="give all the same examples, so that they are drawn together",
            )
        found.append(bootstrap_sums(block_sums(terms, starts), sizes, of_means, weights))
    return found


def bootstrap_examples(
    score: Callable[[NDArray[np.intp]], float | Array], examples: int, *, resamples: int = 1000, seed: int = 0
) -> Resamples:
    """Resample any score example by example; each draw computes it anew.

    Parameters
    ----------
    score
        The score of the examples at these places, a number or ``(label,)``.
    examples
        How many there are.
    resamples
        How many draws.
    seed
        Zero or above.

    Raises
    ------
    InputError
        For fewer than one draw.
    """
    _refuse_none(resamples)
    everything = np.arange(examples)
    estimate = np.asarray(score(everything), dtype=np.float64)
    if examples < 2:
        return Resamples(estimate, np.full((*estimate.shape, resamples), np.nan), ())
    rng = rng_for(seed, "bootstrap")
    replicates = np.stack([score(rng.integers(0, examples, examples)) for _ in range(resamples)], axis=-1)
    edges = [*block_starts(examples, JACKKNIFE_BLOCKS), examples]
    left = np.stack([score(np.delete(everything, np.s_[a:b])) for a, b in pairwise(edges)], axis=-1)
    return Resamples(estimate, replicates, (left,))


def crossed_bootstrap(
    values: Array, statistic: OfMeans | None = None, *, resamples: int = 1000, seed: int = 0
) -> Resamples:
    """Draw seeds and blocks of examples anew, independently of each other, the same ones for all that is compared.

    The pigeonhole bootstrap (Owen, Ann. Appl. Stat. 1, 2007). It is right where seeds or blocks matter, somewhat
    wide where neither does, and with a handful of seeds too narrow, by the square root of 1 - 1/seeds and for want
    of a t quantile: `regharness.statistics.interval` is for those.

    Parameters
    ----------
    values
        ``(..., seed, block)``, such as (model, seed, block).
    statistic
        Of the means ``(..., resample)`` over seeds and blocks; such as ``lambda m: m[0] - m[1]``. The means
        themselves if None.
    resamples
        How many draws.
    seed
        Zero or above.

    Raises
    ------
    InputError
        With fewer than two seeds or two blocks, with NaN among the values, or for fewer than one draw.
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim < 2 or min(table.shape[-2:]) < 2:
        raise InputError(
            f"values of shape {table.shape} have not two seeds and two blocks to draw from",
            help="give (..., seed, block); blocks of one seed can be drawn with bootstrap_sums",
        )
    if np.isnan(table).any():
        raise InputError("NaN among the values", help="leave out seeds and blocks that not all models have")
    of_means = statistic or (lambda means: means)
    seeds, blocks = table.shape[-2:]
    by_seed = multinomial_weights(resamples, seeds, rng_for(seed, "crossed bootstrap", "seed"))
    by_block = multinomial_weights(resamples, blocks, rng_for(seed, "crossed bootstrap", "block"))
    with np.errstate(all="ignore"):
        means = ((table @ by_block.T) * by_seed.T).sum(axis=-2) / (seeds * blocks)
        mean = table.mean(axis=(-2, -1))
        without = [
            (mean[..., None] * units - table.mean(axis=other)) / (units - 1)
            for units, other in ((seeds, -1), (blocks, -2))
        ]
        estimate, replicates = of_means(mean), of_means(means)
        left = tuple(np.asarray(of_means(part)) for part in without)
    return Resamples(np.asarray(estimate), np.asarray(replicates), left)


def _refuse_none(resamples: int) -> None:
    if resamples < 1:
        raise InputError(f"resamples is {resamples}", help="1000 is usual")
