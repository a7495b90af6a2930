"""Hold what a submission says of itself against the benchmark that it answers to. Looks at no prediction.

Each check gives a note, or refuses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from regharness import dims
from regharness.submission.archive import Archive
from regharness.submission.cube_slice import LONGEST, Layout, decode_text
from regharness.submission.manifest import Manifest, SliceInfo
from regharness.submission.refusal import Refused
from regharness.submission.targets import Targets


def card_notes(manifest: Manifest) -> str:
    """What a model card leaves open; one that tells of what is not there is refused."""
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


def check_provenance(manifest: Manifest) -> str:
    """Refuse predictions of which it is not said how they came about."""
    told = manifest.provenance
    if told is None:
        raise Refused("provenance", "it does not say how the predictions came about")
    if told.made_by == "run" and not (told.spec_sha256 and told.cells_sha256):
        raise Refused("provenance", "predictions of a run have spec_sha256 and cells_sha256")
    return "" if told.made_by == "run" else "predicted outside the harness, so it cannot be run again"


def check_benchmark(manifest: Manifest, targets: Targets) -> str:
    """Refuse what answers to another benchmark, or to a version that is not there yet."""
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


def check_completeness(manifest: Manifest, targets: Targets) -> str:
    """Refuse predictions whose shapes are not the benchmark's; tasks may be left out."""
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


def check_ids(archive: Archive, info: SliceInfo, targets: Targets | None) -> None:
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
