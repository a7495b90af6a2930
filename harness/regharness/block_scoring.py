"""Score a cube on blocks of its examples, for statistics that ask what hangs on which examples were drawn.

Blocks are of consecutive examples, so that neighbours, such as variants of one element, stay together; they are the
same for all models, shifts and seeds, so that comparisons are paired. Stores nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from regharness.cube_cells import Cells
from regharness.cube_scoring import wanted
from regharness.dims import BLOCK, OUTPUT
from regharness.metric_protocols import Evidence, Metric, OfMeans
from regharness.scoring import can_score, score_one

BLOCKS = 30
"""Enough for the spread between blocks to be known within a seventh, and few enough to leave each some examples."""

LEAST = 20
"""Examples of a block, at least: fewer blocks are made of fewer examples."""

LARGE = 500
"""Examples of a block from which on its own score says what the block contributes."""

Values = NDArray[np.float64]


def score_on_blocks(dataset: xr.Dataset | Cells, metrics: Mapping[str, Metric]) -> xr.Dataset:
    """What each block of examples contributes to the scores of a cube.

    Of a metric that is a function of means, and of any other on blocks of fewer than 500 examples, the jackknife's
    pseudo-value ``G s - (G - 1) s_(-g)``: s is the score of all examples, s_(-g) the one without the block, G the
    number of blocks (Tukey 1958; Shao & Tu, *The Jackknife and Bootstrap*, 1995); s itself where it is infinite. Of
    others the score of the block's own examples. Their mean is the score itself, up to a bias that shrinks with the
    number of examples.

    Parameters
    ----------
    dataset
        As `regharness.cube_scoring.score_cube` takes it.
    metrics
        Name in the result to metric, each of one number.

    Returns
    -------
    xarray.Dataset
        One float64 variable a metric: dims of the cube without ``example`` and ``output``, and ``block`` last; the mean
        over the outputs that the cell has. NaN where there is no score, and past the blocks that the smallest cell
        allows.
    """
    cells = dataset if isinstance(dataset, Cells) else Cells(dataset, wanted(metrics))
    kept = {name: size for name, size in cells.sizes.items() if name != OUTPUT}
    done = list(cells)
    blocks = min([BLOCKS, *(cell.size // LEAST for cell in done)]) if done else BLOCKS
    found = {name: np.full((*kept.values(), BLOCKS), np.nan) for name in metrics}
    for cell in done:
        outputs = cell.load()
        for name, metric in metrics.items():
            scores = [contributions(metric, evidence, max(blocks, 1)) for evidence in outputs]
            present = [values for values in scores if values is not None]
            if present:
                place = tuple(cell.at[dim] for dim in kept)
                found[name][place][: max(blocks, 1)] = np.mean(present, axis=0)
    coords = {name: value for name, value in cells.dataset.coords.items() if set(value.dims) <= set(kept)}
    return xr.Dataset({name: ((*kept, BLOCK), values) for name, values in found.items()}, coords)


def contributions(metric: Metric, evidence: Evidence, blocks: int) -> Values | None:
    """What each of so many blocks contributes to a score, ``(block,)``.

    None without a valid example; NaN where a metric needs what there is not, or a block has no valid example.
    """
    place = np.arange(len(evidence)) * blocks // max(len(evidence), 1)
    missing = evidence.missing()
    valid, place = evidence.select(~missing).in_double(), place[~missing]
    if not len(valid):
        return None
    if not can_score(metric, valid) or hasattr(metric, "score_against"):
        return np.full(blocks, np.nan)
    starts = np.searchsorted(place, np.arange(blocks))
    sizes = np.diff(starts, append=len(valid))
    with np.errstate(all="ignore"):
        if isinstance(metric, OfMeans):
            return _of_sums(metric, metric.terms(valid), starts, sizes)
        parts = (valid.select(slice(start, start + size)) for start, size in zip(starts, sizes, strict=True))
        if blocks == 1 or sizes.min() >= LARGE:
            return np.array([score_one(metric, part) for part in parts])
        whole = score_one(metric, valid)
        without = [score_one(metric, valid.select(place != g)) for g in range(blocks)]
        return _pseudo_values(whole, np.array(without), sizes)


def _of_sums(metric: OfMeans, terms: Values, starts: NDArray[np.intp], sizes: NDArray[np.intp]) -> Values:
    sums = np.add.reduceat(np.concatenate([terms, np.zeros((len(terms), 1))], axis=1), starts, axis=1)
    sums[:, sizes == 0] = 0.0
    total, n, blocks = sums.sum(axis=1, keepdims=True), sizes.sum(), len(sizes)
    whole = metric.of_means(total / n)
    if blocks == 1:
        return np.asarray(whole)
    without = metric.of_means((total - sums) / (n - sizes))
    return _pseudo_values(whole, without, sizes)


def _pseudo_values(whole: Any, without: Values, sizes: NDArray[np.intp]) -> Values:
    # An infinite score is there, and must not come to look like a missing one.
    values = np.broadcast_to(whole, sizes.shape) if np.isinf(whole) else whole + (len(sizes) - 1) * (whole - without)
    return np.where(sizes > 0, values, np.nan)
