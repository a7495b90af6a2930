"""Gather the submissions in a folder into what pages show. Draws nothing, and takes nobody's word for more than it is.

A score comes from the targets where they are given, else from an organiser's record of that very file, else it is the
submitter's claim, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from regharness import dims
from regharness.catalog import Catalog
from regharness.errors import InputError
from regharness.results import Badge, Entrant, Results
from regharness.run_scores import Step
from regharness.submission.archive import open_archive
from regharness.submission.controls import NAMES, PREFIX
from regharness.submission.entries import Entry, agreed_infos, apart, within
from regharness.submission.manifest import BenchmarkRef, Card, SliceInfo
from regharness.submission.names import look_alike
from regharness.submission.package import read_manifest
from regharness.submission.refusal import Refused
from regharness.submission.rescoring import score_controls
from regharness.submission.score_records import ScoreRecord, badge_of, read_records
from regharness.submission.sheets import Sheet
from regharness.submission.side_by_side import side_by_side
from regharness.submission.stated_controls import stated_controls
from regharness.submission.targets import Targets
from regharness.submission.verification import Verdict, verify

DOWNLOADS = "submissions"
"""Where submission files lie in a site."""


@dataclass(frozen=True)
class Gathering:
    """What a folder of submissions holds.

    Attributes
    ----------
    results
        One a benchmark.
    refused
        File to why it is on no board.
    notes
        What an organiser should know: names that look alike, scores that nobody has.
    files
        Place in the site to the file to copy there.
    """

    results: list[Results]
    refused: dict[Path, list[str]]
    notes: list[str]
    files: dict[str, Path]


@dataclass
class _Board:
    """The entries of one benchmark."""

    entries: list[Entry] = field(default_factory=list)
    infos: dict[str, SliceInfo] = field(default_factory=dict)


def gather(
    folder: Path,
    catalog: Catalog,
    targets: Sequence[Targets] = (),
    records: Path | None = None,
    step: Step = lambda what, done, total: None,
) -> Gathering:
    """Verify every ``.zip`` in a folder and below it, and lay those that pass side by side, by benchmark.

    Parameters
    ----------
    folder
        Of submission files.
    catalog
        What is installed.
    targets
        Of benchmarks that are scored anew.
    records
        The organiser's folder of score records.
    step
        Told ``("verifying submissions", done, in all)``.

    Raises
    ------
    InputError
        When there is no such folder, no submission in it, or a record is none.
    """
    if not folder.is_dir():
        raise InputError(f"no folder of submissions at {folder}", help="give the folder that the files lie in")
    paths = sorted(path for path in folder.rglob("*.zip"))
    if not paths:
        raise InputError(f"{folder} has no submission (*.zip)", help="'regharness submission pack' writes one")
    held = {} if records is None else {(one.sha256, one.benchmark.inputs_sha256): one for one in read_records(records)}
    by_digest = {one.benchmark.inputs_sha256: one for one in targets}
    boards: dict[tuple[str, str], _Board] = {}
    refused: dict[Path, list[str]] = {}
    notes: list[str] = []
    for number, path in enumerate(paths):
        step("verifying submissions", number, len(paths))
        verdict = verify(path, catalog, by_digest.get(_answers_to(path)) if targets else None)
        if not verdict.passed or verdict.manifest is None or verdict.manifest.card is None:
            refused[path] = verdict.reasons
            continue
        reference = verdict.manifest.benchmark
        entry = _entry(verdict, verdict.manifest.card, reference, by_digest, held)
        if entry is None:
            notes.append(f"{path} states no scores, and there are neither targets nor a record of it: left out")
            continue
        board = boards.setdefault((reference.name, reference.inputs_sha256), _Board())
        board.entries.append(entry)
    step("verifying submissions", len(paths), len(paths))
    results: list[Results] = []
    files: dict[str, Path] = {}
    for (name, digest), board in sorted(boards.items()):
        notes += _set_apart(name, board)
        ours, record = by_digest.get(digest), held.get((None, digest))
        controls = _controls(board, ours, record, catalog)
        notes += _replaced(board)
        notes += _alike(name, board)
        results.append(_results(name, board, controls, ours is not None or record is not None, ours, files))
    return Gathering(results, refused, notes, files)


def _answers_to(path: Path) -> str:
    """The digest of the benchmark that a file says it answers to; empty if it cannot be read."""
    try:
        with open_archive(path) as archive:
            return read_manifest(archive).benchmark.inputs_sha256
    except Refused:
        return ""


def _entry(
    verdict: Verdict,
    card: Card,
    reference: BenchmarkRef,
    targets: Mapping[str, Targets],
    records: Mapping[tuple[str | None, str], ScoreRecord],
) -> Entry | None:
    """The scores that stand for a submission, and who vouches for them; None without any."""
    record = records.get((verdict.digest, reference.inputs_sha256))
    held = targets.get(reference.inputs_sha256)
    if verdict.scored is not None and held is not None:
        passed = {check.name for check in verdict.checks if check.status == "passed"}
        badge: Badge = badge_of(passed, held.created, record)
        return Entry(verdict, card, reference, verdict.scored, badge, held.benchmark.version)
    found = None if record is None else record.sheet(card.slug)
    if record is not None and found is not None:
        return Entry(verdict, card, reference, found, record.badge or "re-scored", record.benchmark.version)
    if verdict.claimed is None:
        return None
    return Entry(verdict, card, reference, verdict.claimed, "self-reported", reference.version)


def _controls(board: _Board, targets: Targets | None, record: ScoreRecord | None, catalog: Catalog) -> dict[str, Sheet]:
    """The scores of the controls, from the one who can be trusted most."""
    if targets is not None:
        return score_controls(targets, catalog)
    if record is not None:
        return {name: sheet for name in record.sheets if (sheet := record.sheet(name)) is not None}
    for entry in board.entries:
        with suppress(Refused):
            stated = stated_controls(entry.verdict.path, board.infos)
            if stated:
                return stated
    return {}


def _set_apart(name: str, board: _Board) -> Iterator[str]:
    """Leave out the entries of other test sets than the rest."""
    board.infos = agreed_infos(board.entries)
    for entry in list(apart(board.entries, board.infos)):
        board.entries.remove(entry)
        yield f"{entry.verdict.path} has other test sets of '{name}' than what it is compared with: left out"


def _replaced(board: _Board) -> Iterator[str]:
    """Drop the entries that a later one of the same name says it replaces."""
    held = {entry.verdict.digest: entry for entry in board.entries}
    for entry in list(board.entries):
        old = held.get(entry.card.supersedes or "")
        # Only who is called the same can replace it: nobody takes another's place.
        if old is None or old not in board.entries or old is entry or old.card.slug != entry.card.slug:
            continue
        # Nor is what was scored anew replaced by what was not.
        if entry.vouched or not old.vouched:
            board.entries.remove(old)
            yield f"{entry.verdict.path} replaces {old.verdict.path}"


def _alike(name: str, board: _Board) -> Iterator[str]:
    for one, other in combinations(board.entries, 2):
        if look_alike(one.card.display, other.card.display) or look_alike(one.card.slug, other.card.slug):
            yield (
                f"{name}: '{one.card.display}' ({one.verdict.path}) and '{other.card.display}' "
                f"({other.verdict.path}) look alike"
            )


def _results(
    name: str,
    board: _Board,
    controls: Mapping[str, Sheet],
    controlled: bool,
    targets: Targets | None,
    files: dict[str, Path],
) -> Results:
    """Lay the entries side by side; `controlled` if somebody else than a submitter stands for the controls."""
    entrants: dict[str, Entrant] = {}
    sheets: dict[str, Sheet] = {}
    slugs = [entry.card.slug for entry in board.entries]
    for entry in sorted(board.entries, key=lambda one: (one.card.slug, one.verdict.digest)):
        card, digest = entry.card, entry.verdict.digest
        again = slugs.count(card.slug) > 1
        label = f"{card.slug}~{digest[:8]}" if again else card.slug
        download = f"{DOWNLOADS}/{card.slug}-{digest[:8]}.zip"
        files[download] = entry.verdict.path
        sheets[label] = entry.sheet
        entrants[label] = Entrant(
            name=label,
            display=f"{card.display} ({digest[:8]})" if again else card.display,
            badge=entry.badge,
            card=card,
            seen=_seen(card, entry.sheet),
            digest=digest,
            download=download,
        )
    for control, sheet in controls.items():
        if control in NAMES:
            sheets[control] = sheet
            entrants[control] = Entrant(control, control.removeprefix(PREFIX), "control")
    claimed = {"self-reported"} if controlled else {"self-reported", "control"}
    together = _together(sheets, [name for name, entrant in entrants.items() if entrant.badge not in claimed])
    together.scores.attrs["name"] = name
    return Results(
        name=name,
        version=max(entry.version for entry in [one for one in board.entries if one.vouched] or board.entries),
        scores=together.scores,
        blocks=together.blocks,
        curves=together.curves,
        entrants=entrants,
        ranking="bootstrap",
        task_infos={task: _about(info, targets) for task, info in board.infos.items()},
    )


def _together(sheets: Mapping[str, Sheet], vouched: Sequence[str]) -> Sheet:
    """All sheets side by side in their order; the `vouched` ones decide what there is and how it is ranked."""
    ours = {name: sheets[name] for name in vouched}
    theirs = {name: within(sheet, list(ours.values())) for name, sheet in sheets.items() if name not in ours}
    together = side_by_side({**ours, **theirs})
    order = {dims.MODEL: list(sheets)}
    return Sheet(*(part.sel(order) for part in (together.scores, together.blocks, together.curves)))


def _seen(card: Card, sheet: Sheet) -> dict[str, frozenset[str]]:
    found = {}
    for task in sheet.scores[dims.TASK].values.tolist():
        shifts = sheet.scores[dims.SHIFT].values.tolist()
        found[task] = frozenset(shift for shift in shifts if card.seen(task, shift) == "seen")
    return found


def _about(info: SliceInfo, targets: Targets | None) -> dict[str, Any]:
    task = None if targets is None else targets.benchmark.task(info.task)
    told: dict[str, Any] = {"outputs": info.outputs, "unit": info.unit, "sizes": {"test": info.examples[0][0]}}
    return told if task is None else {**told, "length": task.length}
