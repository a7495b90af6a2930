"""Own how a cube's chunks of text are encoded: zarr's variable-length UTF-8, zstd, and a crc32c behind. Stores nothing.

Encoded here and not by zarr, which makes an array for every chunk, and takes several times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numcodecs import VLenUTF8, Zstd
from numpy.typing import NDArray

LEVEL = 1
"""Of zstd."""

_TEXT, _ZSTD = VLenUTF8(), Zstd(level=LEVEL)


def padded(values: Sequence[str], length: int) -> NDArray[Any]:
    """Texts as an array of so many, the rest empty."""
    array = np.full(length, "", dtype=object)
    array[: len(values)] = values
    return array


def encode(texts: NDArray[Any]) -> bytes:
    """A chunk of texts, without the checksum that stands behind it."""
    return bytes(_ZSTD.encode(_TEXT.encode(texts.reshape(-1))))


def decode(content: bytes) -> NDArray[Any]:
    """What `encode` was given, in one dimension."""
    texts: NDArray[Any] = _TEXT.decode(_ZSTD.decode(content))
    return texts
