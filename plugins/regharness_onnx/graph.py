"""Look at an ONNX file before anything runs it: where its external data lie. Runs nothing."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError


def external_data(path: Path) -> list[Path]:
    """The files of a graph's external data.

    Raises
    ------
    ValueError
        For a file that is no ONNX graph, and for data outside its folder, linked, or missing.
    """
    model = onnx.ModelProto()
    with suppress(DecodeError):
        model = onnx.load(path, load_external_data=False)
    # No bytes at all are a message too.
    if not model.HasField("graph"):
        raise ValueError(f"{path.name} is no ONNX file, or is cut off") from None
    found: dict[str, Path] = {}
    for tensor in _tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            place = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
            if place not in found:
                found[place] = _checked(path, place)
    return list(found.values())


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Every tensor of a graph, those of its nodes' attributes and subgraphs among them."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for inner in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
                yield from _tensors(inner)


def _checked(path: Path, place: str) -> Path:
    """The file of external data at `place`; only one that lies in the graph's own folder, and is no link, will do."""
    relative = Path(place)
    if not place or relative.is_absolute() or ".." in relative.parts:
        raise ValueError(f"{path.name} wants external data at '{place}', outside its folder: refused")
    file = path.parent / relative
    try:
        found = file.lstat()
    except OSError:
        raise ValueError(f"{path.name} needs its external data {place} beside it, and it is not there") from None
    if (
        not stat.S_ISREG(found.st_mode)
        or found.st_nlink > 1
        or not file.resolve().is_relative_to(path.parent.resolve())
    ):
        raise ValueError(f"{path.name}: its external data {place} is a link or no plain file: refused")
    return file
