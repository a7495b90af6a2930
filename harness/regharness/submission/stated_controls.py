"""Own the scores of the controls as a submission states them, for boards that nobody has targets of. Scores nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regharness.submission.archive import Archive, open_archive
from regharness.submission.controls import NAMES
from regharness.submission.manifest import SliceInfo
from regharness.submission.package import CONTROLS
from regharness.submission.refusal import Refused, shown
from regharness.submission.sheet_reading import from_plain
from regharness.submission.sheets import Sheet
from regharness.submission.strict_json import parse


def stated_controls(path: Path, infos: Mapping[str, SliceInfo]) -> dict[str, Sheet]:
    """Control to its scores on the tasks of `infos`, as a submission that passed states them.

    Raises
    ------
    Refused
        When what it states is none, or of other test sets.
    """
    with open_archive(path) as archive:
        if CONTROLS not in archive.names:
            return {}
        return {
            name: from_plain(_of_tasks(one, infos), f"{CONTROLS}: {name}", list(infos.values()))
            for name, one in read_controls(archive).items()
        }


def read_controls(archive: Archive) -> dict[str, Any]:
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


def _of_tasks(sheet: Any, infos: Mapping[str, SliceInfo]) -> Any:
    return {**sheet, "tasks": {task: held for task, held in sheet["tasks"].items() if task in infos}}
