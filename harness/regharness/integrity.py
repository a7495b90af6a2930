"""Find what of a cube is missing, torn or corrupt. Repairs nothing.

Every file of a cube can be told to be right: chunks carry a crc32c, records keep that of each piece, and a seal,
written when a run ends, keeps that of the small files, and the size and time of every file. A quick look compares
sizes and times with the seal, as git's index does, and reads only what differs; a deep look reads everything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import google_crc32c
import numpy as np

from regharness.cube import CUBES, read_layout
from regharness.deliveries import CHECKSUM, is_whole, parse_piece
from regharness.layout import Layout
from regharness.records import Name, Record, Records, TestSetRecord
from regharness.storage import Place, Stat, listing, read, write_whole

SEAL = ".seal.json"

Sealed = tuple[int, int | str, int | None]
"""Size, time or tag, and crc32c of a file; the last of small files alone."""


@dataclass(frozen=True)
class Damage:
    """Something of a cube that is not as it was stored.

    Attributes
    ----------
    task
        Whose cube.
    what
        ``"cell"``, ``"test set"``, or ``"file"`` for one that follows from the others and needs no computing.
    name
        Of the cell or test set, with its task; empty of a file.
    file
        Relative to the cube.
    reason
        ``"missing"``, ``"torn"`` or ``"corrupt"``.
    """

    task: str
    what: str
    name: Name
    file: str
    reason: str


def seal(folder: Place, task: str, written: Mapping[str, bytes]) -> None:
    """Note how the files of a cube are now; what was `written`, by path, need not be read again."""
    path, layout = folder / CUBES / f"{task}.zarr", read_layout(folder, task)
    held, large = _read_seal(folder, task), layout.variables.keys() if layout is not None else ()
    files = {}
    for name, stat in listing(path).items():
        before = held.get(name)
        if before is not None and before[:2] == (stat.size, stat.stamp):
            files[name] = before
        else:
            # A chunk of predictions has its checksum in itself, and records have that of its pieces.
            chunk = name.split("/")[0] in large and not name.endswith("zarr.json")
            check = None
            if not chunk:
                check = google_crc32c.value(written[name] if name in written else (path / name).read_bytes())
            files[name] = (stat.size, stat.stamp, check)
    write_whole(folder / CUBES / f"{task}{SEAL}", json.dumps(files, separators=(",", ":")).encode())


def examine(
    folder: Place, task: str, cells: Records[Record], test_sets: Records[TestSetRecord], *, deep: bool
) -> list[Damage]:
    """What of a task's cube is not as it was stored.

    Parameters
    ----------
    folder
        Of the run.
    task
        Whose cube.
    cells, test_sets
        The run's records; those that are done must be there.
    deep
        Read everything; else only what is not as it was when the cube was sealed.
    """
    layout = read_layout(folder, task)
    if layout is None:
        return lost(task, cells, test_sets)
    done = [*_done(cells, task), *_done(test_sets, task)]
    path = folder / CUBES / f"{task}.zarr"
    there, sealed = listing(path), _read_seal(folder, task)
    trusted: set[str] = set()
    if not deep:
        trusted = {name for name, stat in there.items() if sealed.get(name, ())[:2] == (stat.size, stat.stamp)}
    found = list(_damaged_pieces(path, layout, done, there, trusted))
    found += _damaged_files(path, task, there, sealed, trusted)
    return found


def lost(task: str, cells: Records[Record], test_sets: Records[TestSetRecord]) -> list[Damage]:
    """The damage when a whole cube is gone, or nobody knows what lies where in it."""
    return [_damage(record, "cube", "missing") for record in (*_done(cells, task), *_done(test_sets, task))]


def _damaged_pieces(
    path: Place,
    layout: Layout,
    done: Iterable[Record | TestSetRecord],
    there: Mapping[str, Stat],
    trusted: set[str],
) -> Iterator[Damage]:
    chunks: dict[str, list[tuple[Record | TestSetRecord, str, int, int]]] = {}
    for record in done:
        at = (
            layout.cell(record.model, record.shift, record.seed)
            if isinstance(record, Record)
            else layout.test_set(record.shift, record.seed)
        )
        for name, check in record.pieces.items():
            variable, piece = parse_piece(name)
            file, slot = layout.chunk_of(variable, at, piece)
            if file not in there:
                yield _damage(record, file, "missing")
            elif file not in trusted:
                chunks.setdefault(file, []).append((record, variable, slot, check))
    for file, parts in chunks.items():
        content = (path / file).read_bytes()
        hurt = _judge(content, layout, parts)
        for record, reason in hurt:
            yield _damage(record, file, reason)
        if not hurt and not is_whole(content):
            # Nothing in it that counts is: a checksum, or a cell that is to be computed anyway.
            yield Damage(parts[0][0].task, "file", (), file, "corrupt")


def _judge(
    content: bytes, layout: Layout, parts: list[tuple[Record | TestSetRecord, str, int, int]]
) -> list[tuple[Record | TestSetRecord, str]]:
    """Which of the cells in a chunk are damaged: of text, all; of numbers, those whose own bytes are."""
    variable = layout.variables[parts[0][1]]
    if variable.kind == "text":
        return [] if is_whole(content) else [(record, "corrupt") for record, *_ in parts]
    size = int(np.prod(layout.piece_shape(variable))) * np.dtype(variable.kind).itemsize
    expected = int(np.prod(layout.chunk_shape(variable))) * np.dtype(variable.kind).itemsize + CHECKSUM
    reason = "corrupt" if len(content) == expected else "torn"
    return [
        (record, reason)
        for record, _, slot, check in parts
        if len(piece := content[slot * size : (slot + 1) * size]) < size or google_crc32c.value(piece) != check
    ]


def _damaged_files(
    path: Place, task: str, there: Mapping[str, Stat], sealed: Mapping[str, Sealed], trusted: set[str]
) -> Iterator[Damage]:
    """Small files that are not as they were sealed."""
    for name, (size, _, check) in sealed.items():
        if check is None or name in trusted:
            continue
        if name not in there:
            yield Damage(task, "file", (), name, "missing")
        elif there[name].size != size:
            yield Damage(task, "file", (), name, "torn")
        elif google_crc32c.value((path / name).read_bytes()) != check:
            yield Damage(task, "file", (), name, "corrupt")


def _done(records: Records[Record] | Records[TestSetRecord], task: str) -> list[Record | TestSetRecord]:
    return [record for record in records if record.task == task and record.status == "done"]


def _damage(record: Record | TestSetRecord, file: str, reason: str) -> Damage:
    return Damage(record.task, "cell" if isinstance(record, Record) else "test set", record.name, file, reason)


def _read_seal(folder: Place, task: str) -> dict[str, Sealed]:
    content = read(folder / CUBES / f"{task}{SEAL}")
    try:
        held = json.loads(content or b"{}")
        return {str(name): (size, stamp, check) for name, (size, stamp, check) in held.items()}
    except (ValueError, TypeError, AttributeError):
        return {}
