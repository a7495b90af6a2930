"""Own how a run's files are read and written, on this machine or behind a URL. Knows nothing of what is in them.

Behind a URL one file appears whole or not at all, but files appear one by one and none can be renamed; `whole_folders`
makes a folder of such files one thing.
"""

from __future__ import annotations

import os
import secrets
import shutil
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from regharness.errors import InputError, unknown_name
from regharness.storage_faults import reading
from regharness.storage_faults import storing as storing

if TYPE_CHECKING:
    from upath import UPath

Place: TypeAlias = "Path | UPath"
"""A file or folder: a path of this machine, or a URL that fsspec knows, with the members of `pathlib.Path`."""

_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}
"""Scheme of a URL to the extra that brings what reads it."""
_STAMPS = ("ETag", "etag", "CRC", "mtime", "LastModified", "updated", "modified", "created")
"""What file systems call that which changes when a file does; the first that is there is taken."""


class Stat(NamedTuple):
    """What tells that a file has changed, without reading it.

    Parameters
    ----------
    size
        Bytes.
    stamp
        Modification time in nanoseconds of a local file; of another, its ETag or what its store has like it.
    """

    size: int
    stamp: int | str


def place(text: str | Place) -> Place:
    """What a user calls a folder: a path, a URL such as ``s3://bucket/run``, or a zip file to read from.

    Raises
    ------
    InputError
        For a URL of a kind that nothing installed can read.
    """
    if not isinstance(text, str):
        return _inside(text) if isinstance(text, Path) else text
    scheme, separator, rest = text.partition("://")
    if not separator:
        return _inside(Path(text))
    if scheme in ("file", "local"):
        return _inside(Path(rest))
    if scheme == "zip" and "::" not in rest:
        return _inside(Path(rest))
    return _behind(scheme, text)


def _inside(path: Path) -> Place:
    """The folder that a zip file holds, whether or not it was packed with its name; any other path as it is."""
    if path.suffix.lower() != ".zip" or not path.is_file():
        return path
    with reading(path), zipfile.ZipFile(path) as archive:
        names = [tuple(name.split("/")) for name in archive.namelist() if not name.startswith("__MACOSX/")]
    below: list[str] = []
    while len(tops := {name[0] for name in names}) == 1 and all(len(name) > 1 for name in names):
        below += tops
        names = [name[1:] for name in names if any(name[1:])]
    return _behind("zip", f"zip://{'/'.join(below)}::{path.absolute()}")


def _behind(scheme: str, text: str) -> UPath:
    from fsspec import available_protocols
    from upath import UPath

    if scheme not in available_protocols():
        message, _ = unknown_name("kind of URL", f"{scheme}://", (f"{name}://" for name in available_protocols()))
        raise InputError(message, help="known: s3://, gs://, memory://, zip://, and what else fsspec can reach")
    try:
        # Listings are never kept: other processes, and zarr's own connection, write too.
        # A file of S3 is fetched in one piece, without asking for its size before: files are fetched side by side.
        options: dict[str, Any] = {"max_concurrency": 1} if _EXTRAS.get(scheme) == "s3" else {}
        at: UPath = UPath(text, use_listings_cache=False, **options)
        with reading(text):
            _ = at.fs
    except ImportError as error:
        extra = _EXTRAS.get(scheme)
        remedy = f"pip install 'regharness[{extra}]'" if extra else " ".join(str(error).split())
        raise InputError(f"cannot reach {text}: a package that {scheme}:// needs is missing", help=remedy) from None
    return at


def is_local(at: Place) -> bool:
    """Whether it lies on a file system of this machine."""
    return isinstance(at, Path)


def read(at: Place) -> bytes | None:
    """Give what a file holds; None if there is none.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    with reading(at):
        try:
            content: bytes = at.read_bytes() if isinstance(at, Path) else at.fs.cat_file(at.path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return content


def read_many(files: Sequence[Place]) -> list[bytes]:
    """Give what several files of one store hold, in their order; behind a URL they are fetched side by side.

    Raises
    ------
    InputError
        When one is not there or cannot be read.
    """
    if not files:
        return []
    with reading(files[0].parent):
        first = files[0]
        if isinstance(first, Path):
            return [file.read_bytes() for file in files]
        none = [None] * len(files)
        # Unlike `cat`, it takes a name as it is, whatever stars and brackets are in it.
        return [bytes(part) for part in first.fs.cat_ranges(_names(files), none, none, on_error="raise")]


def listing(at: Place) -> dict[str, Stat]:
    """Every file below a folder: path relative to it, to size and stamp. Empty if there is no folder.

    Behind a URL it is one recursive listing, however many files there are.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    with reading(at):
        if isinstance(at, Path):
            return dict(_walk(os.fspath(at), ""))
        root = at.path.rstrip("/")
        found = at.fs.find(root, detail=True)
        return {
            name[len(root) :].lstrip("/"): Stat(int(facts["size"]), _stamp(facts))
            for name, facts in sorted(found.items())
            if name.rstrip("/") != root
        }


def _walk(folder: str, below: str) -> Iterable[tuple[str, Stat]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir():
            yield from _walk(entry.path, f"{below}{entry.name}/")
        else:
            facts = entry.stat()
            yield below + entry.name, Stat(facts.st_size, facts.st_mtime_ns)


def _stamp(facts: dict[str, Any]) -> str:
    return next((str(facts[name]) for name in _STAMPS if facts.get(name) is not None), "")


def _names(files: Iterable[Place]) -> list[str]:
    """What the file system of a URL calls these files."""
    return [file.path for file in files if not isinstance(file, Path)]


def make_folder(at: Place) -> None:
    """Make a folder and those above it, where there are folders: an object store has none.

    Raises
    ------
    StorageError
        When it cannot be made.
    """
    if isinstance(at, Path):
        with storing(at):
            at.mkdir(parents=True, exist_ok=True)


def unfinished(at: Path) -> Path:
    """A name beside `at` for what is being written there, of which no other process has the like."""
    return at.with_name(f".{at.name}.{os.getpid()}-{secrets.token_hex(4)}.part")


def write_whole(at: Place, content: bytes) -> None:
    """Write a file that appears whole or not at all, in place of what was there.

    Raises
    ------
    StorageError
        When it cannot be written.
    """
    with storing(at):
        if not isinstance(at, Path):
            at.fs.pipe_file(at.path, content)
            return
        part = unfinished(at)
        try:
            part.write_bytes(content)
            os.replace(part, at)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def create(at: Place, content: bytes) -> bool:
    """Write a file behind a URL unless it is there already; whether it was written.

    Raises
    ------
    StorageError
        When it cannot be written.
    """
    assert not isinstance(at, Path)
    with storing(at):
        try:
            at.fs.pipe_file(at.path, content, mode="create")
        except FileExistsError:
            return False
        except OSError:
            # Not every server says why its condition was not met.
            if at.fs.exists(at.path):
                return False
            raise
        return True


def append(at: Place, content: bytes) -> None:
    """Add to the end of a file, and make it durable; behind a URL the whole file is written anew.

    Raises
    ------
    StorageError
        When it cannot be written.
    """
    with storing(at):
        if not isinstance(at, Path):
            try:
                held: bytes = at.fs.cat_file(at.path)
            except FileNotFoundError:
                held = b""
            at.fs.pipe_file(at.path, held + content)
            return
        with at.open("ab") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def move(source: Place, target: Place) -> None:
    """Give a file another name in the same run, in place of what was there; folders are made as needed.

    Raises
    ------
    StorageError
        When it cannot be moved.
    """
    with storing(target):
        if isinstance(source, Path) and isinstance(target, Path):
            try:
                os.replace(source, target)
            except FileNotFoundError:
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(source, target)
            return
        assert not isinstance(source, Path)
        source.fs.cp_file(*_names([source, target]))
        source.fs.rm_file(source.path)


def remove_many(places: Iterable[Place]) -> None:
    """Remove files of one store; one that is not there is no error.

    Raises
    ------
    StorageError
        When one cannot be removed.
    """
    files = list(places)
    if not files:
        return
    with storing(files[0].parent):
        if is_local(files[0]):
            for file in files:
                file.unlink(missing_ok=True)
            return
        system: Any = files[0].fs  # type: ignore[union-attr]
        names = _names(files)
        try:
            system.rm(names)
        except FileNotFoundError:
            for name in filter(system.exists, names):
                system.rm_file(name)


def remove_tree(at: Place) -> None:
    """Remove a folder and what is in it; nothing if there is none.

    Raises
    ------
    StorageError
        When it cannot be removed.
    """
    if not isinstance(at, Path):
        remove_many([at / name for name in listing(at)])
        return
    with storing(at):
        try:
            shutil.rmtree(at)
        except FileNotFoundError:
            return


def zarr_store(at: Place, read_only: bool = False) -> Any:
    """What zarr and xarray open in place of a path, whose errors are the file system's own."""
    from zarr.storage import FsspecStore, LocalStore

    if isinstance(at, Path):
        return LocalStore(at, read_only=read_only)
    system = at.fs
    if system.async_impl:
        # zarr awaits it in a thread of its own, where an instance made for ordinary calls may not be used.
        asynchronous = type(system)(*system.storage_args, **{**system.storage_options, "asynchronous": True})
    else:
        from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper

        asynchronous = AsyncFileSystemWrapper(system, asynchronous=True)
    return FsspecStore(asynchronous, read_only=read_only, path=at.path.rstrip("/"))
