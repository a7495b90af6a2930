"""Own how a run's files are read and written, on this machine or behind a URL. Knows nothing of what is in them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from regharness.errors import StorageError

if TYPE_CHECKING:
    from upath import UPath

Place: TypeAlias = "Path | UPath"
"""A file or folder: a path of this machine, or a URL that fsspec knows, with the members of `pathlib.Path`."""


def place(text: str | Place) -> Place:
    """What a user calls a folder: a path, or a URL such as ``s3://bucket/run``."""
    if isinstance(text, str) and "://" in text:
        from upath import UPath

        return UPath(text)
    return Path(text) if isinstance(text, str) else text


def is_local(at: Place) -> bool:
    """Whether it lies on a file system of this machine."""
    return isinstance(at, Path)


@contextmanager
def storing(at: Place) -> Iterator[None]:
    """Turn what the file system refuses while `at` is written into a `StorageError`."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"cannot write to {at}: {error.strerror or error}") from error


def write_whole(at: Place, content: bytes) -> None:
    """Write a file that appears whole or not at all.

    Raises
    ------
    StorageError
        When it cannot be written.
    """
    with storing(at):
        if not isinstance(at, Path):
            at.write_bytes(content)
            return
        unfinished = at.with_name(f".{at.name}.{os.getpid()}.part")
        try:
            unfinished.write_bytes(content)
            os.replace(unfinished, at)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise


def append(at: Place, content: bytes) -> None:
    """Add to the end of a file, and make it durable; behind a URL the whole file is written anew.

    Raises
    ------
    StorageError
        When it cannot be written.
    """
    with storing(at):
        if not isinstance(at, Path):
            held = at.read_bytes() if at.exists() else b""
            at.write_bytes(held + content)
            return
        with at.open("ab") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def move(source: Place, target: Place) -> None:
    """Give a file another name in the same run, in place of what was there; folders are made as needed."""
    with storing(target):
        if isinstance(source, Path) and isinstance(target, Path):
            try:
                os.replace(source, target)
            except FileNotFoundError:
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(source, target)
            return
        remote: Any = source
        remote.fs.mv(remote.path, target.path)  # type: ignore[union-attr]


def remove_many(places: Iterable[Place]) -> None:
    """Remove files, whether or not they are there."""
    for at in places:
        with storing(at):
            at.unlink(missing_ok=True)


def remove_tree(at: Place) -> None:
    """Remove a folder and what is in it; nothing if there is none."""
    with storing(at):
        if isinstance(at, Path):
            shutil.rmtree(at, ignore_errors=True)
        elif at.exists():
            at.fs.rm(at.path, recursive=True)


def zarr_store(at: Place) -> Any:
    """What zarr and xarray open in place of a path."""
    return at


from typing import NamedTuple


class Stat(NamedTuple):
    size: int
    stamp: int | str


def listing(at: Place) -> dict[str, Stat]:
    found = {}
    for root, _, files in os.walk(at):
        for name in files:
            st = os.stat(os.path.join(root, name))
            found[os.path.relpath(os.path.join(root, name), at)] = Stat(st.st_size, st.st_mtime_ns)
    return found
