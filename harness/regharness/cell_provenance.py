"""Own what a cell's record tells of how it came about, joined with the facts behind its digests. Computes none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from regharness.dims import IDENTITY
from regharness.keys import ABOUT
from regharness.records import Record
from regharness.seeding import seed_for, stream_text
from regharness.staleness import Facts
from regharness.storage import Place

_UNSHOWN = ("parts", "environment", "pieces", "detail")


def provenance_of(run_folder: Place, record: Record) -> dict[str, Any]:
    """Join a cell's record with what the run kept of its parts and of where it ran.

    Parameters
    ----------
    run_folder
        Where the facts are kept.
    record
        Of the cell.

    Returns
    -------
    dict
        The record's fields (status, timings, peak memory, device and provider and so on), and ``streams``: the random
        streams that the cell drew from; ``environment``: versions and the machine; ``parts``: each part of the key
        with its digest and facts. Plain JSON values; what was not kept is None.
    """
    facts, told = Facts(run_folder), asdict(record)
    environment = told.get("environment", "")
    return {
        **{name: value for name, value in told.items() if name not in _UNSHOWN},
        "streams": _streams(record),
        "environment": facts.of(environment) if environment else None,
        "parts": {part: {"digest": digest, "facts": facts.of(digest)} for part, digest in record.parts.items()},
    }


def provenance_lines(provenance: Mapping[str, Any]) -> Iterator[str]:
    """What `provenance_of` gives, for reading: a line each, indented below its heading."""
    for name, value in provenance.items():
        if name != "parts":
            yield from _lines(name, value, "")
    yield "parts"
    for part, held in provenance["parts"].items():
        yield f"  {part}  {held['digest'][:12]}"
        for name, value in (held["facts"] or {}).items():
            yield from _lines(name, value, "    ") if name != ABOUT else _lines("files", value.get("files"), "    ")


def _streams(record: Record) -> dict[str, str | int | None]:
    shifted = record.shift != IDENTITY
    return {
        "data": record.seed,
        "shift": stream_text(record.seed, "shift", record.task, record.shift) if shifted else None,
        "model": seed_for(record.seed, "model"),
    }


def _lines(name: str, value: Any, margin: str) -> Iterator[str]:
    """Nothing for what is empty or unknown."""
    if value in ("", None, {}, []):
        return
    if not isinstance(value, Mapping):
        yield f"{margin}{name}  {value}"
        return
    yield f"{margin}{name}"
    for inner, part in value.items():
        yield from _lines(inner, part, f"{margin}  ")
