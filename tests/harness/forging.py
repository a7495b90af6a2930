"""Write zips that no honest program would, from the fields that APPNOTE.TXT gives their headers."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

LOCAL, CENTRAL, END = "<4sHHHHHLLLHH", "<4sHHHHHHLLLHHHHHLL", "<4sHHHHLLH"


def deflate(content: bytes) -> bytes:
    """Content in the raw format that zips hold."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


@dataclass
class Forged:
    """A member; what is left out is as it should be for `content`."""

    name: bytes
    content: bytes = b""
    method: int = 0
    packed: bytes | None = None
    size: int | None = None
    crc: int | None = None
    flags: int = 0
    attributes: int = 0
    extra: bytes = b""
    comment: bytes = b""
    disk: int = 0
    offset: int | None = None
    behind: bytes = b""
    local: dict[str, object] = field(default_factory=dict)
    """Fields in which its own header differs from the directory."""

    def fields(self) -> dict:
        packed = self.packed if self.packed is not None else deflate(self.content) if self.method else self.content
        return {
            "name": self.name,
            "flags": self.flags,
            "method": self.method,
            "crc": zlib.crc32(self.content) if self.crc is None else self.crc,
            "packed": packed,
            "packed_size": len(packed),
            "size": len(self.content) if self.size is None else self.size,
            "extra": self.extra,
        }


def forge(
    path: Path,
    members: list[Forged],
    *,
    prefix: bytes = b"",
    gap: bytes = b"",
    suffix: bytes = b"",
    comment: bytes = b"",
    shift: int = 0,
    **end: int,
) -> Path:
    """Write a zip.

    Parameters
    ----------
    prefix, gap, suffix
        Bytes before the first member, before the directory and after the end.
    shift
        Added to every offset, as programs do that take no heed of a prefix.
    end
        Fields of the end record that lie: ``disk``, ``here``, ``count``, ``length``, ``start``.
    """
    body, directory = bytearray(prefix), bytearray()
    for member in members:
        told, own = member.fields(), {**member.fields(), **member.local}
        offset = len(body) + shift if member.offset is None else member.offset
        sizes = (own["crc"], own["packed_size"], own["size"], len(own["name"]), len(own["extra"]))
        body += struct.pack(LOCAL, b"PK\3\4", 20, own["flags"], own["method"], 0, 33, *sizes)
        body += own["name"] + own["extra"] + told["packed"] + member.behind
        sizes = (told["crc"], told["packed_size"], told["size"], len(told["name"]), len(told["extra"]))
        directory += struct.pack(
            CENTRAL,
            *(b"PK\1\2", 20, 20, told["flags"], told["method"], 0, 33, *sizes),
            *(len(member.comment), member.disk, 0, member.attributes, offset),
        )
        directory += told["name"] + told["extra"] + member.comment
    body += gap
    fields = {"disk": 0, "here": len(members), "count": len(members), "length": len(directory), "start": len(body)}
    fields |= {"start": len(body) + shift} | ({"here": end["count"]} if "count" in end else {}) | end
    last = struct.pack(
        END,
        *(b"PK\5\6", fields["disk"], fields["disk"], fields["here"], fields["count"]),
        *(fields["length"], fields["start"], len(comment)),
    )
    path.write_bytes(bytes(body) + bytes(directory) + last + comment + suffix)
    return path


def shared_kernel(count: int, kernel: bytes, size: int) -> bytes:
    """A zip of `count` members that all expand the one `kernel`, as of D. Fifield, "A better zip bomb" (WOOT 2019)."""
    names = [f"{i:05}".encode() for i in range(count)]
    header = struct.pack(LOCAL, b"PK\3\4", 20, 0, 8, 0, 33, 0, len(kernel), size, 5, 0)
    body = header + names[0] + kernel
    directory = b"".join(
        struct.pack(CENTRAL, b"PK\1\2", 20, 20, 0, 8, 0, 33, 0, len(kernel), size, 5, 0, 0, 0, 0, 0, 0) + name
        for name in names
    )
    return body + directory + struct.pack(END, b"PK\5\6", 0, 0, count, count, len(directory), len(body), 0)
