"""Count published elements again: fewer reads, fewer barcodes, barcodes that differ more. Reads no file.

Only differences are applied: a target moves by what its recomputed activity moves, so whatever normalisation
was published stays. Its noise variance grows by that of the new draw, by the delta method.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from regharness import InputError, SequenceBatch
from regharness.interfaces import Replicates

Numbers = NDArray[np.float64]
LN2 = np.log(2.0)
PSEUDOCOUNT = 1.0
"""Added to summed DNA and RNA counts, so that an element without RNA has a finite activity."""


class SummedCounts:
    """The assay of a table with one DNA and one RNA count an element and output: only depth can change."""

    def recount(
        self,
        batch: SequenceBatch,
        rng: np.random.Generator,
        *,
        barcodes: int | None = None,
        depth: float = 1.0,
        dispersion: float | None = None,
    ) -> SequenceBatch:
        """Keep each read with the probability `depth`.

        The target moves by the change of ``log2((RNA + 1) / (DNA + 1))``. A binomial count of mean ``m`` and
        variance ``m (1 - depth)`` gives its logarithm the variance ``m (1 - depth) / ((m + 1) ln 2)^2``.
        Where a count is missing, the element stays as it was.
        """
        if barcodes is not None or dispersion is not None:
            raise InputError("these data have no counts of single barcodes", help="only their depth can change")
        _check(depth)
        if batch.target is None or batch.dna_count is None or batch.rna_count is None:
            raise InputError("no counts are known of these examples")
        known = ~np.isnan(batch.dna_count + batch.rna_count)
        change, variance = np.zeros(known.shape), np.zeros(known.shape)
        counts = {}
        for sign, name in ((-1.0, "dna_count"), (1.0, "rna_count")):
            before = np.where(known, getattr(batch, name), 0.0)
            after = _thinned(before, depth, rng)
            change += sign * (np.log2(after + PSEUDOCOUNT) - np.log2(before + PSEUDOCOUNT))
            mean = before * depth
            variance += mean * (1.0 - depth) / ((mean + PSEUDOCOUNT) * LN2) ** 2
            counts[name] = np.where(known, after, np.nan).astype(np.float32)
        noise = None if batch.noise_variance is None else (batch.noise_variance + variance).astype(np.float32)
        target = (batch.target + change).astype(np.float32)
        return replace(batch, target=target, noise_variance=noise, replicates=None, **counts)


@dataclass(frozen=True)
class Barcodes:
    """Barcodes of one output, and how the authors made activity of them.

    A barcode's expression in a replicate is ``RNA / DNA * unit``; it is 0 if its RNA is below `least_rna` in any
    replicate, and it does not count if its DNA is below `least_dna`. An element's expression is the mean over its
    barcodes, then over replicates; its activity is ``log2(expression + pseudocount)``. Where reads are fewer, the
    thresholds fall in proportion.

    Attributes
    ----------
    element
        ``(barcode,)`` ids of the elements.
    dna
        ``(barcode,)`` counts.
    rna, unit, least_rna
        ``(barcode, replicate)`` counts, factors and thresholds.
    """

    element: NDArray[np.str_]
    dna: Numbers
    rna: Numbers
    unit: Numbers
    least_rna: Numbers
    least_dna: float
    pseudocount: float

    def of_replicates(self, chosen: list[int]) -> Barcodes:
        """The same with some replicates alone."""
        parts = {name: getattr(self, name)[:, chosen] for name in ("rna", "unit", "least_rna")}
        return replace(self, **parts)

    def select(self, index: NDArray[np.bool_] | NDArray[np.int64]) -> Barcodes:
        """Some of the barcodes."""
        parts = ("element", "dna", "rna", "unit", "least_rna")
        return replace(self, **{name: getattr(self, name)[index] for name in parts})


@dataclass(frozen=True)
class Measured:
    """Elements measured through their barcodes, in the order asked for; an element without any is NaN.

    Attributes
    ----------
    expression
        ``(element, replicate)``.
    dna_count, rna_count
        ``(element,)`` and ``(element, replicate)``: reads of the barcodes that count.
    """

    expression: Numbers
    dna_count: Numbers
    rna_count: Numbers


def measure(barcodes: Barcodes, ids: NDArray[np.str_], depth: float = 1.0) -> Measured:
    """Measure elements as the authors did, see `Barcodes`."""
    place, known = _place(barcodes.element, ids)
    counted = _counted(barcodes.dna[known], place, barcodes.least_dna * depth, len(ids))
    place, kept = place[counted], barcodes.select(np.flatnonzero(known)[counted])
    dna = np.maximum(kept.dna, 1.0)
    silent = (kept.rna < kept.least_rna * depth).any(axis=1, keepdims=True)
    ratio = np.where(silent, 0.0, kept.rna / dna[:, None] * kept.unit)
    number = np.bincount(place, minlength=len(ids)).astype(float)
    number[number == 0] = np.nan
    return Measured(
        expression=_summed(ratio, place, len(ids)) / number[:, None],
        dna_count=np.bincount(place, dna, len(ids)),
        rna_count=_summed(kept.rna, place, len(ids)),
    )


class BarcodeCounts:
    """The assay of elements whose single barcodes were counted.

    Parameters
    ----------
    tables
        Output to its barcodes.
    """

    def __init__(self, tables: Mapping[str, Barcodes]) -> None:
        self.tables = tables

    def recount(
        self,
        batch: SequenceBatch,
        rng: np.random.Generator,
        *,
        barcodes: int | None = None,
        depth: float = 1.0,
        dispersion: float | None = None,
    ) -> SequenceBatch:
        """Measure again with fewer barcodes, fewer reads, or barcodes that differ more.

        So many of an element's barcodes are drawn without replacement; each barcode's RNA is multiplied by a gamma
        variable of mean 1 and variance `dispersion`, the same in all replicates; each read is kept with the
        probability `depth`. An element that would lose all of its barcodes keeps them, with one DNA read each.
        """
        _check(depth)
        if dispersion is not None and not dispersion >= 0.0:
            raise InputError(f"dispersion {dispersion:g} is below zero")
        if barcodes is not None and barcodes < 1:
            raise InputError(f"an element needs a barcode, not {barcodes}")
        if batch.target is None or batch.dna_count is None:
            raise InputError("no counts are known of these examples")
        parts = [
            self._output(self.tables[name], batch.ids.astype(str), rng, barcodes, depth, dispersion or 0.0)
            for name in batch.outputs
        ]
        change, variance, replicates, dna, rna = (np.stack(part, axis=1) for part in zip(*parts, strict=True))
        noise = None if batch.noise_variance is None else (batch.noise_variance + variance).astype(np.float32)
        dna_count = np.broadcast_to(dna[:, :, None], rna.shape)
        return replace(
            batch,
            target=(batch.target + change).astype(np.float32),
            noise_variance=noise,
            dna_count=dna.astype(np.float32),
            rna_count=rna.sum(axis=2).astype(np.float32),
            replicates=Replicates(*(part.astype(np.float32) for part in (replicates, dna_count, rna))),
        )

    @staticmethod
    def _output(
        table: Barcodes, ids: NDArray[np.str_], rng: np.random.Generator, barcodes: int | None, depth: float, phi: float
    ) -> tuple[Numbers, ...]:
        """Change of the target, its variance, replicates' activity, and counts."""
        before = measure(table, ids)
        drawn = table.select(_drawn(table, barcodes, rng))
        rna = drawn.rna if phi == 0.0 else drawn.rna * rng.gamma(1.0 / phi, phi, len(drawn.rna))[:, None]
        drawn = replace(drawn, dna=_thinned(drawn.dna, depth, rng), rna=_thinned(rna, depth, rng))
        after = measure(drawn, ids, depth)
        one, two = before.expression.mean(axis=1), after.expression.mean(axis=1)
        change = np.log2(two + table.pseudocount) - np.log2(one + table.pseudocount)
        variance = _variance(table, ids, barcodes, depth, phi) / ((one + table.pseudocount) * LN2) ** 2
        return change, variance, np.log2(after.expression + table.pseudocount), after.dna_count, after.rna_count


def _variance(table: Barcodes, ids: NDArray[np.str_], barcodes: int | None, depth: float, phi: float) -> Numbers:
    """Variance that a new draw adds to each element's expression, the mean over n of N barcodes.

    ``S^2 (1/n - 1/N)`` for drawing barcodes, where ``S^2`` is their variance; for each barcode of expression ``x``,
    ``phi x^2`` for the gamma variable and ``x^2 (1 - depth) / depth (1/DNA + 1/RNA)`` for the reads, over ``n N``.
    """
    place, known = _place(table.element, ids)
    dna, rna, unit = table.dna[known], table.rna[known], table.unit[known]
    counted = (dna >= table.least_dna) & (rna >= table.least_rna[known]).all(axis=1)
    has = _counted(dna, place, table.least_dna, len(ids))
    x = np.where(counted[:, None], rna / np.maximum(dna, 1.0)[:, None] * unit, 0.0)
    mean = x.mean(axis=1)
    size = np.bincount(place[has], minlength=len(ids)).astype(float)
    n = size if barcodes is None else np.minimum(size, barcodes)
    first, second = (np.bincount(place[has], part[has], len(ids)) for part in (mean, mean**2))
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.where(size > 1, (second - first**2 / size) / (size - 1.0), 0.0)
        reads = (1.0 - depth) / depth
        fewer = mean**2 * (phi + reads / np.maximum(dna, 1.0))
        fewer += reads * (x**2 / np.maximum(rna, 1.0)).mean(axis=1) / x.shape[1]
        own = np.bincount(place[has], fewer[has], len(ids))
        added: Numbers = spread * (1.0 / n - 1.0 / size) + own / (n * size)
    return added


def _place(element: NDArray[np.str_], ids: NDArray[np.str_]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where among `ids` the element of each barcode is, and which barcodes are of any."""
    order = np.argsort(ids)
    at = np.minimum(np.searchsorted(ids, element, sorter=order), len(ids) - 1)
    known = ids[order[at]] == element
    return order[at][known], known


def _counted(dna: Numbers, place: NDArray[np.int64], least: float, n: int) -> NDArray[np.bool_]:
    """Barcodes with enough DNA, at least one read; where an element has none such, all of its barcodes."""
    enough: NDArray[np.bool_] = dna >= max(least, 1.0)
    return enough | (np.bincount(place, enough, n) == 0)[place]


def _drawn(table: Barcodes, barcodes: int | None, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Up to so many of each element's barcodes that count."""
    counted = table.dna >= table.least_dna
    if barcodes is None:
        return counted
    element = np.unique(table.element, return_inverse=True)[1]
    order = np.lexsort((rng.random(len(element)), ~counted, element))
    first = np.searchsorted(element[order], element[order])
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - first
    return counted & (rank < barcodes)


def _summed(values: Numbers, place: NDArray[np.int64], n: int) -> Numbers:
    return np.stack([np.bincount(place, column, n) for column in values.T], axis=1)


def _thinned(counts: Numbers, depth: float, rng: np.random.Generator) -> Numbers:
    if depth == 1.0:
        return counts
    return rng.binomial(np.rint(counts).astype(np.int64), depth).astype(np.float64)


def _check(depth: float) -> None:
    if not 0.0 < depth <= 1.0:
        raise InputError(f"depth {depth:g} is not above 0 and at most 1")
