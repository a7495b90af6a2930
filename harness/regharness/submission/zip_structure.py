"""Own what a plain zip looks like: it is checked byte by byte, and nothing of it is expanded.

Taken is the plainest zip alone: members one after another from the first byte on, then the directory, then its end.
Refused is whatever two readers could see differently, could lead out of the archive, or would expand beyond bounds.
"""

from __future__ import annotations

import io
import re
import stat
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from regharness.submission.refusal import Refused, shown

CHECK = "archive"
MOST_MEMBERS = 20_000
MOST_DIRECTORY = 8_000_000
MOST_NAME, MOST_PARTS = 200, 16
MOST_MEMBER = 256 * 2**20
MOST_EXPANDED = 2**30
FREE_EXPANSION = 64 * 2**20
MOST_RATIO = 20
"""Expanded, the members may take `FREE_EXPANSION` and this many times the file: predictions hardly compress."""

STORED, DEFLATED = 0, 8
# APPNOTE.TXT 4.3.7, 4.3.12 and 4.3.16.
_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_END = struct.Struct("<4sHHHHLLH")
_UTF8, _DEFLATE_LEVEL, _ENCRYPTED, _STREAMED = 0x800, 0x6, 0x2041, 0x8
_MANY, _LARGE = 0xFFFF, 0xFFFFFFFF

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*(?:/[A-Za-z0-9][A-Za-z0-9._+-]*)*", re.ASCII)


@dataclass(frozen=True)
class Member:
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


def checked_members(file: io.BufferedReader, size: int) -> Mapping[str, Member]:
    """Check a zip of `size` bytes, expanding nothing: its members by name.

    Raises
    ------
    Refused
        When it is not the plain zip that submissions are.
    """
    start, count = _directory_place(file, size)
    members = list(_directory(read_at(file, start, size - _END.size - start), count))
    _check_names([member.name for member in members])
    expanded = sum(member.size for member in members)
    most = min(MOST_EXPANDED, FREE_EXPANSION + MOST_RATIO * size)
    require(
        expanded <= most,
        f"the members would expand to {expanded} bytes; from a file of {size} bytes at most {most} are expected",
    )
    _check_layout(file, members, start)
    return {member.name: member for member in members}


def _directory_place(file: io.BufferedReader, size: int) -> tuple[int, int]:
    """Where the directory starts, and how many members it says it has."""
    require(size >= _END.size, "the file is no zip: it is too short")
    end = _END.unpack(read_at(file, size - _END.size, _END.size))
    signature, disk, directory_disk, here, count, length, start, comment = end
    require(
        signature == b"PK\5\6" and comment == 0, "the file does not end as a zip without a comment does; pack it anew"
    )
    require(count != _MANY and _LARGE not in (length, start), "the file is a zip64")
    require(disk == directory_disk == 0 and here == count, "the zip is of several parts")
    require(0 < count <= MOST_MEMBERS, f"the zip has {count} members; 1 to {MOST_MEMBERS} are taken")
    require(length <= MOST_DIRECTORY, f"the zip's directory is of {length} bytes; at most {MOST_DIRECTORY} are read")
    require(start + length == size - _END.size, "the zip's directory is not right before its end")
    return start, count


def _directory(content: bytes, count: int) -> Iterator[Member]:
    place = 0
    for _ in range(count):
        require(place + _CENTRAL.size <= len(content), "the zip's directory has fewer members than it says")
        fields = _CENTRAL.unpack_from(content, place)
        signature, _made, _needed, flags, method, _time, _date, crc, packed, size, name_length, extra, comment = fields[
            :13
        ]
        disk, _internal, attributes, offset = fields[13:]
        require(signature == b"PK\1\2", "the zip's directory is damaged")
        place += _CENTRAL.size
        name = _name(content[place : place + name_length])
        place += name_length
        _check_member(name, flags, method, attributes)
        require(extra == comment == 0, f"member '{name}' has extra fields or a comment; pack it anew")
        require(_LARGE not in (packed, size, offset), f"member '{name}' is of a zip64")
        require(disk == 0, f"member '{name}' is in another part of the zip")
        require(size <= MOST_MEMBER, f"member '{name}' would expand to {size} bytes; at most {MOST_MEMBER} are taken")
        require(method != STORED or packed == size, f"member '{name}' is stored and declares two sizes")
        yield Member(name, flags, method, crc, packed, size, offset)
    require(place == len(content), "the zip's directory has more than the members that it says")


def _name(raw: bytes) -> str:
    """A member's name: of all that paths can be, the part that every system reads alike."""
    name = raw.decode("latin-1")
    told = f"member '{shown(name)}'"
    require(len(name) <= MOST_NAME, f"{told} has a name of more than {MOST_NAME} characters")
    require(not name.endswith("/"), f"{told} is a folder")
    require(not name.startswith("/"), f"{told} has an absolute path")
    require(".." not in name, f"{told} leads out of the archive, or could: it has '..'")
    require(
        _NAME.fullmatch(name) is not None,
        f"{told}: names are of parts joined by '/', each from a letter or digit on, of A-Z a-z 0-9 . _ + -",
    )
    parts = name.count("/") + 1
    require(parts <= MOST_PARTS, f"{told} has a path of {parts} parts; at most {MOST_PARTS} are taken")
    return name


def _check_member(name: str, flags: int, method: int, attributes: int) -> None:
    require(not flags & _ENCRYPTED, f"member '{name}' is encrypted")
    require(not flags & _STREAMED, f"member '{name}' has its sizes behind its content; pack it anew, into a file")
    require(not flags & ~(_UTF8 | _DEFLATE_LEVEL), f"member '{name}' has flags that are not known: {flags:#06x}")
    require(method in (STORED, DEFLATED), f"member '{name}' is packed by method {method}; only deflate is taken")
    kind = stat.S_IFMT(attributes >> 16)
    require(kind in (0, stat.S_IFREG) and not attributes & 0x10, f"member '{name}' is a link, folder or device")


def _check_names(names: list[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        require(other is name, f"members '{other}' and '{name}' have the same name, on some systems at least")
    for name in names:
        parents = name.lower().split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            above = "/".join(parents[:depth])
            require(above not in seen, f"member '{above}' is a file and the folder of '{name}'")


def _check_layout(file: io.BufferedReader, members: list[Member], end: int) -> None:
    """Require that each member's own header says what the directory says, and that no byte is shared or unclaimed."""
    place = 0
    for member in sorted(members, key=lambda member: member.offset):
        require(member.offset >= place, f"member '{member.name}' overlaps another")
        require(member.offset == place, f"there are bytes before member '{member.name}' that belong to no member")
        require(member.end <= end, f"member '{member.name}' reaches into the zip's directory")
        header = read_at(file, member.offset, member.start - member.offset)
        signature, _needed, flags, method, _time, _date, *sizes = _LOCAL.unpack_from(header)
        agrees = (flags, method, *sizes) == member.local and header[_LOCAL.size :] == member.name.encode("ascii")
        require(
            signature == b"PK\3\4" and agrees, f"the header of member '{member.name}' is not what the directory says"
        )
        place = member.end
    require(place == end, "there are bytes before the zip's directory that belong to no member")


def read_at(file: io.BufferedReader, start: int, count: int) -> bytes:
    """Exactly `count` bytes from `start` on."""
    file.seek(start)
    content = file.read(count)
    require(len(content) == count, "the file became shorter while it was read")
    return content


def require(fact: bool, otherwise: str) -> None:
    """Refuse the archive unless something is so."""
    if not fact:
        raise Refused(CHECK, otherwise)
