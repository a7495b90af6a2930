"""Own which versions of frameworks read files safely. Imports none."""

from __future__ import annotations

import importlib.metadata
import re

from regharness.errors import CellError

FLOORS = {"torch": (2, 10), "keras": (3, 13, 2), "onnx": (1, 21)}
"""Before these, a file of weights, a model in safe mode or a link among external data could run code or be read."""


def check_floor(package: str) -> None:
    """Raise `CellError` where the installed `package` is too old to be given files that somebody else made."""
    version = importlib.metadata.version(package)
    floor = FLOORS[package]
    if tuple(map(int, re.findall(r"\d+", version)[:3])) < floor:
        wanted = ".".join(map(str, floor))
        raise CellError(f'{package} {version} does not read files safely; pip install --upgrade "{package}>={wanted}"')
