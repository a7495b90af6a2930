"""Verify a submission: every check in order, each with what it found; every score computed again. Trusts no claim.

Whatever a file holds, it is read in bounded time and memory, and nothing of it is run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from regharness.catalog import Catalog
from regharness.run_folder import Run
from regharness.run_scores import Step
from regharness.submission.agreement import card_notes, check_benchmark, check_completeness, check_ids, check_provenance
from regharness.submission.archive import Archive, open_archive
from regharness.submission.manifest import Manifest
from regharness.submission.package import CONTROLS, check_arrays, check_files, open_group, read_manifest
from regharness.submission.refusal import Refused
from regharness.submission.rerunning import check_rerun
from regharness.submission.rescoring import known_metrics, metrics_of_cells, score_predictions
from regharness.submission.sheet_reading import from_plain
from regharness.submission.sheets import Sheet, differences
from regharness.submission.stated_controls import read_controls
from regharness.submission.targets import Targets
from regharness.submission.values import check_values

Status = Literal["passed", "failed", "not checked"]

CHECKS = {
    "archive": "the file is a plain zip archive, and small enough to be read",
    "manifest": "it says what it holds, and was not changed afterwards",
    "benchmark": "it answers to this benchmark",
    "completeness": "every shift, seed and output of each task is there",
    "files": "every file is there, none is beside, and each has its sha256",
    "arrays": "metadata and labels are what the shapes make them",
    "values": "every prediction is finite and of a sensible size",
    "card": "the model card tells what a reader needs",
    "provenance": "it says what it takes to make the predictions again",
    "ids": "the examples are those of the benchmark, in its order",
    "claims": "the scores that it states are scores",
    "scores": "the scores that it states are those of its predictions",
    "re-run": "another run of the model predicts the same",
}
"""Check to what it asks, in order: what costs least first, and before a file is read for long, whether it fits."""
NEED_MORE = frozenset({"benchmark", "completeness", "scores", "re-run"})
"""Checks that need targets, or another run; no file passes without any other."""


@dataclass(frozen=True)
class Check:
    """One check: its name, how it ended, and what was found."""

    name: str
    status: Status
    reason: str = ""


@dataclass
class Verdict:
    """What a verification found.

    Attributes
    ----------
    path
        The file.
    digest
        Its sha256; empty of a file that could not be read.
    manifest
        What it says of itself; None if that cannot be trusted.
    checks
        In order; those after one that the others stand on are not checked.
    scored
        The scores, computed anew; None without targets.
    claimed
        The scores that it states; None if it states none.
    """

    path: Path
    digest: str = ""
    manifest: Manifest | None = None
    checks: list[Check] = field(default_factory=list)
    scored: Sheet | None = None
    claimed: Sheet | None = None

    @property
    def passed(self) -> bool:
        """Whether no check failed, and none was left out that could be done."""
        return all(
            check.status == "passed" or (check.status == "not checked" and check.name in NEED_MORE)
            for check in self.checks
        )

    @property
    def slug(self) -> str:
        """What the model is called; empty of a file that could not be read."""
        return self.manifest.card.slug if self.manifest is not None and self.manifest.card is not None else ""

    @property
    def reasons(self) -> list[str]:
        """Why it was refused."""
        return [f"{check.name}: {check.reason}" for check in self.checks if check.status == "failed"]


def verify(
    path: Path,
    catalog: Catalog,
    targets: Targets | None = None,
    rerun: Run | None = None,
    step: Step = lambda what, done, total: None,
) -> Verdict:
    """Verify a submission file.

    Parameters
    ----------
    path
        The file, by whomever.
    catalog
        What is installed.
    targets
        The organiser's; without them the scores stay claims.
    rerun
        A run in which the model was run again, to hold the predictions against.
    step
        Told how far scoring is.
    """
    verdict = Verdict(path)
    verification = _Verification(verdict, catalog, targets, rerun, step)
    try:
        with open_archive(path) as archive:
            verification.run(archive)
    except Refused as error:
        verdict.checks.append(Check(verification.under_way, "failed", str(error)))
    told = {check.name: check for check in verdict.checks}
    verdict.checks = [told.get(name, Check(name, "not checked")) for name in CHECKS]
    return verdict


class _Verification:
    """The checks of one file, in order; one that fails ends it, but for those that nothing stands on."""

    def __init__(
        self, verdict: Verdict, catalog: Catalog, targets: Targets | None, rerun: Run | None, step: Step
    ) -> None:
        self._verdict, self._catalog, self._targets, self._rerun = verdict, catalog, targets, rerun
        self._step = step

    @property
    def under_way(self) -> str:
        """The check that comes next; one that was refused says of what kind the fault was, not where it was found."""
        told = {check.name for check in self._verdict.checks}
        waiting = [name for name in CHECKS if name not in told]
        return next(name for name in waiting if name not in NEED_MORE or self._given(name))

    def _given(self, name: str) -> bool:
        """Whether there is what a check needs."""
        return (self._rerun if name == "re-run" else self._targets) is not None

    def run(self, archive: Archive) -> None:
        """Do all checks."""
        verdict = self._verdict
        verdict.digest = archive.digest
        self._passed("archive", f"{len(archive.names):,} files, {sum(archive.names.values()):,} bytes")
        manifest = read_manifest(archive)
        if manifest.kind != "submission":
            raise Refused("manifest", "it holds targets, not predictions")
        self._passed("manifest")
        if self._targets is not None:
            self._passed("benchmark", check_benchmark(manifest, self._targets))
            self._passed("completeness", check_completeness(manifest, self._targets))
        check_files(archive, manifest)
        self._passed("files")
        check_arrays(archive, manifest)
        self._passed("arrays")
        for info in manifest.cubes:
            check_values(archive, info)
        self._passed("values")
        verdict.manifest = manifest
        self._each("card", lambda: card_notes(manifest))
        self._each("provenance", lambda: check_provenance(manifest))
        for info in manifest.cubes:
            check_ids(archive, info, self._targets)
        self._passed("ids", "" if self._targets is not None else "no targets were given: only that none repeats")
        self._read_claims(archive, manifest)
        self._passed("claims", "" if manifest.claims is not None else "it states none")
        if self._targets is not None:
            self._score(archive, manifest, self._targets)
        if self._rerun is not None:
            self._passed("re-run", check_rerun(archive, manifest, self._rerun))

    def _passed(self, name: str, reason: str = "") -> None:
        self._verdict.checks.append(Check(name, "passed", reason))

    def _each(self, name: str, check: Callable[[], str]) -> None:
        """A check that no other stands on."""
        try:
            self._passed(name, check())
        except Refused as error:
            self._verdict.checks.append(Check(name, "failed", str(error)))

    def _read_claims(self, archive: Archive, manifest: Manifest) -> None:
        if manifest.claims is not None:
            self._verdict.claimed = from_plain(manifest.claims, "claims", manifest.cubes)
        if CONTROLS in archive.names:
            read_controls(archive)

    def _score(self, archive: Archive, manifest: Manifest, targets: Targets) -> None:
        predictions = {info.task: open_group(archive, info) for info in manifest.cubes}
        found = score_predictions(predictions, targets, self._catalog, self._step)
        assert manifest.card is not None
        self._verdict.scored = found.get(manifest.card.slug)
        if self._verdict.scored is None:
            self._verdict.checks.append(Check("scores", "not checked", "no target of its tasks was given"))
            return
        notes = list(_score_notes(manifest, targets, self._catalog))
        claimed = self._verdict.claimed
        if claimed is not None and manifest.benchmark.version == targets.benchmark.version:
            known = {entry.label for entry in targets.benchmark.metrics} | {*self._verdict.scored.scores.data_vars}
            other = next((name for name in claimed.scores.data_vars if name not in known), None)
            if other is not None:
                raise Refused("scores", f"'{other}' is claimed, which is no metric of the benchmark")
            only = None if targets.whole else metrics_of_cells(targets.benchmark, self._catalog)
            wrong = list(differences(claimed, self._verdict.scored, only))
            if wrong:
                more = f"; {len(wrong) - 3} more differ" if len(wrong) > 3 else ""
                raise Refused("scores", "; ".join(wrong[:3]) + more)
        self._passed("scores", "; ".join(notes))


def _score_notes(manifest: Manifest, targets: Targets, catalog: Catalog) -> Iterator[str]:
    if manifest.claims is None:
        yield "it states none; they were computed"
    elif manifest.benchmark.version != targets.benchmark.version:
        yield f"stated for version {manifest.benchmark.version}, computed anew for {targets.benchmark.version}"
    if not targets.whole:
        yield "of the cells whose targets were given"
    known = {entry.label for entry in known_metrics(targets.benchmark, catalog)}
    unknown = [entry.label for entry in targets.benchmark.metrics if entry.label not in known]
    if unknown:
        yield f"without {', '.join(unknown)}, of another plugin"


def as_json(verdict: Verdict, badge: str) -> dict[str, Any]:
    """A verdict as plain JSON values."""
    return {
        "schema_version": 1,
        "file": str(verdict.path),
        "sha256": verdict.digest,
        "passed": verdict.passed,
        "badge": badge if verdict.passed else None,
        "benchmark": None if verdict.manifest is None else json.loads(verdict.manifest.benchmark.model_dump_json()),
        "model": verdict.slug or None,
        "checks": [{"name": check.name, "status": check.status, "reason": check.reason} for check in verdict.checks],
    }
