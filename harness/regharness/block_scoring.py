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

from regharness.cell_examples import Cell
from regharness.cube_cells import Cells
from regharness.cube_scoring import wanted
from regharness.dims import BLOCK, OUTPUT
from regharness.errors import TooManyExamples
from regharness.metric_protocols import Evidence, Kept, Metric, OfMeans
from regharness.scoring import can_score, score_blocks, score_one

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
        place = tuple(cell.at[dim] for dim in kept)
        if cell.large:
            of_outputs = _of_large(cell, metrics, max(blocks, 1))
        else:
            outputs = cell.load()
            of_outputs = {
                name: [contributions(metric, evidence, max(blocks, 1)) for evidence in outputs]
                for name, metric in metrics.items()
            }
        for name, scores in of_outputs.items():
            present = [values for values in scores if values is not None]
            if present:
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
            return _of_sums(metric, _block_sums(metric.terms(valid), starts, sizes), sizes)
        parts = (valid.select(slice(start, start + size)) for start, size in zip(starts, sizes, strict=True))
        if blocks == 1 or sizes.min() >= LARGE:
            return np.array([score_one(metric, part) for part in parts])
        whole = score_one(metric, valid)
        without = [score_one(metric, valid.select(place != g)) for g in range(blocks)]
        return _pseudo_values(whole, np.array(without), sizes)


def _of_large(cell: Cell, metrics: Mapping[str, Metric], blocks: int) -> dict[str, list[Values | None]]:
    """What `contributions` gives for each output of a large cell, one block of it at a time in memory.

    A block without as many valid examples as it takes to be scored on its own contributes nothing to a metric that is
    no function of means.
    """
    sizes = np.zeros((cell.cells.outputs, blocks), np.intp)
    found: dict[str, list[list[Any]]] = {name: [[] for _ in sizes] for name in metrics}
    for g in range(blocks):
        # The rows whose place is g, as `contributions` has it.
        start, stop = (-(-at * cell.size // blocks) for at in (g, g + 1))
        sums: dict[tuple[str, int], Any] = {}
        parts: list[list[Evidence | Kept]] = [[] for _ in sizes]
        for outputs in cell.blocks(start, stop):
            for j, evidence in enumerate(outputs):
                valid = evidence.complete()
                sizes[j, g] += len(valid)
                if len(valid):
                    parts[j].append(valid.kept())
                    _add_terms(sums, j, metrics, valid)
        for name, metric in metrics.items():
            for j, kept in enumerate(parts):
                found[name][j].append(sums[name, j] if (name, j) in sums else _of_block(metric, kept))
    return {
        name: [
            _gathered(metric, of_output, own) if own.any() else None
            for of_output, own in zip(found[name], sizes, strict=True)
        ]
        for name, metric in metrics.items()
    }


@np.errstate(all="ignore")
def _add_terms(sums: dict[tuple[str, int], Any], output: int, metrics: Mapping[str, Metric], valid: Evidence) -> None:
    """Add the terms of some examples to the sums of each metric that is a function of means."""
    double = valid.in_double()
    for name, metric in metrics.items():
        if isinstance(metric, OfMeans) and can_score(metric, valid):
            sums[name, output] = sums.get((name, output), 0.0) + metric.terms(double).sum(axis=1)


@np.errstate(all="ignore")
def _of_block(metric: Metric, kept: list[Evidence | Kept]) -> Any:
    """The score of a block's own examples; None without a valid one, NaN where they are too few."""
    if not kept:
        return None
    if sum(map(len, kept)) < LARGE or hasattr(metric, "score_against"):
        return np.nan
    try:
        return score_one(metric, Evidence.joined(kept).in_double())
    except TooManyExamples:
        return score_blocks((part.look() for part in kept), {"": metric})[""]


def _gathered(metric: Metric, of_blocks: list[Any], sizes: NDArray[np.intp]) -> Values:
    """What blocks contribute, from what `_of_block` gives of each."""
    first = next(found for found in of_blocks if found is not None)
    if np.ndim(first):
        sums = np.array([np.zeros_like(first) if found is None else found for found in of_blocks]).T
        with np.errstate(all="ignore"):
            return _of_sums(metric, sums, sizes)
    return np.array([np.nan if found is None else found for found in of_blocks])


def _block_sums(terms: Values, starts: NDArray[np.intp], sizes: NDArray[np.intp]) -> Values:
    sums = np.add.reduceat(np.concatenate([terms, np.zeros((len(terms), 1))], axis=1), starts, axis=1)
    sums[:, sizes == 0] = 0.0
    return np.asarray(sums)


def _of_sums(metric: Any, sums: Values, sizes: NDArray[np.intp]) -> Values:
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
