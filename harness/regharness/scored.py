"""Own whether a run's scores, leaderboard and reports are of what it holds now. Scores nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from regharness import __version__
from regharness.catalog import Catalog
from regharness.provenance import code_version
from regharness.records import cell_records, test_set_records
from regharness.run_folder import Run
from regharness.spec import MetricEntry
from regharness.storage import Place, read, write_whole
from regharness.whole_folders import whole_files

FILE = "scored.json"


def standing(run: Run, catalog: Catalog, metrics: Sequence[MetricEntry] | None = None) -> str:
    """Digest of all that a run's scores and what is made of them depend on.

    Parameters
    ----------
    run
        The run.
    catalog
        What is installed.
    metrics
        In place of the spec's.
    """
    entries = run.spec.metrics if metrics is None else metrics
    owners = [catalog.owner("metric", entry.use) for entry in entries]
    owners += [catalog.owner("report", name) for name in catalog.names("report")]
    spec = run.spec.dump()
    # How the cells were computed changes no score.
    spec.pop("run", None)
    facts: dict[str, Any] = {
        "regharness": __version__,
        "spec": spec,
        "metrics": [entry.model_dump(mode="json") for entry in entries],
        "code": sorted({code_version(owner) for owner in owners}),
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    records = [*cell_records(run.folder), *test_set_records(run.folder)]
    for record in sorted(records, key=lambda one: tuple(map(str, one.name))):
        told = (record.name, record.key, record.status, record.reason, sorted(record.pieces.items()))
        digest.update(repr(told).encode())
    return digest.hexdigest()


def is_current(run: Run, now: str, files: Sequence[str]) -> bool:
    """Whether what was made of the scores last is of what the run holds `now`, and its `files` are all there."""
    try:
        held = json.loads(read(run.folder / FILE) or b"{}").get("of")
    except (ValueError, AttributeError):
        return False
    return held == now and all(_is_there(run.folder / name) for name in files)


def _is_there(file: Place) -> bool:
    return whole_files(file) is not None if file.suffix == ".zarr" else bool(file.exists())


def note_scored(run: Run, now: str) -> None:
    """Note what the scores are of, and what is to be said of them, once everything is made of them."""
    content = {"of": now, "notes": list(run.scores.attrs.get("notes", ()))}
    write_whole(run.folder / FILE, json.dumps(content).encode() + b"\n")


def notes_of(run: Run) -> list[str]:
    """What is to be said of the scores of a run that was scored."""
    notes: list[str] = json.loads(read(run.folder / FILE) or b"{}").get("notes", [])
    return notes
