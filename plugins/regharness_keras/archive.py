"""Look at Keras's files before Keras does: what wrote them, and what they claim to hold. Runs nothing."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import h5py

from regharness.errors import CellError

WIDTHS = ("units", "filters", "input_dim", "output_dim", "key_dim")
"""Settings of layers that have at least so many weights."""


def check_archive(path: Path) -> None:
    """Refuse a .keras file that is none, that Keras 2 wrote, or whose layers are wider than its weights are many.

    Raises
    ------
    CellError
        Saying which.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            metadata = json.loads(archive.read("metadata.json"))
            config = json.loads(archive.read("config.json"))
            held = 0
            for name in names:
                if name.endswith(".h5"):
                    with archive.open(name) as file:
                        held += _numbers(file, path.name)
    except CellError:
        raise
    except Exception as error:
        raise CellError(f"{path.name} is no .keras file, or is cut off: {type(error).__name__}: {error}") from None
    version = str(metadata.get("keras_version", ""))
    if version.startswith("2."):
        raise CellError(
            f"{path.name} was written by Keras {version}; with Keras 3 build the network, load its weights and save it "
            "as .keras, or give a SavedModel: with that Keras, model.export('folder')"
        )
    widths = list(_widths(config))
    if widths and not held:
        raise CellError(
            f"{path.name} holds no weights: it was saved before the model was ever built; call it on data, and save it "
            "again"
        )
    for name, width in widths:
        if width > held:
            raise CellError(f"{path.name}: a layer claims {name} = {width:,}, and the file holds {held:,} numbers")


def check_weights(path: Path) -> None:
    """Refuse a .weights.h5 file that is none, or that claims more than it holds."""
    try:
        with path.open("rb") as file:
            _numbers(file, path.name)
    except CellError:
        raise
    except Exception as error:
        raise CellError(f"{path.name} is no HDF5 file, or is cut off: {error}") from None


def what_wrote(path: Path) -> str:
    """What an HDF5 file of a whole model or of weights says of itself, for a refusal."""
    try:
        with h5py.File(path) as file:
            version = _text(file.attrs.get("keras_version", "an unknown version"))
            kind = "a whole model" if "model_config" in file.attrs else "weights"
    except OSError:
        return "HDF5"
    return f"{kind} of Keras {version} as HDF5"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _numbers(file: BinaryIO, name: str) -> int:
    """How many numbers an HDF5 file really holds."""
    total = 0
    with h5py.File(file) as opened:

        def count(place: str, item: Any) -> None:
            nonlocal total
            if not isinstance(item, h5py.Dataset):
                return
            if item.external or item.is_virtual:
                raise CellError(f"{name}: the weights {place} lie in another file: refused")
            if item.id.get_create_plist().get_nfilters() == 0 and item.nbytes > item.id.get_storage_size():
                raise CellError(f"{name}: {place} claims {item.size:,} numbers, more than the file holds")
            total += item.size

        opened.visititems(count)
    return total


def _widths(config: Any) -> Iterator[tuple[str, int]]:
    if isinstance(config, dict):
        for key, value in config.items():
            if key in WIDTHS and isinstance(value, int):
                yield key, value
            yield from _widths(value)
    elif isinstance(config, list):
        for value in config:
            yield from _widths(value)
