"""Own why a cell is to be computed: the facts behind old keys, kept with the run, and what differs. Computes none."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regharness import storage
from regharness.keys import ABOUT, code_digest, digest_of
from regharness.storage import Place

if TYPE_CHECKING:
    from regharness.plan import Cell
    from regharness.records import Record

FOLDER = "facts"

_UNTOLD = "computed with other parameters, code or files, and its record does not say which"
_SHOWN = 60
_FILES_SHOWN = 3


class Facts:
    """The facts of a run by their digests, so that a digest can be explained when nothing gives it any more.

    Parameters
    ----------
    folder
        The run's.
    known
        Facts at hand, such as those of a plan, which need not be read.
    """

    def __init__(self, folder: Place, known: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._folder = folder / FOLDER
        self._known: dict[str, Mapping[str, Any] | None] = dict(known or {})
        self.differences = functools.cache(self._differences)

    def keep(self, facts: Mapping[str, Mapping[str, Any]]) -> None:
        """Write the facts that are not there yet.

        Raises
        ------
        StorageError
            When they cannot be written.
        """
        with storage.storing(self._folder):
            held = {file.name for file in self._folder.iterdir()} if self._folder.is_dir() else set()
            if not held:
                self._folder.mkdir(parents=True, exist_ok=True)
        for digest, content in facts.items():
            if f"{digest}.json" not in held:
                storage.write_whole(self._folder / f"{digest}.json", json.dumps(content, indent=1).encode())
        self._known.update(facts)

    def of(self, digest: str) -> Mapping[str, Any] | None:
        """The facts of a digest; None if they were not kept, or are damaged."""
        if digest not in self._known:
            try:
                content = json.loads((self._folder / f"{digest}.json").read_bytes())
                self._known[digest] = content if digest_of(content) == digest else None
            except (FileNotFoundError, ValueError, AttributeError):
                self._known[digest] = None
        return self._known[digest]

    def _differences(self, part: str, subject: str, new: str, old: str) -> tuple[str, ...]:
        now, then = self.of(new), self.of(old)
        if now is None or then is None:
            return (f"{subject} {'have' if part == 'data' else 'has'} changed; what changed was not kept",)
        if part == "regharness":
            return (f"computed by regharness {then['version']}, this is {now['version']}",)
        if now.get("use") != then.get("use"):
            return (f"{subject}: '{now.get('use')}', was '{then.get('use')}'",)
        return (*_parameters(subject, now, then), *self._code(now.get("code", {}), then.get("code", {})))

    def _code(self, now: Mapping[str, str], then: Mapping[str, str]) -> Iterator[str]:
        for plugin in sorted(now.keys() & then.keys()):
            new, old = now[plugin], then[plugin]
            if new == old:
                continue
            if new.split()[:2] != old.split()[:2]:
                yield f"code of plugin {plugin}: {' '.join(new.split()[:2])}, was {' '.join(old.split()[:2])}"
                continue
            after, before = (self._sources(version) for version in (new, old))
            changed = sorted(name for name in after.keys() | before.keys() if after.get(name) != before.get(name))
            more = len(changed) - _FILES_SHOWN
            files = ", ".join(changed[:_FILES_SHOWN]) + (f" and {more} more" if more > 0 else "")
            yield f"code of plugin {plugin} has changed" + (f" ({files})" if after and before and files else "")

    def _sources(self, version: str) -> Mapping[str, str]:
        facts = self.of(code_digest(version)) or {}
        sources: Mapping[str, str] = facts.get(ABOUT, {}).get("sources", {})
        return sources


def reasons(cell: Cell, record: Record | None, facts: Facts) -> list[str]:
    """Why a cell is to be computed; nothing if it is done.

    Parameters
    ----------
    cell
        As it is now planned.
    record
        Its last one, whatever the key; None if it was never computed.
    facts
        Those of the plan, and those that the run kept.
    """
    if record is None:
        return ["never computed"]
    if record.key == cell.key:
        return {"done": [], "failed": [f"failed before: {record.reason}"]}.get(
            record.status, [f"{record.status}: {record.reason}"]
        )
    new, old = cell.parts, record.parts
    subjects = {
        "data": f"the data of task '{cell.task}'",
        "shift": f"shift '{cell.shift}'",
        "model": f"model '{cell.model}'",
        "uncertainty": f"the uncertainty method of model '{cell.model}'",
        "regharness": "regharness",
    }
    found: list[str] = []
    for part, subject in subjects.items() if old else ():
        if part in new and part not in old:
            found.append(f"{subject} was added")
        elif part in old and part not in new:
            found.append(f"{subject} was removed")
        elif part in new and new[part] != old[part]:
            found += facts.differences(part, subject, new[part], old[part])
    # One plugin can offer several parts of a cell.
    return list(dict.fromkeys(found)) or [_UNTOLD]


def _parameters(subject: str, now: Mapping[str, Any], then: Mapping[str, Any]) -> Iterator[str]:
    new, old = (dict(_leaves(facts.get("with", {}))) for facts in (now, then))
    new_files, old_files = (facts.get(ABOUT, {}).get("files", {}) for facts in (now, then))
    for name in [*new, *(name for name in old if name not in new)]:
        if name in new and name in old and new[name] == old[name]:
            continue
        if name in new_files and new_files[name] == old_files.get(name):
            yield f"file {_near(new_files[name])} of {subject} has changed"
            continue
        after = _near(new_files[name]) if name in new_files else _shown(new, name)
        before = _near(old_files[name]) if name in old_files else _shown(old, name)
        yield f"parameter {name} of {subject}: {after}, was {before}"


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Parameters by their dotted place; a list of plain values is one."""
    inner: dict[str, Any] = {}
    if isinstance(value, dict):
        inner = value
    elif isinstance(value, list) and any(isinstance(part, (dict, list)) for part in value):
        inner = {str(index): part for index, part in enumerate(value)}
    if not inner:
        yield place, value
    for name, part in inner.items():
        yield from _leaves(part, f"{place}.{name}" if place else name)


def _shown(values: Mapping[str, Any], name: str) -> str:
    if name not in values:
        return "not there"
    text = json.dumps(values[name])
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _near(path: str) -> str:
    """A file as a user would name it from here."""
    at = Path(path)
    return str(at.relative_to(Path.cwd())) if at.is_relative_to(Path.cwd()) else path
