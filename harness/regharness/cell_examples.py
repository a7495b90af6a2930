"""Read the examples of one cell of a cube, all at once or block by block. Scores nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from regharness.cube_checks import OPTIONAL, VARIANCES
from regharness.cube_slabs import chunk_length
from regharness.dims import EXAMPLE, MEAN, MEMBER_VARIANCE, NOISE_VARIANCE, OUTPUT, QUANTILES
from regharness.metric_protocols import COVARIATES, Evidence
from regharness.scoring import BLOCK
from regharness.variances import refuse_negative

if TYPE_CHECKING:
    from regharness.cube_cells import Cells

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Cell:
    """One cell of a cube.

    Attributes
    ----------
    at
        Dimension to place.
    size
        How many examples it has.
    large
        Whether it is read, and scored, block by block.
    """

    cells: Cells
    at: Mapping[str, int]
    size: int
    large: bool

    @cached_property
    def rows(self) -> list[slice]:
        """What is read at a time: all of a cell that is not large, else whole chunks of the store."""
        if not self.large:
            return [slice(0, self.size)]
        mean = self.cells.dataset.variables[MEAN]
        chunk = min(chunk_length(mean, EXAMPLE, BLOCK), self.size)
        step = chunk * max(1, BLOCK // chunk)
        lengths = mean.chunksizes.get(EXAMPLE) or (step,) * -(-self.size // step)
        starts = np.cumsum([0, *lengths])
        ends = np.minimum(starts[1:], self.size)
        return [slice(int(a), int(b)) for a, b in zip(starts[:-1], ends, strict=True) if a < b]

    def load(self) -> list[Evidence]:
        """All examples of a cell that is not large, an `Evidence` an output."""
        arrays = self._arrays(self.rows[0])
        return [self._one(self.rows[0], j, arrays) for j in range(self.cells.outputs)]

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[list[Evidence]]:
        """The examples from `start` to `stop`, block by block: an `Evidence` an output.

        Those that are not in memory anyway can be read again, so that whoever keeps a block need not keep its arrays.
        """
        stop = self.size if stop is None else stop
        for rows in self.rows:
            first, last = max(start - rows.start, 0), min(stop, rows.stop) - rows.start
            if first >= last:
                continue
            arrays = self._arrays(rows)
            outputs = [self._one(rows, j, arrays) for j in range(self.cells.outputs)]
            if not self.cells.in_memory:
                outputs = [replace(one, again=partial(self._one, rows, j)) for j, one in enumerate(outputs)]
            for a in range(first, last, BLOCK):
                yield [evidence.select(slice(a, min(a + BLOCK, last))) for evidence in outputs]

    def missing(self, rows: slice) -> NDArray[np.bool_]:
        """``(example, output)``: what of some rows the cell itself misses."""
        arrays = self._arrays(rows)
        return np.stack([self._evidence(arrays, j).missing() for j in range(self.cells.outputs)], axis=1)

    def _one(self, rows: slice, output: int, arrays: Arrays | None = None) -> Evidence:
        evidence = self._evidence(self._arrays(rows) if arrays is None else arrays, output)
        if self.cells.common is None:
            return evidence
        gaps = self.cells.gaps(self, rows)[:, output]
        return replace(evidence, target=np.where(gaps, np.nan, evidence.target)) if gaps.any() else evidence

    @cached_property
    def _given(self) -> list[str]:
        """The variables that are not NaN all over the cell."""
        return [name for name in self.cells.names if name not in OPTIONAL or self._somewhere(name).any()]

    @cached_property
    def _levels(self) -> NDArray[np.bool_]:
        """Which levels of quantiles are not NaN all over the cell."""
        return self._somewhere(QUANTILES)

    def _somewhere(self, name: str) -> NDArray[np.bool_]:
        """Where along its own dimension a variable is a number for any example; it is read no further than that."""
        found = np.zeros((), dtype=bool)
        for rows in self.rows:
            values = self._read(name, rows)
            outer = values.ndim - (name == QUANTILES)
            found = found | ~np.isnan(values).all(axis=tuple(range(outer)))
            if found.all():
                break
        return found

    def _arrays(self, rows: slice) -> Arrays:
        """Arrays ``(example, output, ...)`` of some rows; of covariates ``(example,)``."""
        arrays = {name: self._by_output(name, self._read(name, rows)) for name in self._given}
        return arrays | {name: self._read(variable, rows) for name, variable in self.cells.covariates.items()}

    def _read(self, variable: str, rows: slice) -> NDArray[Any]:
        if self.large:
            return self.cells.slabs.rows(variable, self.at, rows)
        return self.cells.slabs.cell(variable, self.at)[rows]

    def _by_output(self, variable: str, values: NDArray[Any]) -> NDArray[Any]:
        """``(example, output, ...)`` of floating point, whether or not the variable has outputs."""
        if values.dtype not in (np.float32, np.float64):
            values = values.astype(np.float64)
        if OUTPUT not in self.cells.dataset.variables[variable].dims:
            values = values[:, np.newaxis]
        return np.broadcast_to(values, (len(values), self.cells.outputs, *values.shape[2:]))

    def _evidence(self, arrays: Arrays, j: int) -> Evidence:
        column: dict[str, Any] = {name: arrays[name][:, j] for name in self._given}
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
            own = tuple(np.array(self.cells.levels)[self._levels].tolist())
            column[QUANTILES] = column[QUANTILES][:, self._levels]
        covariates = {name.removeprefix(COVARIATES): arrays[name] for name in self.cells.covariates}
        return Evidence(**column, variance=total, levels=own, covariates=covariates)

    def _place(self) -> str:
        dataset = self.cells.dataset
        labels = {name: dataset.coords[name].values[i] if name in dataset.coords else i for name, i in self.at.items()}
        return ", ".join(f"{name} {label}" for name, label in labels.items()) or "the dataset"
