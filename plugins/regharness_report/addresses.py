"""Own the names of files and anchors that are made of names of tasks, shifts and models. Writes nothing."""

from __future__ import annotations

import hashlib
import re

RESERVED = {"index", "con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
"""What some system, or every web server, means by such a name."""


def address(name: str) -> str:
    """A file's name without its ending, safe on every system and in every address; different for different names.

    Lower-case letters, digits and ``. _ -`` stay; of a name with others, or one that is too long, a digest is added.
    """
    plain = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")[:64]
    if plain and plain == name and plain.partition(".")[0] not in RESERVED:
        return plain
    return f"{plain or 'name'}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def anchor(*names: str) -> str:
    """An identifier inside a page."""
    return ":".join(map(address, names))
