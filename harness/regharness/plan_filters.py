"""Own the ``KEY=GLOB`` filters that choose parts of a spec. Knows no spec."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from regharness.errors import InputError, unknown_name

FILTERS = ("task", "model", "shift", "seed")


def parsed_filters(only: Iterable[str], keys: Sequence[str] = FILTERS) -> dict[str, list[str]]:
    """Key to the globs of its ``KEY=GLOB`` filters.

    Raises
    ------
    InputError
        For an unknown key.
    """
    wanted: dict[str, list[str]] = {}
    for text in only:
        key, equals, glob = text.partition("=")
        if not equals:
            raise InputError(f"--only takes KEY=GLOB, not '{text}'", help=f"keys: {', '.join(keys)}")
        if key not in keys:
            message, choices = unknown_name("key", key, keys, listed="keys")
            raise InputError(f"--only {text}: {message}", help=choices)
        wanted.setdefault(key, []).append(glob)
    return wanted


def matches(value: Any, globs: Sequence[str]) -> bool:
    """Whether a label matches one of the globs, which are alternatives."""
    return any(fnmatchcase(str(value), glob) for glob in globs)
