"""Name the outputs of a network, whatever it nests them in. Knows no framework."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def named_outputs(found: Any, names: Sequence[str] = ()) -> list[tuple[str, Any]]:
    """Outputs by their key or place, in order; those within others by both, as ``heads/0``.

    Parameters
    ----------
    found
        An output, or outputs in mappings, lists and tuples. None among them is left out.
    names
        What those of a list are called instead of their places, or the only one instead of ``0``.
    """
    if not isinstance(found, Mapping | list | tuple):
        found = [found]
    if not isinstance(found, Mapping) and len(found) == len(names):
        found = dict(zip(names, found, strict=True)) if len(set(names)) == len(names) else found
    return list(_flat(found, ""))


def _flat(found: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(found, Mapping):
        parts = [(str(key), value) for key, value in found.items()]
    elif isinstance(found, list | tuple):
        parts = [(str(place), value) for place, value in enumerate(found)]
    else:
        if found is not None:
            yield name, found
        return
    for key, value in parts:
        yield from _flat(value, f"{name}/{key}" if name else key)
