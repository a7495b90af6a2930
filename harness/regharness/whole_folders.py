"""Own what others fill and what appears whole or not at all: scores, fitted models, reports. Looks into none.

Such a folder holds, beside its files, ``.whole``: the crc32c of each of them. Behind a URL it is taken away first and
written last, so that a folder that is being written, was left half written, or was written by two at once is not taken
for a whole one; nor is a copy that lacks a file, or in which a byte has changed.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import google_crc32c

from regharness.errors import InputError
from regharness.storage import Place, listing, make_folder, read, read_many, remove_many, unfinished, write_whole
from regharness.storage_faults import filling, storing

SEAL = ".whole"


def whole_files(at: Place) -> dict[str, bytes] | None:
    """What every file of a whole folder holds, by its path in it; None if there is no whole folder.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    seal = read(at / SEAL)
    while seal is not None:
        names = _parsed(seal)
        try:
            files = dict(zip(names, read_many([at / name for name in names]), strict=True))
        except InputError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
            files = {}
        if _checksums(files) == names:
            return files
        # Another process may have put a newer folder in its place meanwhile.
        before, seal = seal, read(at / SEAL)
        if seal == before:
            return None
    return None


def is_whole(at: Path) -> bool:
    """Whether a folder of this machine is there, and holds what was written."""
    seal = read(at / SEAL)
    return seal is not None and bool(_parsed(seal) == _checksums_below(at))


@contextmanager
def local_folder(at: Place) -> Iterator[Path | None]:
    """A path of this machine with what a whole folder holds; None if there is no whole folder.

    A folder behind a URL is fetched into a temporary one, which goes when the context ends.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    if isinstance(at, Path):
        yield at if is_whole(at) else None
        return
    files = whole_files(at)
    if files is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="regharness-") as name:
        for relative, content in files.items():
            file = Path(name, relative)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        yield Path(name)


@contextmanager
def new_folder(at: Place, *, keep: bool = False) -> Iterator[Path]:
    """A folder of this machine to fill, which appears at `at` when the context ends without an error.

    With `keep`, a whole folder that another process put there meanwhile stays; else it takes the place of what was
    there.

    Raises
    ------
    StorageError
        When it cannot be written.
    """
    if isinstance(at, Path):
        make_folder(at.parent)
        part = unfinished(at)
        try:
            with storing(at):
                part.mkdir()
            with filling(at):
                yield part
            with storing(at):
                _write_seal(part)
                _rename(part, at, keep)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return
    with tempfile.TemporaryDirectory(prefix="regharness-") as name:
        with filling(name):
            yield Path(name)
        with storing(at):
            _write_seal(Path(name))
            if not keep or whole_files(at) is None:
                _upload(Path(name), at)


@contextmanager
def new_file(at: Place) -> Iterator[Path]:
    """A file of this machine to write, of the same name, which appears at `at` when the context ends without an error.

    Raises
    ------
    StorageError
        When it cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="regharness-") as name:
        file = Path(name, at.name)
        with filling(file):
            yield file
        write_whole(at, file.read_bytes())


def sweep(folder: Path, *, below: bool = False) -> None:
    """Remove what killed processes left unfinished in a folder of this machine, at which no other is at work.

    With `below`, in the folders in it too.
    """
    for root, folders, files in os.walk(folder):
        for name in filter(_is_unfinished, files):
            Path(root, name).unlink(missing_ok=True)
        for name in filter(_is_unfinished, folders):
            shutil.rmtree(Path(root, name), ignore_errors=True)
        if not below:
            return


def _is_unfinished(name: str) -> bool:
    return name.startswith(".") and name.endswith(".part")


def _rename(part: Path, at: Path, keep: bool) -> None:
    while True:
        try:
            os.rename(part, at)
            return
        except OSError:
            if not at.is_dir():
                raise
        if keep and is_whole(at):
            return
        old = unfinished(at)
        try:
            os.rename(at, old)
        except FileNotFoundError:
            continue
        shutil.rmtree(old, ignore_errors=True)


def _upload(folder: Path, at: Place) -> None:
    assert not isinstance(at, Path)
    seal = (folder / SEAL).read_bytes()
    names = list(json.loads(seal))
    there = listing(at)
    if SEAL in there:
        remove_many([at / SEAL])
    remove_many([at / name for name in there if name not in (*names, SEAL)])
    at.fs.put([str(folder / name) for name in names], [(at / name).path for name in names])
    write_whole(at / SEAL, seal)


def _write_seal(folder: Path) -> None:
    (folder / SEAL).write_text(json.dumps(_checksums_below(folder)))


def _parsed(seal: bytes) -> dict[str, int]:
    """What a seal says; of a damaged one, what no folder holds."""
    try:
        names = json.loads(seal)
    except ValueError:
        names = None
    return names if isinstance(names, dict) else {SEAL: 0}


def _checksums(files: dict[str, bytes]) -> dict[str, int]:
    return {name: google_crc32c.value(content) for name, content in files.items()}


def _checksums_below(folder: Path) -> dict[str, int]:
    return {name: google_crc32c.value((folder / name).read_bytes()) for name in listing(folder) if name != SEAL}
