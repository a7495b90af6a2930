"""Own score records: what an organiser found of a submission, bound to the sha256 of its file. Verifies nothing.

A record lets a leaderboard be built where the targets are not. Whoever can write into the folder of records can say
what they like, so that it belongs to the organiser alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pydantic
from pydantic import Field

from regharness import __version__
from regharness.errors import InputError
from regharness.parameters import Parameters
from regharness.storage import write_whole
from regharness.submission.manifest import BenchmarkRef, Sha256, Text
from regharness.submission.refusal import Refused
from regharness.submission.sheet_reading import from_plain
from regharness.submission.sheets import Sheet, to_plain
from regharness.submission.strict_json import parse

Vouched = Literal["self-reported", "re-scored", "re-run", "prospective"]


class ScoreRecord(Parameters):
    """What was found of one submission, or of the controls of a benchmark."""

    schema_version: Literal[1] = 1
    sha256: Sha256 | None = Field(description="Of the submission file; none of controls.")
    benchmark: BenchmarkRef
    badge: Vouched | None = None
    first_verified: Text = Field(description="When this file was first found sound, in UTC.")
    regharness: Text
    sheets: dict[Text, dict[str, Any]] = Field(description="The scores of the submission, or of each control.")

    def sheet(self, name: str) -> Sheet | None:
        """One of the sheets."""
        return from_plain(self.sheets[name], f"record of {name}") if name in self.sheets else None


def badge_of(passed: Collection[str], released: str, earlier: ScoreRecord | None) -> Vouched:
    """Who vouches for the scores of a submission.

    Parameters
    ----------
    passed
        Names of the checks that passed.
    released
        When the targets came to be, in UTC; empty if that is not known.
    earlier
        The record of the same file, which says when it was first found sound, and whether its model was run again.
    """
    if "scores" not in passed:
        return "self-reported"
    if earlier is not None and released and earlier.first_verified < released:
        return "prospective"
    again = "re-run" in passed or (earlier is not None and earlier.badge == "re-run")
    return "re-run" if again else "re-scored"


def now() -> str:
    """The time in UTC, as records and runs write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def read_records(folder: Path) -> Iterator[ScoreRecord]:
    """All records in a folder.

    Raises
    ------
    InputError
        When one is none.
    """
    for path in sorted(folder.glob("*.json")):
        try:
            yield ScoreRecord.model_validate(parse(path.read_bytes(), path.name))
        except (pydantic.ValidationError, Refused) as error:
            first = str(error).splitlines()[0]
            raise InputError(f"{path} is no score record: {first}", help="write it again with --record") from None


def find_record(folder: Path, sha256: str) -> ScoreRecord | None:
    """The record of a submission file."""
    return next((record for record in read_records(folder) if record.sha256 == sha256), None)


def write_record(
    folder: Path,
    sha256: str | None,
    benchmark: BenchmarkRef,
    sheets: Mapping[str, Sheet],
    badge: Vouched | None = None,
    first_verified: str = "",
) -> Path:
    """Write a record into a folder, in place of an earlier one of the same file."""
    record = ScoreRecord(
        sha256=sha256,
        benchmark=benchmark,
        badge=badge,
        first_verified=first_verified or now(),
        regharness=__version__,
        sheets={name: to_plain(sheet) for name, sheet in sheets.items()},
    )
    name = sha256[:16] if sha256 is not None else f"controls-{benchmark.inputs_sha256[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"no folder of records at {folder}: {error.strerror}", help="give a folder") from None
    path = folder / f"{name}.json"
    write_whole(path, json.dumps(record.model_dump(mode="json"), separators=(",", ":")).encode() + b"\n")
    return path
