"""Own how a stranger's zip is opened and read: a member is expanded as far as it declares, and checked as it goes."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from regharness.errors import InputError
from regharness.submission.refusal import Refused, shown
from regharness.submission.zip_structure import CHECK, STORED, Member, checked_members, read_at, require

MOST_FILE = 2**30
MOST_READ = 2**26
"""Bytes of a member that are read into memory at once, unless a reader asks for more."""
PIECE = 2**18


class Archive:
    """A zip whose structure was found sound; made by `open_archive`. A context manager.

    Attributes
    ----------
    path
        The file.
    names
        Size in bytes of each member, by its name, as the directory declares it.
    """

    def __init__(self, path: Path, file: io.BufferedReader, members: Mapping[str, Member]) -> None:
        self.path = path
        self.names: Mapping[str, int] = MappingProxyType({name: member.size for name, member in members.items()})
        self._file = file
        self._members = members
        self._digest: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    @property
    def digest(self) -> str:
        """The sha256 of the whole file, in hexadecimal."""
        if self._digest is None:
            self._file.seek(0)
            self._digest = hashlib.file_digest(self._file, "sha256").hexdigest()
        return self._digest

    def read(self, name: str, limit: int = MOST_READ) -> bytes:
        """Expand one member.

        Parameters
        ----------
        name
            One of `names`.
        limit
            Bytes that it may declare.

        Raises
        ------
        Refused
            When there is no such member, it declares more, or its content is not what is declared.
        """
        if self._member(name).size > limit:
            raise Refused(CHECK, f"member '{name}' is of {self.names[name]} bytes; at most {limit} are read")
        content = io.BytesIO()
        for piece in self._pieces(name):
            content.write(piece)
        return content.getvalue()

    def sha256(self, name: str) -> str:
        """The sha256 of a member's content, in hexadecimal; refuses content that is not what is declared."""
        digest = hashlib.sha256()
        for piece in self._pieces(name):
            digest.update(piece)
        return digest.hexdigest()

    def _member(self, name: str) -> Member:
        if name not in self._members:
            raise Refused(CHECK, f"there is no member '{shown(name)}'")
        return self._members[name]

    def _pieces(self, name: str) -> Iterator[bytes]:
        """Expand in pieces; never more than is declared and never past what is wrong."""
        member = self._member(name)
        crc, size = 0, 0
        for piece in self._stored(member) if member.method == STORED else self._inflated(member):
            crc, size = zlib.crc32(piece, crc), size + len(piece)
            if size > member.size:
                raise Refused(CHECK, f"member '{name}' expands to more than the {member.size} bytes that it declares")
            yield piece
        if size < member.size:
            raise Refused(CHECK, f"member '{name}' expands to {size} bytes and declares {member.size}")
        if crc != member.crc:
            raise Refused(CHECK, f"member '{name}' is damaged: its checksum is not the one that it declares")

    def _stored(self, member: Member) -> Iterator[bytes]:
        for start in range(member.start, member.end, PIECE):
            yield read_at(self._file, start, min(PIECE, member.end - start))

    def _inflated(self, member: Member) -> Iterator[bytes]:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            for packed in self._stored(member):
                while packed and not inflater.eof:
                    yield inflater.decompress(packed, PIECE)
                    packed = inflater.unconsumed_tail
                if packed or inflater.unused_data:
                    raise Refused(CHECK, f"member '{member.name}' has bytes after its content")
            while not inflater.eof and (piece := inflater.decompress(b"", PIECE)):
                yield piece
        except zlib.error as error:
            raise Refused(CHECK, f"member '{member.name}' cannot be expanded: {error}") from None
        if not inflater.eof:
            raise Refused(CHECK, f"member '{member.name}' ends in the middle of its content")


def open_archive(path: str | os.PathLike[str], *, most: int = MOST_FILE) -> Archive:
    """Check the structure of a zip and open it; nothing is expanded.

    Parameters
    ----------
    path
        A file, and no link to one.
    most
        Bytes that the file may have.

    Raises
    ------
    InputError
        When there is no such file, or it may not be read.
    Refused
        When it is not the plain zip that submissions are.
    """
    path = Path(path)
    file, size = _open(path, most)
    try:
        members = checked_members(file, size)
    except BaseException:
        file.close()
        raise
    return Archive(path, file, members)


def _open(path: Path, most: int) -> tuple[io.BufferedReader, int]:
    try:
        seen = os.lstat(path)
        require(not stat.S_ISLNK(seen.st_mode), "the file is a link; give the file itself")
        require(stat.S_ISREG(seen.st_mode), "this is no file")
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", help="give a submission file") from None
    opened = os.fstat(file.fileno())
    try:
        require(os.path.samestat(seen, opened), "the file was replaced while it was opened")
        require(opened.st_size <= most, f"the file is of {opened.st_size} bytes; at most {most} are taken")
    except Refused:
        file.close()
        raise
    return file, opened.st_size
