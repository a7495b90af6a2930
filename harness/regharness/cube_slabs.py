"""Read the variables of a cube in slabs: whole chunks, and none twice in a row. Knows no cell's status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from regharness.dims import EXAMPLE, OUTPUT

SLAB = 16_000_000
"""Bytes of a variable that are read at a time, for a store answers many small questions slowly; a chunk at least."""

Values = NDArray[Any]


class Slabs:
    """The last slab that was read of each variable.

    Parameters
    ----------
    dataset
        The cube.
    over
        Dimensions that cells lie along, in the order of reading.
    head
        Rows that hold every cell that is read with its neighbours.
    """

    def __init__(self, dataset: xr.Dataset, over: Sequence[str], head: int) -> None:
        self._dataset, self._over, self._head = dataset, over, head
        self._boxes: dict[str, dict[str, int]] = {}
        self._held: dict[str, tuple[tuple[int, ...], Values]] = {}

    def cell(self, name: str, at: Mapping[str, int]) -> Values:
        """The first rows of a variable of a cell: ``example``, then ``output``; whole neighbours are read with it."""
        box = self._boxes.get(name)
        if box is None:
            box = self._boxes[name] = self._box(name)
        start = {dim: at[dim] // length * length for dim, length in box.items()}
        key = tuple(start.values())
        held = self._held.get(name)
        if held is None or held[0] != key:
            along = {dim: slice(first, first + box[dim]) for dim, first in start.items()}
            held = self._read(name, key, {**along, EXAMPLE: slice(self._head)})
        found: Values = held[1][tuple(at[dim] - first for dim, first in start.items())]
        return found

    def rows(self, name: str, at: Mapping[str, int], rows: slice) -> Values:
        """Some rows of a variable of one cell, read by themselves: ``example``, then ``output``."""
        dims = self._dataset.variables[name].dims
        own = {dim: place for dim, place in at.items() if dim in dims}
        key = (*own.values(), rows.start, rows.stop)
        held = self._held.get(name)
        if held is None or held[0] != key:
            held = self._read(name, key, {**own, EXAMPLE: rows})
        return held[1]

    def _read(self, name: str, key: tuple[int, ...], part: Mapping[str, Any]) -> tuple[tuple[int, ...], Values]:
        self._held.pop(name, None)  # before the next one is there, not after it
        # Variables, not arrays: coordinates would be cut out again for every cell.
        chosen = self._dataset.variables[name].isel(part)
        first = [dim for dim in (*self._over, EXAMPLE, OUTPUT) if dim in chosen.dims]
        held = self._held[name] = key, np.asarray(chosen.transpose(*first, ...).values)
        return held

    def _box(self, name: str) -> dict[str, int]:
        """Dimensions of cells to how many lie in a slab of a variable."""
        variable = self._dataset.variables[name]
        box = {dim: variable.sizes[dim] for dim in self._over if dim in variable.dims}
        nbytes = variable.nbytes * self._head // max(variable.sizes[EXAMPLE], 1)
        for dim, size in box.items():
            if nbytes <= SLAB:
                break
            one, chunk = max(nbytes // size, 1), chunk_length(variable, dim, 1)
            box[dim] = min(size, max(chunk, SLAB // one // chunk * chunk))
            nbytes = one * box[dim]
        return box


def chunk_length(variable: xr.Variable, dim: str, otherwise: int) -> int:
    """How long a chunk of the store is along a dimension; `otherwise` where there are none."""
    return int(variable.encoding.get("preferred_chunks", {}).get(dim, otherwise))
