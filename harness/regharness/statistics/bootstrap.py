"""Resample scores: blocks of examples, seeds crossed with blocks, single examples. Knows no metric by name.

The examples of a block stay together: a block is a run of consecutive examples. Every model and metric that is
resampled with the same seed sees the same draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from regharness.errors import InputError, unknown_name
from regharness.seeding import rng_for

Array = NDArray[np.float64]
OfMeans = Callable[[Array], Array]
"""``(term, ...) -> (...)``: a statistic that is a function of means, along any further axes."""
Method = Literal["bca", "percentile"]

BLOCKS = 1000
JACKKNIFE_BLOCKS = 100
"""So many blocks are left out in turn where each costs a whole score."""


@dataclass(frozen=True)
class Resamples:
    """A statistic, and what it would have been on other draws.

    Attributes
    ----------
    estimate
        ``(...)`` float64.
    replicates
        ``(..., resample)`` float64. NaN where a draw has no score; such draws are left out of intervals.
    jackknives
        For each thing that is drawn, ``(..., unit)`` float64: the statistic with each unit left out.
    """

    estimate: Array
    replicates: Array
    jackknives: tuple[Array, ...]


@dataclass(frozen=True)
class ResampledInterval:
    """Confidence interval of a resampled statistic; each ``(...)`` float64, NaN where there is none."""

    estimate: Array
    low: Array
    high: Array
    standard_error: Array


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
        Shape ``()``. With fewer than two blocks, all replicates are NaN: nothing tells how much a block varies.
    """
    total, count = sums.sum(axis=1), sizes.sum()
    with np.errstate(all="ignore"):
        estimate = np.asarray(of_means(total / count), dtype=np.float64)
        if sizes.size < 2:
            return Resamples(estimate, np.full(len(weights), np.nan), ())
        replicates = of_means((sums @ weights.T) / (weights @ sizes))
        left = of_means((total[:, None] - sums) / (count - sizes))
    return Resamples(estimate, np.asarray(replicates), (np.asarray(left),))


def bootstrap_terms(
    metrics: Sequence[tuple[Array, OfMeans]], *, resamples: int = 1000, blocks: int = BLOCKS, seed: int = 0
) -> list[Resamples]:
    """Resample metrics that are functions of means of per-example terms, all with the same draws.

    Parameters
    ----------
    metrics
        For each, its terms ``(term, example)`` and its function of their means.
    resamples
        How many draws.
    blocks
        Into how many blocks to divide the examples. No more examples than blocks are drawn one by one.
    seed
        Zero or above.

    Raises
    ------
    InputError
        For metrics of different numbers of examples.
    """
    counts = {terms.shape[1] for terms, _ in metrics}
    if len(counts) > 1:
        raise InputError(
            f"the metrics have different numbers of examples: {', '.join(map(str, sorted(counts)))}",
            help="give all the same examples, so that they are drawn together",
        )
    examples = counts.pop() if counts else 0
    starts = block_starts(examples, blocks)
    sizes = np.diff(starts, append=examples).astype(np.float64)
    weights = multinomial_weights(resamples, starts.size, rng_for(seed, "bootstrap"))
    return [bootstrap_sums(block_sums(terms, starts), sizes, of_means, weights) for terms, of_means in metrics]


def bootstrap_examples(
    score: Callable[[NDArray[np.intp]], float], examples: int, *, resamples: int = 1000, seed: int = 0
) -> Resamples:
    """Resample any score example by example; each draw computes it anew.

    Parameters
    ----------
    score
        The score of the examples at these places.
    examples
        How many there are.
    resamples
        How many draws.
    seed
        Zero or above.
    """
    everything = np.arange(examples)
    estimate = np.asarray(score(everything), dtype=np.float64)
    if examples < 2:
        return Resamples(estimate, np.full(resamples, np.nan), ())
    rng = rng_for(seed, "bootstrap")
    replicates = np.array([score(rng.integers(0, examples, examples)) for _ in range(resamples)])
    edges = [*block_starts(examples, JACKKNIFE_BLOCKS), examples]
    left = np.array([score(np.delete(everything, np.s_[a:b])) for a, b in pairwise(edges)])
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
        With fewer than two seeds or two blocks, or with NaN among the values.
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


def resampled_interval(found: Resamples, confidence: float = 0.95, method: Method = "bca") -> ResampledInterval:
    """Turn resamples into a confidence interval.

    Parameters
    ----------
    found
        Of any shape.
    confidence
        Between 0 and 1.
    method
        ``"percentile"``, or ``"bca"``: bias-corrected and accelerated (Efron, JASA 82, 1987), the acceleration
        from the jackknife.

    Raises
    ------
    InputError
        For another method, or a confidence outside (0, 1).
    """
    if method not in ("bca", "percentile"):
        message, choices = unknown_name("method", method, ("bca", "percentile"), listed="methods")
        raise InputError(message, help=choices)
    if not 0.0 < confidence < 1.0:
        raise InputError(f"the confidence {confidence:g} is not between 0 and 1", help="0.95 is usual")
    shape = found.estimate.shape
    ends = np.full((3, *shape), np.nan)
    for place in np.ndindex(shape):
        drawn = found.replicates[place]
        drawn = np.sort(drawn[~np.isnan(drawn)])
        estimate = float(found.estimate[place])
        if np.isnan(estimate) or drawn.size < 2:
            continue
        tails = np.array([1.0 - confidence, 1.0 + confidence]) / 2.0
        if method == "bca":
            tails = _corrected(tails, drawn, estimate, [part[place] for part in found.jackknives])
        with np.errstate(invalid="ignore"):
            ends[(slice(None), *place)] = *_quantiles(drawn, tails), drawn.std(ddof=1)
    low, high, error = (np.asarray(end) for end in ends)
    return ResampledInterval(found.estimate, low, high, error)


def _quantiles(drawn: Array, tails: Array) -> tuple[float, float]:
    """Order statistics of sorted replicates, at the same distance from both ends; infinite ones stay infinite."""
    low = int(np.ceil(tails[0] * drawn.size)) - 1
    high = drawn.size - int(np.ceil((1.0 - tails[1]) * drawn.size))
    last = drawn.size - 1
    return float(drawn[min(max(low, 0), last)]), float(drawn[min(max(high, 0), last)])


def _corrected(tails: Array, drawn: Array, estimate: float, jackknives: Sequence[Array]) -> Array:
    """Tails of the replicates that BCa takes in place of the nominal ones."""
    below = ((drawn < estimate).mean() + (drawn <= estimate).mean()) / 2.0
    bias = ndtri(min(max(below, 1.0 / (drawn.size + 1)), drawn.size / (drawn.size + 1)))
    shifted = bias + ndtri(tails)
    return np.asarray(ndtr(bias + shifted / (1.0 - _acceleration(jackknives) * shifted)))


def _acceleration(jackknives: Sequence[Array]) -> float:
    """A sixth of the skewness of the statistic, from each unit's influence on it (Efron 1987, eq. 7.3)."""
    cubes, squares = 0.0, 0.0
    for left in jackknives:
        known = left[np.isfinite(left)]
        if known.size < 2:
            continue
        # Of the mean of n units, each counts 1/n of its own influence, (n - 1) times what leaving it out changes.
        influence = (known.mean() - known) * (known.size - 1) / known.size
        cubes += float((influence**3).sum())
        squares += float((influence**2).sum())
    return cubes / (6.0 * squares**1.5) if squares > 0.0 else 0.0
