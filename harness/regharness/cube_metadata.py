"""Say what a cube's small files hold: metadata, labels, statuses, what is known of each test set. Writes nothing.

All of it follows from the layout and the records, so that whatever is lost or damaged there can be made again. Small
arrays are encoded by zarr itself, in memory.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import Crc32cCodec, ZstdCodec

from regharness import dims
from regharness.layout import At, Layout, Variable
from regharness.magnitude import BY_OUTPUT
from regharness.magnitude import LONG_NAMES as MAGNITUDES
from regharness.text_chunks import LEVEL

FORMAT = 3
"""Raised when a cube of an earlier version can no longer be continued."""

_KEYS: Any = {"name": "default", "separator": "."}
_LONG_NAMES = {
    dims.MEAN: "predicted target",
    dims.ALEATORIC: "predicted variance of measurement and biology",
    dims.EPISTEMIC: "predicted variance from not knowing the model well",
    dims.QUANTILES: "predicted quantiles",
    dims.TARGET: "measured target",
    dims.NOISE_VARIANCE: "variance of the measurement",
    dims.TRUTH: "noiseless target",
}


def render(
    layout: Layout,
    cells: Mapping[At, tuple[int, str]],
    test_sets: Mapping[At, tuple[int, Mapping[str, NDArray[np.float64]]]],
) -> dict[str, bytes]:
    """The small files of a cube.

    Parameters
    ----------
    layout
        Its labels and sizes.
    cells
        Place ``(model, shift, seed)`` to status and key; any other is missing.
    test_sets
        Place ``(shift, seed)`` to its number of examples and how far the shift moved it.

    Returns
    -------
    dict
        Path relative to the cube to content. ``zarr.json``, which holds all metadata once more, is last.
    """
    store = zarr.storage.MemoryStore()
    coordinates = [dims.SEVERITY, dims.SHIFT_OPERATOR, dims.EXAMPLE_ID, dims.N_EXAMPLES, *MAGNITUDES]
    attributes: Any = {**layout.attributes, "format": FORMAT, "coordinates": " ".join(coordinates)}
    group: Any = zarr.open_group(store, mode="w", attributes=attributes)
    for name, variable in layout.variables.items():
        _declare(group, name, variable, layout)
    for name, values in _labels(layout).items():
        _small(group, name, (name,), values)
    _small(group, dims.SHIFT_OPERATOR, (dims.SHIFT,), _text([operator for _, operator, _ in layout.shifts]))
    _small(group, dims.SEVERITY, (dims.SHIFT,), np.array([level for _, _, level in layout.shifts], np.int64))
    _write_cells(group, layout, cells)
    _write_test_sets(group, layout, test_sets)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        zarr.consolidate_metadata(store)
    files = {path: content.to_bytes() for path, content in store._store_dict.items()}
    files["zarr.json"] = files.pop("zarr.json")
    return files


def _declare(group: Any, name: str, variable: Variable, layout: Layout) -> None:
    dtype = str if variable.kind == "text" else variable.kind
    array = _create(group, name, variable.names, dtype, layout.shape(variable), layout.chunk_shape(variable))
    if name in _LONG_NAMES:
        unit = layout.attributes["unit"]
        array.attrs.update(long_name=_LONG_NAMES[name], units=f"({unit})^2" if "variance" in name else unit)


def _create(
    group: Any, name: str, names: tuple[str, ...], dtype: Any, shape: tuple[int, ...], chunks: tuple[int, ...]
) -> Any:
    floating = dtype in ("float32", "float64")
    codecs = [Crc32cCodec()] if floating else [ZstdCodec(level=LEVEL), Crc32cCodec()]
    return group.create_array(
        name,
        shape=shape,
        chunks=chunks,
        dtype=dtype,
        dimension_names=names,
        compressors=codecs,
        chunk_key_encoding=_KEYS,
        **({"fill_value": float("nan")} if floating else {}),
    )


def _small(group: Any, name: str, names: tuple[str, ...], values: NDArray[Any]) -> None:
    """A small array in one chunk."""
    dtype: Any = str if values.dtype == object else values.dtype.name
    array = _create(group, name, names, dtype, values.shape, tuple(max(size, 1) for size in values.shape))
    # A chunk of nothing but fill values is written too: what is always there can be missed.
    with zarr.config.set({"array.write_empty_chunks": True}):
        if values.size:
            array[...] = values
    if name in MAGNITUDES:
        array.attrs.update(long_name=MAGNITUDES[name])
    if name == dims.QUANTILE:
        array.attrs.update(long_name="probability that the measurement stays below")
    if name == dims.STATUS:
        array.attrs.update(flag_values=[0, 1, 2], flag_meanings=dims.STATUS_MEANINGS)


def _labels(layout: Layout) -> dict[str, NDArray[Any]]:
    labels: dict[str, NDArray[Any]] = {
        dims.OUTPUT: _text(layout.outputs),
        dims.MODEL: _text(layout.models),
        dims.SHIFT: _text([label for label, _, _ in layout.shifts]),
        dims.SEED: np.array(layout.seeds, np.int64),
    }
    if layout.levels:
        labels[dims.QUANTILE] = np.array(layout.levels, np.float64)
    return labels


def _text(values: Any) -> NDArray[Any]:
    return np.array(list(values), dtype=object)


def _write_cells(group: Any, layout: Layout, cells: Mapping[At, tuple[int, str]]) -> None:
    shape = len(layout.models), len(layout.shifts), len(layout.seeds)
    status, keys = np.full(shape, dims.MISSING, np.int8), np.full(shape, "", dtype=object)
    for at, (value, key) in cells.items():
        status[at], keys[at] = value, key
    _small(group, dims.STATUS, dims.CELL, status)
    _small(group, dims.KEY, dims.CELL, keys)


def _write_test_sets(
    group: Any, layout: Layout, test_sets: Mapping[At, tuple[int, Mapping[str, NDArray[np.float64]]]]
) -> None:
    shape = len(layout.shifts), len(layout.seeds)
    sizes = np.zeros(shape, np.int64)
    moved = {
        name: np.full((*shape, len(layout.outputs)) if name in BY_OUTPUT else shape, np.nan) for name in MAGNITUDES
    }
    for place, (size, magnitudes) in test_sets.items():
        sizes[place] = size
        for name, value in magnitudes.items():
            moved[name][place] = value
    _small(group, dims.N_EXAMPLES, (dims.SHIFT, dims.SEED), sizes)
    for name, values in moved.items():
        names = (dims.SHIFT, dims.SEED, dims.OUTPUT) if name in BY_OUTPUT else (dims.SHIFT, dims.SEED)
        _small(group, name, names, values)
