"""Own a task's zarr cube of predictions and targets. Knows no model and computes no score.

One group a task; every array carries its dimension names, so that ``xarray.open_zarr`` opens it with no help.
A cell is one chunk; of quantiles it is one for the levels that the first models have, and one for those that later
models add. A chunk that was never written reads as NaN, and ``status`` tells it from a prediction.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray
from zarr.codecs import ZstdCodec

from regharness import dims
from regharness.errors import CellError, InputError
from regharness.interfaces import Prediction, SequenceBatch
from regharness.magnitude import BY_OUTPUT
from regharness.magnitude import LONG_NAMES as MAGNITUDES
from regharness.quantiles import level_label

PREDICTIONS = (dims.MEAN, dims.ALEATORIC, dims.EPISTEMIC)
MEASUREMENTS = (dims.TARGET, dims.NOISE_VARIANCE, dims.TRUTH)
FORMAT = 2
"""Raised when a cube of an earlier version can no longer be continued."""
_TYPES: dict[str, type] = {dims.SEED: int, dims.QUANTILE: float}
"""Of labels that are not text."""
_LONG_NAMES = {
    dims.MEAN: "predicted target",
    dims.ALEATORIC: "predicted variance of measurement and biology",
    dims.EPISTEMIC: "predicted variance from not knowing the model well",
    dims.TARGET: "measured target",
    dims.NOISE_VARIANCE: "variance of the measurement",
    dims.TRUTH: "noiseless target",
}


class Cube:
    """A task's cube on disk, grown along model, shift, seed, example and quantile; labels are only ever added."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._group: Any = zarr.open_group(path, mode="r+", use_consolidated=False)
        if self._group.attrs.get("format") != FORMAT:
            raise InputError(f"{path} was written by an earlier version", help="choose another folder with -o")
        self._labels = {name: self._read_labels(name) for name in dims.CELL}
        if dims.QUANTILES in self._group:
            self._labels[dims.QUANTILE] = self._read_labels(dims.QUANTILE)
        self._covariates = self._open_covariates()

    @classmethod
    def create(cls, path: Path, outputs: Sequence[str], examples: int, attributes: Mapping[str, Any]) -> Cube:
        """Make an empty cube. `examples` is the usual number of examples of a cell, and so a chunk's."""
        coordinates = [dims.SEVERITY, dims.SHIFT_OPERATOR, dims.EXAMPLE_ID, dims.N_EXAMPLES, *MAGNITUDES]
        unfinished = path.with_name(path.name + ".part")
        group: Any = zarr.open_group(
            unfinished, mode="w", attributes={**attributes, "format": FORMAT, "coordinates": " ".join(coordinates)}
        )
        unit = str(attributes["unit"])
        _array(group, dims.OUTPUT, (dims.OUTPUT,), str, (len(outputs),), (len(outputs),))
        group[dims.OUTPUT][:] = np.array(outputs, dtype=object)
        for name, dtype in ((dims.MODEL, str), (dims.SHIFT, str), (dims.SEED, "int64")):
            _array(group, name, (name,), dtype, (0,), (1024,))
        _array(group, dims.SHIFT_OPERATOR, (dims.SHIFT,), str, (0,), (1024,))
        _array(group, dims.SEVERITY, (dims.SHIFT,), "int64", (0,), (1024,))
        _array(group, dims.STATUS, dims.CELL, "int8", (0, 0, 0), (256, 256, 64))
        group[dims.STATUS].attrs.update(flag_values=[0, 1, 2], flag_meanings=dims.STATUS_MEANINGS)
        _array(group, dims.KEY, dims.CELL, str, (0, 0, 0), (256, 256, 64))
        _array(group, dims.N_EXAMPLES, (dims.SHIFT, dims.SEED), "int64", (0, 0), (256, 64))
        for name, long_name in MAGNITUDES.items():
            beyond = ((dims.OUTPUT, len(outputs)),) if name in BY_OUTPUT else ()
            names, sizes = zip((dims.SHIFT, 0), (dims.SEED, 0), *beyond, strict=True)
            _array(group, name, names, "float64", sizes, (256, 64, *sizes[2:]))
            group[name].attrs.update(long_name=long_name)
        chunk = max(examples, 1)
        _array(group, dims.EXAMPLE_ID, dims.MEASURED[:3], str, (0, 0, 0), (1, 1, chunk))
        for name in MEASUREMENTS:
            _array(group, name, dims.MEASURED, "float32", (0, 0, 0, len(outputs)), (1, 1, chunk, len(outputs)))
        for name in PREDICTIONS:
            shape = (0, 0, 0, 0, len(outputs))
            _array(group, name, dims.PREDICTED, "float32", shape, (1, 1, 1, chunk, len(outputs)))
        for name, long_name in _LONG_NAMES.items():
            units = f"({unit})^2" if "variance" in name else unit
            group[name].attrs.update(long_name=long_name, units=units)
        unfinished.rename(path)
        return cls(path)

    def grow(
        self,
        models: Sequence[str],
        shifts: Sequence[tuple[str, str, int]],
        seeds: Sequence[int],
        outputs: Sequence[str],
        levels: Sequence[float] = (),
    ) -> None:
        """Add what is new of models, shifts ``(label, operator, severity)``, seeds and quantile levels.

        Nothing is moved or lost. Without any level the cube has no quantiles.

        Raises
        ------
        InputError
            When the cube holds other outputs, so that its cells cannot stand beside the new ones.
        """
        held = [str(name) for name in self._group[dims.OUTPUT][:]]
        if held != list(outputs):
            raise InputError(
                f"{self.path} holds the outputs {', '.join(held)}, and the spec now gives {', '.join(outputs)}",
                help="choose another folder with -o",
            )
        self._drop_consolidated()
        asked: dict[str, Sequence[Any]] = {dims.MODEL: models, dims.SHIFT: [s[0] for s in shifts], dims.SEED: seeds}
        if levels:
            self._begin_quantiles(len(levels))
            asked[dims.QUANTILE] = [level_label(level) for level in levels]
        for name, wanted in asked.items():
            known = self._labels[name]
            known += [label for label in wanted if label not in known]
        facts = {label: (operator, severity) for label, operator, severity in shifts}
        old = self._group[dims.SHIFT].shape[0]
        self._resize()
        added = self._labels[dims.SHIFT][old:]
        for name, labels in self._labels.items():
            self._group[name][:] = np.array(labels, dtype=_TYPES.get(name, object))
        if added:
            self._group[dims.SHIFT_OPERATOR][old:] = np.array([facts[s][0] for s in added], dtype=object)
            self._group[dims.SEVERITY][old:] = np.array([facts[s][1] for s in added])

    def write_test_set(
        self, shift: str, seed: int, batch: SequenceBatch, magnitudes: Mapping[str, NDArray[np.float64]]
    ) -> None:
        """Store the measured side of a (shift, seed), shared by every model, and how far the shift moved it."""
        s, k = self._at(dims.SHIFT, shift), self._at(dims.SEED, seed)
        n = len(batch)
        if n > self._group[dims.TARGET].shape[2]:
            self._resize(n)
        _fill(self._group[dims.EXAMPLE_ID], (s, k), batch.ids.astype(object))
        for name in MEASUREMENTS:
            value = getattr(batch, name)
            if value is not None:
                _fill(self._group[name], (s, k), value)
        self._write_covariates((s, k), batch.covariates)
        for name, value in magnitudes.items():
            self._group[name][s, k] = value
        self._group[dims.N_EXAMPLES][s, k] = n

    def write_prediction(self, model: str, shift: str, seed: int, prediction: Prediction) -> None:
        """Store a cell. It counts only once its record says so."""
        at = self._at(dims.MODEL, model), self._at(dims.SHIFT, shift), self._at(dims.SEED, seed)
        for name in PREDICTIONS:
            value = getattr(prediction, name)
            array = self._group[name]
            if value is None:
                # An earlier prediction of this cell may have given what this one does not.
                value = np.full(prediction.mean.shape, np.nan, np.float32)
            _fill(array, at, value)
        if dims.QUANTILES in self._group:
            self._write_quantiles(at, prediction)

    def write_status(self, cells: Mapping[tuple[str, str, int], tuple[int, str]]) -> None:
        """Store ``(model, shift, seed) -> (status, key)``; every cell that is not named is missing."""
        shape = tuple(len(self._labels[name]) for name in dims.CELL)
        status = np.full(shape, dims.MISSING, np.int8)
        keys = np.full(shape, "", dtype=object)
        places = [{label: i for i, label in enumerate(self._labels[name])} for name in dims.CELL]
        for name, (value, key) in cells.items():
            at = tuple(place[label] for place, label in zip(places, name, strict=True))
            status[at] = value
            keys[at] = key
        self._group[dims.STATUS][:] = status
        self._group[dims.KEY][:] = keys

    def consolidate(self) -> None:
        """Gather the metadata in one place, so that opening is quick; call when the run has stopped growing."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Consolidated metadata")
            zarr.consolidate_metadata(self.path)

    def _write_covariates(self, at: tuple[int, int], covariates: Mapping[str, NDArray[Any]]) -> None:
        """Store numbers in double precision, NaN where missing, and all else as text."""
        named = {dims.COVARIATE + quote(name, safe=""): values for name, values in covariates.items()}
        like = self._group[dims.EXAMPLE_ID]
        for name, values in named.items():
            if name not in self._covariates:
                kind = "float64" if values.dtype.kind in "biuf" else str
                _array(self._group, name, dims.MEASURED[:3], kind, like.shape, like.chunks)
                self._covariates[name] = self._group[name]
        for name, array in self._covariates.items():
            # An earlier test set may have had what this one has not.
            values = named.get(name, np.empty(0))
            number = array.dtype.kind == "f"
            if number and values.dtype.kind not in "biuf":
                raise CellError(f"covariate '{unquote(name[len(dims.COVARIATE) :])}' is text, elsewhere a number")
            _fill(array, at, values.astype(np.float64) if number else values.astype(str).astype(object))

    def _open_covariates(self) -> dict[str, Any]:
        """Arrays by name, opened once: a test set may have many."""
        return {name: array for name, array in sorted(self._group.arrays()) if name.startswith(dims.COVARIATE)}

    def _at(self, name: str, label: str | int) -> int:
        return self._labels[name].index(label)

    def _read_labels(self, name: str) -> list[Any]:
        return [_TYPES.get(name, str)(label) for label in self._group[name][:]]

    def _begin_quantiles(self, levels: int) -> None:
        """Make room for quantiles where there is none; a cell's chunk then holds so many `levels`."""
        like = self._group[dims.MEAN]
        if dims.QUANTILE not in self._group:
            _array(self._group, dims.QUANTILE, (dims.QUANTILE,), "float64", (0,), (1024,))
            self._group[dims.QUANTILE].attrs.update(long_name="probability that the measurement stays below")
        if dims.QUANTILES not in self._group:
            _array(self._group, dims.QUANTILES, dims.QUANTILED, "float32", (*like.shape, 0), (*like.chunks, levels))
            self._group[dims.QUANTILES].attrs.update(long_name="predicted quantiles", units=like.attrs["units"])
            self._labels[dims.QUANTILE] = []

    def _write_quantiles(self, at: tuple[int, ...], prediction: Prediction) -> None:
        known = self._labels[dims.QUANTILE]
        value = np.full((*prediction.mean.shape, len(known)), np.nan, np.float32)
        if prediction.quantiles is not None:
            value[..., [known.index(level_label(level)) for level in prediction.quantile_levels]] = prediction.quantiles
        _fill(self._group[dims.QUANTILES], at, value)

    def _resize(self, examples: int | None = None) -> None:
        """Make every array as long as the labels, and at least `examples` long along ``example``."""
        lengths = {name: len(labels) for name, labels in self._labels.items()}
        held = self._group[dims.TARGET].shape[2]
        lengths[dims.EXAMPLE] = max(held, examples or 0)
        for _, array in self._group.arrays():
            names = array.metadata.dimension_names
            shape = tuple(lengths.get(name, size) for name, size in zip(names, array.shape, strict=True))
            if shape != array.shape:
                array.resize(shape)
        self._covariates = self._open_covariates()

    def _drop_consolidated(self) -> None:
        # Consolidated metadata would go on telling readers the old shapes while the run grows.
        file = self.path / "zarr.json"
        metadata = json.loads(file.read_bytes())
        if metadata.pop("consolidated_metadata", None) is not None:
            unfinished = file.with_suffix(".part")
            unfinished.write_text(json.dumps(metadata, indent=2))
            os.replace(unfinished, file)
            self._group = zarr.open_group(self.path, mode="r+", use_consolidated=False)


def open_cube(path: Path) -> xr.Dataset:
    """Open a cube lazily."""
    opened: xr.Dataset = xr.open_zarr(path, chunks=None)  # type: ignore[no-untyped-call,unused-ignore]
    return opened


def _array(
    group: Any, name: str, names: Sequence[str], dtype: Any, shape: tuple[int, ...], chunks: tuple[int, ...]
) -> None:
    options: dict[str, Any] = {"fill_value": float("nan")} if dtype in ("float32", "float64") else {}
    group.create_array(
        name,
        shape=shape,
        chunks=chunks,
        dtype=dtype,
        dimension_names=names,
        compressors=ZstdCodec(level=1),
        **options,
    )


def _fill(array: Any, at: tuple[int, ...], value: NDArray[Any]) -> None:
    """Write `value` at the head of the ``example`` axis and clear what an earlier, longer cell left behind it."""
    fill = "" if value.dtype == object else np.nan
    padded = np.full((array.shape[len(at)], *value.shape[1:]), fill, dtype=value.dtype)
    padded[: len(value)] = value
    array[at] = padded
