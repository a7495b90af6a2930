"""Go through the cells of a cube, and find what they miss in common. Reads and scores nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from urllib.parse import unquote

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from regharness.cell_examples import Cell
from regharness.cube_checks import (
    BEYOND,
    VARIANCES,
    cube_variables,
    quantile_levels,
    refuse_other_shapes,
    refuse_other_things,
)
from regharness.cube_slabs import Slabs
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
    SHIFT,
    STATUS,
    TARGET,
    VARIANCE,
)
from regharness.errors import InputError
from regharness.metric_protocols import COVARIATES
from regharness.scoring import EXACT_UP_TO


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
    slabs
        What is read of it.
    in_memory
        Whether all that is read is in memory already.

    Raises
    ------
    InputError
        When the dataset is not such a cube.
    """

    def __init__(self, dataset: xr.Dataset, wanted: Iterable[str] = (), common: str | None = None) -> None:
        refuse_other_things(dataset)
        dataset = _with_moments(dataset)
        self.levels = quantile_levels(dataset)
        if self.levels != tuple(dataset[QUANTILE].values.tolist() if self.levels else ()):
            dataset = dataset.sortby(QUANTILE)
        self.dataset = dataset
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
        self._gaps: tuple[dict[str, int], dict[int, NDArray[np.uint8]]] | None = None
        # Read once: the shape of every cell hangs on them.
        self._status, self._n_examples = (
            dataset[name].compute().variable if name in dataset.variables else None for name in (STATUS, N_EXAMPLES)
        )
        self.slabs = Slabs(dataset, self._over, self._head())
        read = [dataset.variables[name] for name in (*self.names, *self.covariates.values())]
        self.in_memory = all(variable._in_memory for variable in read)

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
        return self._status is None or _at(self._status, cell.at) == DONE

    @property
    def _over(self) -> list[str]:
        """Dimensions that cells lie along, in the order of reading."""
        over = [name for name in self.sizes if name not in (OUTPUT, self.common)]
        return over if self.common is None else [*over, self.common]

    def gaps(self, cell: Cell, rows: slice) -> NDArray[np.bool_]:
        """``(example, output)``: what of some rows a cell misses, or one that lies beside it along `common`."""
        beside = {name: place for name, place in cell.at.items() if name != self.common}
        if self._gaps is None or self._gaps[0] != beside:
            self._gaps = beside, self._find_gaps(beside)
        return np.unpackbits(self._gaps[1][rows.start], axis=0, count=rows.stop - rows.start).view(np.bool_)

    def _find_gaps(self, beside: Mapping[str, int]) -> dict[int, NDArray[np.uint8]]:
        """First row of a block to what is missing in it, in a bit for each example and output."""
        assert self.common is not None
        found: dict[int, NDArray[np.uint8]] = {}
        for place in range(self.sizes[self.common]):
            cell = self._cell({**beside, self.common: place})
            if not self.is_done(cell):
                continue
            own, nothing = {}, np.ones(self.outputs, dtype=bool)
            for rows in cell.rows:
                missing = cell.missing(rows)
                own[rows.start], nothing = np.packbits(missing, axis=0), nothing & missing.all(axis=0)
            for start, packed in own.items():
                packed[:, nothing] = 0
                found[start] = found[start] | packed if start in found else packed
        return found

    def _cell(self, at: Mapping[str, int]) -> Cell:
        sizes = self._n_examples
        rows = self.dataset.sizes[EXAMPLE] if sizes is None else int(_at(sizes, at))
        return Cell(self, at, rows, rows > EXACT_UP_TO)

    def _head(self) -> int:
        """Rows that hold every cell that is not large: beside a large one, all others are mostly padding."""
        sizes = np.array(self.dataset.sizes[EXAMPLE]) if self._n_examples is None else self._n_examples.values
        return int(sizes[sizes <= EXACT_UP_TO].max(initial=0))


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


def _at(variable: xr.Variable, at: Mapping[str, int]) -> int | float:
    # Far quicker than `isel`, and asked for every cell.
    number: int | float = variable.values[tuple(at[str(dim)] for dim in variable.dims)].item()
    return number


def _names(dataset: xr.Dataset, start: str) -> list[str]:
    return [str(name) for name in dataset.variables if str(name).startswith(start)]
