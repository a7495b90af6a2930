"""Own what workers have computed and the cube does not hold yet. Knows no model and no cube.

A worker writes the pieces of its cell or test set into ``incoming/`` and, last, the record that makes them count; the
main process moves them on. So a worker that dies in the middle leaves nothing that counts, and a main process that
dies loses nothing that was finished.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from regharness import text_chunks
from regharness.storage import Place, listing, make_folder, read, read_many, remove_many, write_whole
from regharness.storage_faults import storing

FOLDER = "incoming"
CHECKSUM = 4
"""Bytes of a crc32c."""


def ticket(key: str, name: Iterable[object]) -> str:
    """What a job's files are called: equal for equal keys and names, whatever process computes it."""
    text = "\0".join([key, *map(str, name)])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def checksum(content: Any) -> bytes:
    """The crc32c of bytes, or of an array's, as zarr's codec of that name writes it behind them."""
    return int(google_crc32c.value(content)).to_bytes(CHECKSUM, "little")


def checksum_of(content: bytes) -> int:
    """The crc32c that stands behind bytes."""
    return int.from_bytes(content[-CHECKSUM:], "little")


def is_whole(content: bytes) -> bool:
    """Whether bytes are those that the crc32c behind them was computed of."""
    return len(content) > CHECKSUM and google_crc32c.value(content[:-CHECKSUM]) == checksum_of(content)


class Delivery:
    """Write what one job computed.

    Parameters
    ----------
    folder
        Of the run's deliveries, which exists.
    ticket
        Of the job.

    Attributes
    ----------
    pieces
        Piece to its crc32c, of all that was put so far.
    """

    def __init__(self, folder: Place, ticket: str) -> None:
        self._folder, self._ticket = folder, ticket
        self.pieces: dict[str, int] = {}

    def put(self, variable: str, piece: tuple[int, int], values: NDArray[Any], rows: int) -> None:
        """Write a piece of numbers, ``(example, ...)``, filled up with NaN to so many `rows`."""
        if len(values) < rows:
            padded = np.full((rows, *values.shape[1:]), np.nan, values.dtype)
            padded[: len(values)] = values
            values = padded
        # As it lies in memory: predictions are large, and a copy of them takes as long as their checksum.
        native = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
        self._write(piece_name(variable, piece), native)

    def put_text(self, variable: str, piece: tuple[int, int], values: Sequence[str], rows: int) -> None:
        """Write a piece of text, ``(example,)``, filled up with empty ones to so many `rows`."""
        self._write(piece_name(variable, piece), text_chunks.encode(text_chunks.padded(values, rows)))

    def finish(self, record: dict[str, Any]) -> None:
        """Write the record, after which what was put counts."""
        write_whole(self._folder / f"{self._ticket}.json", json.dumps(record, separators=(",", ":")).encode())

    def _write(self, name: str, content: Any) -> None:
        at, check = self._folder / f"{self._ticket}.{name}", checksum(content)
        if isinstance(at, Path):
            # Need not be whole: it counts once there is a record.
            with storing(at), at.open("wb") as file:
                file.write(content)
                file.write(check)
        else:
            write_whole(at, bytes(content) + check)
        self.pieces[name] = int.from_bytes(check, "little")


def piece_name(variable: str, piece: tuple[int, int]) -> str:
    """What a piece ``(along example, along quantile)`` of a variable is called."""
    return f"{variable}.{piece[0]}.{piece[1]}"


def parse_piece(name: str) -> tuple[str, tuple[int, int]]:
    """Variable and piece behind `piece_name`."""
    variable, along_example, along_quantile = name.rsplit(".", 2)
    return variable, (int(along_example), int(along_quantile))


class Deliveries:
    """What lies in the folder of a run's deliveries, for the main process."""

    def __init__(self, folder: Place) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """Make the folder."""
        make_folder(self.folder)

    def finished(self) -> dict[str, dict[str, Any]]:
        """Ticket to record of all that is finished."""
        names = [name for name in listing(self.folder) if name.endswith(".json") and not name.startswith(".")]
        found = {}
        for name, content in zip(names, read_many([self.folder / name for name in names]), strict=True):
            try:
                found[name.removesuffix(".json")] = json.loads(content)
            except ValueError:
                continue
        return found

    def at(self, ticket: str, name: str) -> Place:
        """The file of a piece."""
        return self.folder / f"{ticket}.{name}"

    def read(self, ticket: str, name: str) -> bytes | None:
        """A piece with its checksum; None when it is not there, or not whole."""
        content = read(self.at(ticket, name))
        return content if content is not None and is_whole(content) else None

    def remove(self, ticket: str, names: Iterable[str]) -> None:
        """Drop a delivery, its record last: what is dropped by halves is still finished."""
        remove_many([self.at(ticket, name) for name in names])
        remove_many([self.folder / f"{ticket}.json"])

    def one(self, ticket: str) -> dict[str, Any] | None:
        """The record of a finished delivery; None if there is none."""
        try:
            found: dict[str, Any] = json.loads(read(self.folder / f"{ticket}.json") or b"null")
        except ValueError:
            return None
        return found

    def sweep(self, spared: Container[str] = ()) -> None:
        """Drop all but the deliveries of these tickets; call when no worker is at work."""
        remove_many([self.folder / name for name in listing(self.folder) if name.split(".")[0] not in spared])
