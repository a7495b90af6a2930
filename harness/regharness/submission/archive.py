"""Own how a stranger's zip is opened: its structure is checked byte by byte before anything of it is expanded.

Taken is the plainest zip alone: members one after another from the first byte on, then the directory, then its end.
Refused is whatever two readers could see differently, could lead out of the archive, or expands beyond bounds.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from regharness.errors import InputError
from regharness.submission.refusal import Refused, shown

CHECK = "archive"
MOST_FILE = 2**30
MOST_MEMBERS = 20_000
MOST_DIRECTORY = 8_000_000
MOST_NAME = 200
MOST_MEMBER = 256 * 2**20
MOST_EXPANDED = 2**30
FREE_EXPANSION = 64 * 2**20
MOST_RATIO = 20
"""Expanded, the members may take `FREE_EXPANSION` and this many times the file: predictions hardly compress."""
PIECE = 2**18

STORED, DEFLATED = 0, 8
# APPNOTE.TXT 4.3.7, 4.3.12 and 4.3.16.
_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_END = struct.Struct("<4sHHHHLLH")
_UTF8, _DEFLATE_LEVEL, _ENCRYPTED, _STREAMED = 0x800, 0x6, 0x2041, 0x8
_MANY, _LARGE = 0xFFFF, 0xFFFFFFFF

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*(?:/[A-Za-z0-9][A-Za-z0-9._+-]*)*", re.ASCII)


@dataclass(frozen=True)
class _Member:
    """What the directory says of one member."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int

    @property
    def local(self) -> tuple[int, ...]:
        return (self.flags, self.method, self.crc, self.packed, self.size, len(self.name), 0)

    @property
    def start(self) -> int:
        return self.offset + _LOCAL.size + len(self.name)

    @property
    def end(self) -> int:
        return self.start + self.packed


class Archive:
    """A zip whose structure was found sound; made by `open_archive`. A context manager.

    Attributes
    ----------
    path
        The file.
    names
        Size in bytes of each member, by its name, as the directory declares it.
    """

    def __init__(self, path: Path, file: io.BufferedReader, members: Mapping[str, _Member]) -> None:
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

    def read(self, name: str, limit: int = MOST_MEMBER) -> bytes:
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

    def _member(self, name: str) -> _Member:
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

    def _stored(self, member: _Member) -> Iterator[bytes]:
        for start in range(member.start, member.end, PIECE):
            yield _read(self._file, start, min(PIECE, member.end - start))

    def _inflated(self, member: _Member) -> Iterator[bytes]:
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
        members = _checked_members(file, size)
    except BaseException:
        file.close()
        raise
    return Archive(path, file, members)


def _open(path: Path, most: int) -> tuple[io.BufferedReader, int]:
    try:
        seen = os.lstat(path)
        _require(not stat.S_ISLNK(seen.st_mode), "the file is a link; give the file itself")
        _require(stat.S_ISREG(seen.st_mode), "this is no file")
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", help="give a submission file") from None
    opened = os.fstat(file.fileno())
    try:
        _require(os.path.samestat(seen, opened), "the file was replaced while it was opened")
        _require(opened.st_size <= most, f"the file is of {opened.st_size} bytes; at most {most} are taken")
    except Refused:
        file.close()
        raise
    return file, opened.st_size


def _checked_members(file: io.BufferedReader, size: int) -> Mapping[str, _Member]:
    start, count = _directory_place(file, size)
    members = list(_directory(_read(file, start, size - _END.size - start), count))
    _check_names([member.name for member in members])
    expanded = sum(member.size for member in members)
    most = min(MOST_EXPANDED, FREE_EXPANSION + MOST_RATIO * size)
    _require(
        expanded <= most,
        f"the members would expand to {expanded} bytes; from a file of {size} bytes at most {most} are expected",
    )
    _check_layout(file, members, start)
    return {member.name: member for member in members}


def _directory_place(file: io.BufferedReader, size: int) -> tuple[int, int]:
    """Where the directory starts, and how many members it says it has."""
    _require(size >= _END.size, "the file is no zip: it is too short")
    end = _END.unpack(_read(file, size - _END.size, _END.size))
    signature, disk, directory_disk, here, count, length, start, comment = end
    _require(
        signature == b"PK\5\6" and comment == 0, "the file does not end as a zip without a comment does; pack it anew"
    )
    _require(count != _MANY and _LARGE not in (length, start), "the file is a zip64")
    _require(disk == directory_disk == 0 and here == count, "the zip is of several parts")
    _require(0 < count <= MOST_MEMBERS, f"the zip has {count} members; 1 to {MOST_MEMBERS} are taken")
    _require(length <= MOST_DIRECTORY, f"the zip's directory is of {length} bytes; at most {MOST_DIRECTORY} are read")
    _require(start + length == size - _END.size, "the zip's directory is not right before its end")
    return start, count


def _directory(content: bytes, count: int) -> Iterator[_Member]:
    place = 0
    for _ in range(count):
        _require(place + _CENTRAL.size <= len(content), "the zip's directory has fewer members than it says")
        fields = _CENTRAL.unpack_from(content, place)
        signature, _made, _needed, flags, method, _time, _date, crc, packed, size, name_length, extra, comment = fields[
            :13
        ]
        disk, _internal, attributes, offset = fields[13:]
        _require(signature == b"PK\1\2", "the zip's directory is damaged")
        place += _CENTRAL.size
        name = _name(content[place : place + name_length])
        place += name_length
        _check_member(name, flags, method, attributes)
        _require(extra == comment == 0, f"member '{name}' has extra fields or a comment; pack it anew")
        _require(_LARGE not in (packed, size, offset), f"member '{name}' is of a zip64")
        _require(disk == 0, f"member '{name}' is in another part of the zip")
        _require(size <= MOST_MEMBER, f"member '{name}' would expand to {size} bytes; at most {MOST_MEMBER} are taken")
        _require(method != STORED or packed == size, f"member '{name}' is stored and declares two sizes")
        yield _Member(name, flags, method, crc, packed, size, offset)
    _require(place == len(content), "the zip's directory has more than the members that it says")


def _name(raw: bytes) -> str:
    """A member's name: of all that paths can be, the part that every system reads alike."""
    name = raw.decode("latin-1")
    told = f"member '{shown(name)}'"
    _require(len(name) <= MOST_NAME, f"{told} has a name of more than {MOST_NAME} characters")
    _require(not name.endswith("/"), f"{told} is a folder")
    _require(not name.startswith("/"), f"{told} has an absolute path")
    _require(".." not in name, f"{told} leads out of the archive, or could: it has '..'")
    _require(
        _NAME.fullmatch(name) is not None,
        f"{told}: names are of parts joined by '/', each from a letter or digit on, of A-Z a-z 0-9 . _ + -",
    )
    return name


def _check_member(name: str, flags: int, method: int, attributes: int) -> None:
    _require(not flags & _ENCRYPTED, f"member '{name}' is encrypted")
    _require(not flags & _STREAMED, f"member '{name}' has its sizes behind its content; pack it anew, into a file")
    _require(not flags & ~(_UTF8 | _DEFLATE_LEVEL), f"member '{name}' has flags that are not known: {flags:#06x}")
    _require(method in (STORED, DEFLATED), f"member '{name}' is packed by method {method}; only deflate is taken")
    kind = stat.S_IFMT(attributes >> 16)
    _require(kind in (0, stat.S_IFREG) and not attributes & 0x10, f"member '{name}' is a link, folder or device")


def _check_names(names: list[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        _require(other is name, f"members '{other}' and '{name}' have the same name, on some systems at least")
    for name in names:
        parents = name.lower().split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            above = "/".join(parents[:depth])
            _require(above not in seen, f"member '{above}' is a file and the folder of '{name}'")


def _check_layout(file: io.BufferedReader, members: list[_Member], end: int) -> None:
    """Require that each member's own header says what the directory says, and that no byte is shared or unclaimed."""
    place = 0
    for member in sorted(members, key=lambda member: member.offset):
        _require(member.offset >= place, f"member '{member.name}' overlaps another")
        _require(member.offset == place, f"there are bytes before member '{member.name}' that belong to no member")
        _require(member.end <= end, f"member '{member.name}' reaches into the zip's directory")
        header = _read(file, member.offset, member.start - member.offset)
        signature, _needed, flags, method, _time, _date, *sizes = _LOCAL.unpack_from(header)
        agrees = (flags, method, *sizes) == member.local and header[_LOCAL.size :] == member.name.encode("ascii")
        _require(
            signature == b"PK\3\4" and agrees, f"the header of member '{member.name}' is not what the directory says"
        )
        place = member.end
    _require(place == end, "there are bytes before the zip's directory that belong to no member")


def _read(file: io.BufferedReader, start: int, count: int) -> bytes:
    file.seek(start)
    content = file.read(count)
    _require(len(content) == count, "the file became shorter while it was read")
    return content


def _require(fact: bool, otherwise: str) -> None:
    if not fact:
        raise Refused(CHECK, otherwise)
