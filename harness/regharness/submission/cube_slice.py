"""Own how a model's predictions, or a benchmark's targets, lie in an archive: a zarr v3 group a task.

Everything but the numbers and the ids follows from a description of the shapes, so that a reader can hold each file
against what it must be, byte for byte, before any library opens the group. Numbers are raw little-endian bytes: nothing
is compressed or filtered, so that nothing can expand or run. `xarray.open_zarr` opens the group with no help of ours.
"""

from __future__ import annotations

import itertools
import json
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regharness import dims
from regharness.layout import MEASUREMENTS, PIECE
from regharness.submission.manifest import SliceInfo
from regharness.submission.refusal import Refused

PREDICTED = (dims.MEAN, dims.VARIANCE, dims.ALEATORIC, dims.EPISTEMIC, dims.QUANTILES)
"""What a submission may hold."""
ONE_CHUNK = 4_000_000
"""Bytes of an array up to which it is one chunk; of a larger one each cell is at least one."""
MOST_CHUNK = 16_000_000
"""Bytes of any chunk: what a reader holds at once, in several forms."""
LONGEST = 256
"""Bytes of an id, or another text of an example."""
IDS_AT_ONCE = 100_000
"""Ids up to which they are one chunk."""


@dataclass(frozen=True)
class Variable:
    """An array of a group: its dimensions, shape, chunks and kind."""

    names: tuple[str, ...]
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    kind: str

    def places(self) -> Iterator[tuple[int, ...]]:
        """Places of its chunks."""
        sizes = zip(self.shape, self.chunks, strict=True)
        return itertools.product(*(range(-(-size // chunk)) for size, chunk in sizes))

    @property
    def count(self) -> int:
        """How many chunks there are."""
        return math.prod(-(-size // chunk) for size, chunk in zip(self.shape, self.chunks, strict=True))

    @property
    def chunk_bytes(self) -> int:
        """Bytes of each chunk, of an array of numbers."""
        return math.prod(self.chunks) * np.dtype(self.kind).itemsize


class Layout:
    """Where everything of a group lies.

    Parameters
    ----------
    info
        Its shapes and labels.

    Attributes
    ----------
    variables
        Name to array, of what there is of every example.
    """

    def __init__(self, info: SliceInfo) -> None:
        self.info = info
        sizes = {
            dims.MODEL: 1,
            dims.SHIFT: len(info.shifts),
            dims.SEED: len(info.seeds),
            dims.EXAMPLE: info.rows,
            dims.OUTPUT: len(info.outputs),
            dims.QUANTILE: len(info.levels),
        }
        self.variables = {dims.EXAMPLE_ID: _variable((dims.SHIFT, dims.SEED, dims.EXAMPLE), sizes, "text")}
        for name, kind in info.variables.items():
            self.variables[name] = _variable(_names(name), sizes, kind)
        self._sizes = sizes

    @property
    def folder(self) -> str:
        """Of the group in the archive."""
        return f"cubes/{self.info.task}.zarr"

    def files(self) -> dict[str, bytes]:
        """Path to content, of every file that follows from the description."""
        info, found = self.info, {}
        attributes = {"task": info.task, "unit": info.unit}
        group = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
        found["zarr.json"] = _json(group)
        for name, variable in self.variables.items():
            found[f"{name}/zarr.json"] = _metadata(variable)
        for name, (names, values) in self._labels().items():
            shape = tuple(self._sizes[dim] for dim in names)
            array = Variable(names, shape, shape, _kind(values))
            found[f"{name}/zarr.json"] = _metadata(array)
            content = encode_text(values.tolist()) if array.kind == "text" else values.tobytes()
            found[f"{name}/c.{'.'.join('0' * len(shape))}"] = content
        return {f"{self.folder}/{path}": content for path, content in found.items()}

    def chunk(self, name: str, key: Sequence[int]) -> str:
        """Path of a chunk of a variable."""
        return f"{self.folder}/{name}/c.{'.'.join(map(str, key))}"

    def chunks(self, name: str) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Path and place of every chunk of a variable."""
        return ((self.chunk(name, key), key) for key in self.variables[name].places())

    def masked(self, name: str, key: Sequence[int]) -> NDArray[np.bool_]:
        """Which examples of a chunk are padding, in the shape of the chunk up to ``example``."""
        variable = self.variables[name]
        chunks = zip(variable.names, key, variable.chunks, strict=True)
        at = {dim: (place * chunk, chunk) for dim, place, chunk in chunks}
        (s, width), (k, height), (first, rows) = (at[dim] for dim in (dims.SHIFT, dims.SEED, dims.EXAMPLE))
        sizes = np.array(self.info.examples)[s : s + width, k : k + height]
        padding: NDArray[np.bool_] = np.arange(first, first + rows) >= sizes[..., None]
        return padding

    def _labels(self) -> dict[str, tuple[tuple[str, ...], NDArray[Any]]]:
        info = self.info
        operators, _, severities = zip(*(label.rpartition("@") for label in info.shifts), strict=True)
        found: dict[str, tuple[tuple[str, ...], NDArray[Any]]] = {
            dims.SHIFT: ((dims.SHIFT,), _text(info.shifts)),
            dims.SHIFT_OPERATOR: ((dims.SHIFT,), _text([name or dims.IDENTITY for name in operators])),
            dims.SEVERITY: ((dims.SHIFT,), np.array([int(s) if s.isdigit() else 0 for s in severities], "<i8")),
            dims.SEED: ((dims.SEED,), np.array(info.seeds, "<i8")),
            dims.OUTPUT: ((dims.OUTPUT,), _text(info.outputs)),
            dims.N_EXAMPLES: ((dims.SHIFT, dims.SEED), np.array(info.examples, "<i8")),
        }
        if info.model is not None:
            found[dims.MODEL] = ((dims.MODEL,), _text([info.model]))
        if info.levels:
            found[dims.QUANTILE] = ((dims.QUANTILE,), np.array(info.levels, "<f8"))
        return found


def encode_text(values: Sequence[str]) -> bytes:
    """Texts as zarr's ``vlen-utf8`` has them: how many, then each with its length before it."""
    encoded = [value.encode() for value in values]
    return b"".join([struct.pack("<I", len(encoded)), *(struct.pack("<I", len(one)) + one for one in encoded)])


def decode_text(content: bytes, count: int, what: str, longest: int = LONGEST) -> list[str]:
    """What `encode_text` was given; anything else is refused.

    Raises
    ------
    Refused
        When it is not `count` texts of at most `longest` bytes of UTF-8.
    """
    if len(content) < 4 or struct.unpack_from("<I", content)[0] != count:
        raise Refused("ids", f"{what} does not hold {count:,} texts")
    found, at = [], 4
    try:
        for _ in range(count):
            (size,) = struct.unpack_from("<I", content, at)
            if size > longest or at + 4 + size > len(content):
                raise Refused("ids", f"{what} holds a text that is too long")
            found.append(content[at + 4 : at + 4 + size].decode())
            at += 4 + size
    except (struct.error, UnicodeDecodeError):
        raise Refused("ids", f"{what} is torn, or not UTF-8") from None
    if at != len(content):
        raise Refused("ids", f"{what} holds more than {count:,} texts")
    return found


def _names(variable: str) -> tuple[str, ...]:
    measured = (dims.SHIFT, dims.SEED, dims.EXAMPLE)
    if variable.startswith(dims.COVARIATE):
        return measured
    if variable in MEASUREMENTS:
        return (*measured, dims.OUTPUT)
    return (dims.MODEL, *measured, dims.OUTPUT, *([dims.QUANTILE] if variable == dims.QUANTILES else []))


def _variable(names: tuple[str, ...], sizes: Mapping[str, int], kind: str) -> Variable:
    shape = tuple(sizes[name] for name in names)
    number = math.prod(shape)
    whole = number <= IDS_AT_ONCE if kind == "text" else number * np.dtype(kind).itemsize <= ONE_CHUNK
    wide = math.prod(sizes[name] for name in names if name in (dims.OUTPUT, dims.QUANTILE))
    rows = PIECE if kind == "text" else min(PIECE, MOST_CHUNK // (wide * np.dtype(kind).itemsize))
    cut = {dims.MODEL: 1, dims.SHIFT: 1, dims.SEED: 1, dims.EXAMPLE: min(sizes[dims.EXAMPLE], rows)}
    return Variable(names, shape, shape if whole else tuple(cut.get(name, sizes[name]) for name in names), kind)


def _metadata(variable: Variable) -> bytes:
    text = variable.kind == "text"
    floating = variable.kind.startswith("float")
    return _json(
        {
            "zarr_format": 3,
            "node_type": "array",
            "shape": variable.shape,
            "data_type": "string" if text else variable.kind,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": variable.chunks}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
            "fill_value": "" if text else "NaN" if floating else 0,
            "codecs": [{"name": "vlen-utf8"}] if text else [{"name": "bytes", "configuration": {"endian": "little"}}],
            "attributes": {},
            "dimension_names": variable.names,
            "storage_transformers": [],
        }
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _text(values: Sequence[str]) -> NDArray[Any]:
    return np.array(values, dtype=object)


def _kind(values: NDArray[Any]) -> str:
    return "text" if values.dtype == object else values.dtype.name
