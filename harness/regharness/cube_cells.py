"""Read a cube cell by cell, whole or chunk by chunk. Scores nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any
from urllib.parse import unquote

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from regharness.cube_checks import (
    BEYOND,
    OPTIONAL,
    VARIANCES,
    cube_variables,
    quantile_levels,
    refuse_other_shapes,
    refuse_other_things,
)
from regharness.dims import (
    COVARIATE,
    DONE,
    EXAMPLE,
    IDENTITY,
    MEAN,
    MEMBER,
    MEMBER_VARIANCE,
    MEMBERS,
    N_EXAMPLES,
    NOISE_VARIANCE,
    OUTPUT,
    QUANTILE,
    QUANTILES,
    SHIFT,
    STATUS,
    TARGET,
    VARIANCE,
)
from regharness.errors import InputError
from regharness.metric_protocols import COVARIATES, Evidence
from regharness.scoring import in_blocks
from regharness.variances import refuse_negative

SLAB = 16_000_000
"""Bytes of a variable that are read at a time, for a store answers many small questions slowly; a cell at least."""

Arrays = dict[str, NDArray[Any]]


class Cells:
    """The cells of a cube: every combination of labels but those of ``example`` and ``output``.

    Parameters
    ----------
    dataset
        As `regharness.cube_scoring.score_cube` takes it.
    wanted
        What to read beside predictions and targets, as `Metric.needs` writes it.
    common
        A dimension, such as ``model``: an example that one of its cells misses is missing in all of them, so that they
        are scored on the same examples. Cells that have no prediction at all do not count.

    Attributes
    ----------
    sizes
        Dimensions that scores keep, and how long they are.
    levels
        Of the quantiles of all models, from low to high.

    Raises
    ------
    InputError
        When the dataset is not such a cube.
    """

    def __init__(self, dataset: xr.Dataset, wanted: Iterable[str] = (), common: str | None = None) -> None:
        refuse_other_things(dataset)
        dataset = _with_moments(dataset)
        self.levels = quantile_levels(dataset)
        self.dataset = dataset.sortby(QUANTILE) if QUANTILES in dataset else dataset
        self._covariates = {COVARIATES + unquote(name[len(COVARIATE) :]): name for name in _names(dataset, COVARIATE)}
        self.names = cube_variables(dataset)
        if NOISE_VARIANCE in dataset and NOISE_VARIANCE in wanted:
            self.names.append(NOISE_VARIANCE)
        self.covariates = {name: self._covariates[name] for name in wanted if name in self._covariates}
        refuse_other_shapes(dataset, [*self.names, *self.covariates.values()])
        self.sizes = {str(name): dataset.sizes[name] for name in dataset[MEAN].dims if name != EXAMPLE}
        self.outputs = self.sizes.get(OUTPUT, 1)
        if common is not None and (common == OUTPUT or common not in self.sizes):
            over = ", ".join(name for name in self.sizes if name != OUTPUT)
            raise InputError(
                f"'{common}' is no dimension that cells lie along", help=f"they lie along: {over or 'none'}"
            )
        self.common = common
        self._gaps: tuple[dict[str, int], slice, NDArray[np.bool_]] | None = None
        self._slabs: dict[str, tuple[tuple[int, ...], NDArray[Any]]] = {}
        # Read once: the shape of every cell hangs on them.
        self._status, self._n_examples = (
            dataset[name].compute().variable if name in dataset.variables else None for name in (STATUS, N_EXAMPLES)
        )

    @property
    def parts(self) -> frozenset[str]:
        """What of `Evidence` the cube can give, as `Metric.needs` writes it."""
        there = {name for name in (*BEYOND, NOISE_VARIANCE) if name in self.dataset}
        variance = {VARIANCE} if any(name in self.dataset for name in VARIANCES) else set()
        return frozenset({TARGET, MEAN} | there | variance | self._covariates.keys())

    @property
    def has_identity(self) -> bool:
        """Whether the unshifted test set is among the shifts."""
        return SHIFT in self.dataset.coords and SHIFT in self.sizes and IDENTITY in self.dataset[SHIFT].values

    def __iter__(self) -> Iterator[Cell]:
        """The cells that are done; those that share their missing examples follow each other."""
        over = self._over
        for index in product(*(range(self.sizes[name]) for name in over)):
            cell = self._cell(dict(zip(over, index, strict=True)))
            if self.is_done(cell):
                yield cell

    def identity(self, cell: Cell) -> Cell:
        """The cell of the same model and seed on the unshifted test set."""
        place = int(np.flatnonzero(self.dataset[SHIFT].values == IDENTITY)[0])
        return self._cell({**cell.at, SHIFT: place})

    def is_done(self, cell: Cell) -> bool:
        """Whether a cell has predictions."""
        return self._status is None or self._status.isel(cell.at, missing_dims="ignore").values.item() == DONE

    def load(self, name: str, at: Mapping[str, int]) -> NDArray[Any]:
        """A variable of one cell: ``example`` first, then ``output``; whole neighbouring cells are read with it."""
        # Variables, not arrays: coordinates would be cut out again for every cell.
        variable = self.dataset.variables[name]
        over = [dim for dim in self._over if dim in variable.dims]
        nbytes, fixed = variable.nbytes, []
        for dim in over:
            if nbytes <= SLAB:
                break
            fixed.append(dim)
            nbytes //= max(variable.sizes[dim], 1)
        key = tuple(at[dim] for dim in fixed)
        held = self._slabs.get(name)
        if held is None or held[0] != key:
            self._slabs.pop(name, None)
            part = variable.isel(dict(zip(fixed, key, strict=True)))
            rest = [dim for dim in over if dim not in fixed]
            inner = [dim for dim in (EXAMPLE, OUTPUT) if dim in variable.dims]
            held = key, np.asarray(part.transpose(*rest, *inner, ...).values)
            self._slabs[name] = held
        found: NDArray[Any] = held[1][tuple(at[dim] for dim in over if dim not in fixed)]
        return found

    @property
    def _over(self) -> list[str]:
        """Dimensions that cells lie along, in the order of reading."""
        over = [name for name in self.sizes if name not in (OUTPUT, self.common)]
        return over if self.common is None else [*over, self.common]

    def gaps(self, cell: Cell, rows: slice) -> NDArray[np.bool_]:
        """``(example, output)``: what of some rows a cell misses, or one that lies beside it along `common`."""
        assert self.common is not None
        beside = {name: place for name, place in cell.at.items() if name != self.common}
        if self._gaps is None or self._gaps[:2] != (beside, rows):
            found = np.zeros((rows.stop - (rows.start or 0), self.outputs), dtype=bool)
            for place in range(self.sizes[self.common]):
                other = self._cell({**beside, self.common: place})
                if self.is_done(other):
                    missing = np.stack([evidence.missing() for evidence in other.read(rows)], axis=1)
                    found |= missing & ~missing.all(axis=0)
            self._gaps = beside, rows, found
        return self._gaps[2]

    def _cell(self, at: Mapping[str, int]) -> Cell:
        sizes = self._n_examples
        rows = (
            self.dataset.sizes[EXAMPLE] if sizes is None else int(sizes.isel(at, missing_dims="ignore").values.item())
        )
        return Cell(self, at, rows)


@dataclass(frozen=True)
class Cell:
    """One cell of a cube.

    Attributes
    ----------
    at
        Dimension to place.
    size
        How many examples it has.
    """

    cells: Cells
    at: Mapping[str, int]
    size: int

    @property
    def chunked(self) -> bool:
        """Whether its examples lie in several chunks of dask arrays."""
        return len(self._chunks) > 1

    def load(self) -> list[Evidence]:
        """All its examples, an `Evidence` an output."""
        rows = slice(0, self.size)
        return [self._with_gaps(evidence, rows, j) for j, evidence in enumerate(self.read(rows))]

    def read(self, rows: slice) -> list[Evidence]:
        """Some of its examples, an `Evidence` an output, with gaps of its own alone."""
        arrays = self._arrays(rows)
        absent = {name for name in OPTIONAL if name in arrays and np.isnan(arrays[name]).all()}
        levels: NDArray[np.bool_] = np.zeros(0, dtype=bool)
        if QUANTILES in arrays:
            levels = np.asarray(~np.isnan(arrays[QUANTILES]).all(axis=(0, 1)))
        return [self._evidence(arrays, j, absent, levels) for j in range(self.cells.outputs)]

    def blocks(self, output: int) -> Iterator[Evidence]:
        """The examples of one output, block by block; one chunk at a time is in memory."""
        absent, levels = self._given
        for rows in self._chunks:
            evidence = self._evidence(self._arrays(rows, output), 0, absent, levels)
            yield from in_blocks(self._with_gaps(evidence, rows, output))

    def _with_gaps(self, evidence: Evidence, rows: slice, output: int) -> Evidence:
        if self.cells.common is None:
            return evidence
        gaps = self.cells.gaps(self, rows)[:, output]
        return replace(evidence, target=np.where(gaps, np.nan, evidence.target)) if gaps.any() else evidence

    @cached_property
    def _chunks(self) -> list[slice]:
        lengths = self.cells.dataset.variables[MEAN].chunksizes.get(EXAMPLE, (self.size,))
        starts = np.cumsum([0, *lengths])
        ends = np.minimum(starts[1:], self.size)
        return [slice(int(a), int(b)) for a, b in zip(starts[:-1], ends, strict=True) if a < b] or [slice(0)]

    @cached_property
    def _given(self) -> tuple[set[str], NDArray[np.bool_]]:
        """The parts that are NaN all over the cell, and which levels are not; without loading the cell."""
        at = {**self.at, EXAMPLE: slice(self.size)}
        parts = {
            name: self.cells.dataset[name].isel(at, missing_dims="ignore").notnull()
            for name in OPTIONAL
            if name in self.cells.names
        }
        absent = {name for name, part in parts.items() if not bool(part.any().compute())}
        levels = np.zeros(0, dtype=bool)
        if QUANTILES in parts:
            levels = np.asarray(parts[QUANTILES].any([d for d in parts[QUANTILES].dims if d != QUANTILE]).values)
        return absent, levels

    def _arrays(self, rows: slice, output: int | None = None) -> Arrays:
        """Arrays ``(example, output, ...)`` of some rows, of one output or of all."""
        arrays = {}
        for name in (*self.cells.names, *self.cells.covariates):
            variable = self.cells.covariates.get(name, name)
            if self.chunked:
                values = self._rows(self.cells.dataset.variables[variable], rows, output)
            else:
                values = self.cells.load(variable, self.at)[rows]
            arrays[name] = values if name in self.cells.covariates else self._by_output(variable, values, output)
        return arrays

    def _rows(self, variable: xr.Variable, rows: slice, output: int | None) -> NDArray[Any]:
        at: dict[str, Any] = {**self.at, EXAMPLE: rows}
        if output is not None:
            at[OUTPUT] = slice(output, output + 1)
        part = variable.isel(at, missing_dims="ignore")
        inner = [dim for dim in (EXAMPLE, OUTPUT) if dim in part.dims]
        return np.asarray(part.transpose(*inner, ...).values)

    def _by_output(self, variable: str, values: NDArray[Any], output: int | None) -> NDArray[Any]:
        """``(example, output, ...)`` of floating point, whether or not the variable has outputs."""
        if values.dtype not in (np.float32, np.float64):
            values = values.astype(np.float64)
        if OUTPUT not in self.cells.dataset.variables[variable].dims:
            values = values[:, np.newaxis]
        outputs = self.cells.outputs if output is None else 1
        return np.broadcast_to(values, (len(values), outputs, *values.shape[2:]))

    def _evidence(self, arrays: Arrays, j: int, absent: set[str], levels: NDArray[np.bool_]) -> Evidence:
        column = {name: part[:, j] for name, part in arrays.items() if name in self.cells.names and name not in absent}
        total = None
        for name in VARIANCES:
            part = column.pop(name, None)
            if part is not None:
                if part.size and not part.min() >= 0:
                    refuse_negative(arrays[name], f"'{name}' of {self._place()}")
                total = part if total is None else total.astype(np.float64) + part
        for name in (MEMBER_VARIANCE, NOISE_VARIANCE):
            if name in column and column[name].size and not column[name].min() >= 0:
                refuse_negative(column[name], f"'{name}' of {self._place()}")
        own: tuple[float, ...] = ()
        if QUANTILES in column:
            own = tuple(np.array(self.cells.levels)[levels].tolist())
            column[QUANTILES] = column[QUANTILES][:, levels]
        covariates = {name.removeprefix(COVARIATES): arrays[name] for name in self.cells.covariates}
        return Evidence(**column, variance=total, levels=own, covariates=covariates)

    def _place(self) -> str:
        dataset = self.cells.dataset
        labels = {name: dataset.coords[name].values[i] if name in dataset.coords else i for name, i in self.at.items()}
        return ", ".join(f"{name} {label}" for name, label in labels.items()) or "the dataset"


def _with_moments(dataset: xr.Dataset) -> xr.Dataset:
    """Add the mean and the total variance of an ensemble's members, where they are not given."""
    if MEMBERS not in dataset or MEMBER not in dataset[MEMBERS].dims:
        return dataset
    members = dataset[MEMBERS].astype(np.float64)
    with np.errstate(invalid="ignore"):
        mean, spread = members.mean(MEMBER, skipna=False), members.var(MEMBER, skipna=False)
    if MEAN not in dataset:
        dataset = dataset.assign({MEAN: mean})
    if not any(name in dataset for name in VARIANCES):
        total = spread.where(~members.isin([np.inf, -np.inf]).any(MEMBER), np.inf)
        if MEMBER_VARIANCE in dataset:
            total = total + dataset[MEMBER_VARIANCE].astype(np.float64).mean(MEMBER, skipna=False)
        dataset = dataset.assign({VARIANCE: total})
    return dataset


def _names(dataset: xr.Dataset, start: str) -> list[str]:
    return [str(name) for name in dataset.variables if str(name).startswith(start)]
