"""Verify a submission: every check in order, each with what it found; every score computed again. Trusts no claim.

Whatever a file holds, it is read in bounded time and memory, and nothing of it is run.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from regharness import dims
from regharness.catalog import Catalog
from regharness.run_folder import Run
from regharness.run_scores import Step
from regharness.submission.archive import Archive, open_archive
from regharness.submission.controls import NAMES
from regharness.submission.cube_slice import LONGEST, Layout, decode_text
from regharness.submission.manifest import Manifest, SliceInfo
from regharness.submission.package import CONTROLS, check_arrays, check_files, open_group, read_manifest
from regharness.submission.refusal import Refused, shown
from regharness.submission.rerunning import check_rerun
from regharness.submission.rescoring import known_metrics, metrics_of_cells, score_predictions
from regharness.submission.sheets import Sheet, differences, from_plain
from regharness.submission.strict_json import parse
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


def stated_controls(path: Path, infos: Mapping[str, SliceInfo]) -> dict[str, Sheet]:
    """Control to its scores on the tasks of `infos`, as a submission that passed states them.

    Raises
    ------
    Refused
        When it states none, or what it states is none.
    """
    with open_archive(path) as archive:
        if CONTROLS not in archive.names:
            return {}
        return {
            name: from_plain(_of_tasks(one, infos), f"{CONTROLS}: {name}", list(infos.values()))
            for name, one in _controls(archive).items()
        }


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
            self._passed("benchmark", _check_benchmark(manifest, self._targets))
            self._passed("completeness", _check_completeness(manifest, self._targets))
        check_files(archive, manifest)
        self._passed("files")
        check_arrays(archive, manifest)
        self._passed("arrays")
        for info in manifest.cubes:
            check_values(archive, info)
        self._passed("values")
        verdict.manifest = manifest
        self._each("card", lambda: _card_notes(manifest))
        self._each("provenance", lambda: _check_provenance(manifest))
        for info in manifest.cubes:
            _check_ids(archive, info, self._targets)
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
            _controls(archive)

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


def _of_tasks(sheet: Any, infos: Mapping[str, SliceInfo]) -> Any:
    return {**sheet, "tasks": {task: held for task, held in sheet["tasks"].items() if task in infos}}


def _controls(archive: Archive) -> dict[str, Any]:
    """Control to its sheet in plain values, each of which is one."""
    value = parse(archive.read(CONTROLS), CONTROLS)
    if not isinstance(value, dict):
        raise Refused("claims", f"{CONTROLS} is no mapping of sheets")
    unknown = [name for name in value if name not in NAMES]
    if unknown:
        raise Refused("claims", f"{CONTROLS} has '{shown(unknown[0])}', which is none of: {', '.join(NAMES)}")
    for name, one in value.items():
        from_plain(one, f"{CONTROLS}: {name}")
    return value


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


def _card_notes(manifest: Manifest) -> str:
    card = manifest.card
    assert card is not None
    silent = {
        "authors": card.authors,
        "licence": card.licence,
        "training data": card.training_data,
        "what it may have seen": card.exposure,
    }
    missing = [name for name, value in silent.items() if not value]
    shifts = {info.task: {"*", *info.shifts} for info in manifest.cubes}
    for task, told in card.exposure.items():
        if task not in shifts:
            raise Refused("card", f"exposure names task '{task}', which the submission does not have")
        unknown = next((shift for shift in told if shift not in shifts[task]), None)
        if unknown is not None:
            raise Refused(
                "card", f"exposure names shift '{unknown}' of task '{task}', which the submission does not have"
            )
    return f"it does not tell: {', '.join(missing)}" if missing else ""


def _check_provenance(manifest: Manifest) -> str:
    told = manifest.provenance
    if told is None:
        raise Refused("provenance", "it does not say how the predictions came about")
    if told.made_by == "run" and not (told.spec_sha256 and told.cells_sha256):
        raise Refused("provenance", "predictions of a run have spec_sha256 and cells_sha256")
    return "" if told.made_by == "run" else "predicted outside the harness, so it cannot be run again"


def _check_benchmark(manifest: Manifest, targets: Targets) -> str:
    stated, ours = manifest.benchmark, targets.benchmark
    if stated.name != ours.name:
        raise Refused("benchmark", f"it answers to '{stated.name}', and the targets are of '{ours.name}'")
    if stated.inputs_sha256 != ours.inputs_sha256:
        raise Refused(
            "benchmark",
            f"it answers to other test sets of '{ours.name}': their digest is {stated.inputs_sha256[:12]}, "
            f"that of the targets {ours.inputs_sha256[:12]}",
        )
    if stated.version > ours.version:
        raise Refused("benchmark", f"it is for version {stated.version}, and the targets are of {ours.version}")
    return "" if stated.version == ours.version else f"made for version {stated.version}, scored as {ours.version}"


def _check_completeness(manifest: Manifest, targets: Targets) -> str:
    for info in manifest.cubes:
        task = targets.benchmark.task(info.task)
        if task is None:
            raise Refused("completeness", f"the benchmark has no task '{info.task}'")
        expected: dict[str, Any] = {
            "outputs": task.outputs,
            "shifts": task.shifts,
            "seeds": targets.benchmark.seeds,
            "examples": [[entry.examples for entry in row] for row in task.test_sets.values()],
            "unit": task.unit,
        }
        for name, wanted in expected.items():
            found = getattr(info, name)
            if found != wanted:
                raise Refused("completeness", f"task '{info.task}': {name} {_unlike(found, wanted)}")
    left = [task.name for task in targets.benchmark.tasks if task.name not in {info.task for info in manifest.cubes}]
    return f"without the tasks {', '.join(left)}" if left else ""


def _unlike(found: Any, wanted: Any) -> str:
    if isinstance(wanted, str) or not isinstance(wanted[0], str | int):
        return "are not those of the benchmark" if not isinstance(wanted, str) else f"is {found!r}, not {wanted!r}"
    missing, beyond = [x for x in wanted if x not in found], [x for x in found if x not in wanted]
    if missing:
        return f"lack {', '.join(map(str, missing[:5]))}"
    return f"have {', '.join(map(str, beyond[:5]))}, which the benchmark has not" if beyond else "are in another order"


def _check_ids(archive: Archive, info: SliceInfo, targets: Targets | None) -> None:
    """Hold ids against those of the targets, each test set that there are any for; else look for repeated ones."""
    held = targets.cubes.get(info.task) if targets is not None else None
    for shift, seed, ids in _ids(archive, info):
        where = f"task '{info.task}', {shift}, seed {seed}"
        if not all(one and one.isprintable() for one in ids):
            raise Refused("ids", f"{where}: an id is empty, or has a character that does not print")
        if len(set(ids)) != len(ids):
            twice = Counter(ids).most_common(1)[0][0]
            raise Refused("ids", f"{where}: the id {twice!r} is there twice")
        if targets is None or held is None or not _has(held, shift, seed):
            continue
        wanted = targets.ids(info.task, shift, seed).tolist()
        if ids != wanted:
            place = next(i for i, (one, other) in enumerate(zip(ids, wanted, strict=True)) if one != other)
            what = "in another order" if sorted(ids) == sorted(wanted) else "not those of the benchmark"
            raise Refused("ids", f"{where}: ids are {what}: example {place} is {ids[place]!r}, not {wanted[place]!r}")


def _has(cube: xr.Dataset, shift: str, seed: int) -> bool:
    return shift in cube[dims.SHIFT].values and seed in cube[dims.SEED].values


def _ids(archive: Archive, info: SliceInfo) -> Iterator[tuple[str, int, list[str]]]:
    """Shift, seed and ids of every test set; padding holds none."""
    layout = Layout(info)
    variable = layout.variables[dims.EXAMPLE_ID]
    gathered: dict[tuple[int, int], list[str]] = {}
    for path, key in layout.chunks(dims.EXAMPLE_ID):
        count = int(np.prod(variable.chunks))
        texts = decode_text(archive.read(path, limit=4 + count * (4 + LONGEST)), count, path)
        rows = np.array(texts, dtype=object).reshape(variable.chunks)
        if (rows[layout.masked(dims.EXAMPLE_ID, key)] != "").any():
            raise Refused("ids", f"{path} holds ids where there is no example")
        first = [place * size for place, size in zip(key, variable.chunks, strict=True)]
        for s, k in np.ndindex(rows.shape[:2]):
            at = first[0] + s, first[1] + k
            part = rows[s, k].tolist()[: max(0, info.examples[at[0]][at[1]] - first[2])]
            if not part:
                continue
            found = gathered.setdefault(at, [])
            found += part
            if len(found) == info.examples[at[0]][at[1]]:
                yield info.shifts[at[0]], info.seeds[at[1]], gathered.pop(at)


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
