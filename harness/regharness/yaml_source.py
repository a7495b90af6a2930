"""Read YAML text into plain values with the place of each. Knows nothing of specs.

YAML 1.2 rules; aliases, tags, duplicate keys, large and deep documents are refused, since specs come from
strangers and a 300-byte alias bomb can fill a machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver

from regharness.errors import InputError, Problem

MAX_BYTES = 1_000_000
MAX_DEPTH = 32

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Mark:
    """Where a value stands: a file, a 1-based line and column, and the text of the line."""

    path: str
    line: int
    column: int
    source: str

    def problem(self, message: str, help: str = "") -> Problem:
        """A problem at this place."""
        return Problem(message, f"{self.path}:{self.line}:{self.column}", self.source, self.column, help)


@dataclass
class Document:
    """A parsed file.

    Attributes
    ----------
    value
        Plain mappings, lists and scalars.
    marks
        Path of keys and indices to the place of the value, and under ``(*path, KEY)`` of the key itself.
    """

    value: Any = None
    marks: dict[Place, Mark] = field(default_factory=dict)

    def mark(self, place: Place, *, key: bool = False) -> Mark:
        """The mark nearest to `place`: its own, or of the closest value around it."""
        if key and (*place, KEY) in self.marks:
            return self.marks[*place, KEY]
        known: Place = ()
        for step in place:
            if (*known, step) in self.marks:
                known = (*known, step)
        return self.marks[known]


KEY = "\0key"


def read(path: Path, shown: str | None = None) -> Document:
    """Read a file.

    Raises
    ------
    InputError
        Unreadable, too large, not UTF-8, no YAML, or one of the refused constructs.
    """
    shown = shown or str(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read {shown}: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"{shown} is larger than {MAX_BYTES:,} bytes, the most a spec may have")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{shown} is not UTF-8 text: {error.reason} at byte {error.start}") from None
    return parse(text, shown)


def parse(text: str, shown: str) -> Document:
    """Parse `text`, which messages call `shown`; see `read`."""
    builder = _Builder(shown, text.split("\n"))
    try:
        builder.document(YAML(typ="rt", pure=True).parse(text))
    except MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        mark = builder.at(at) if at else Mark(shown, 1, 1, "")
        raise InputError(mark.problem(f"not YAML: {error.problem or error.context}")) from None
    except YAMLError as error:
        raise InputError(f"{shown}: not YAML: {error}") from None
    if builder.problems:
        raise InputError(builder.problems)
    return builder.result


class _Builder:
    """Turn parser events into values; what may go on is collected as problems, what may not is raised."""

    def __init__(self, shown: str, lines: list[str]) -> None:
        self.shown, self.lines = shown, lines
        self.problems: list[Problem] = []
        self.result = Document()
        self._resolver = VersionedResolver()

    def at(self, mark: Any) -> Mark:
        line = self.lines[mark.line] if mark.line < len(self.lines) else ""
        return Mark(self.shown, mark.line + 1, mark.column + 1, line)

    def document(self, events: Iterator[Any]) -> None:
        documents = 0
        self.result.marks[()] = Mark(self.shown, 1, 1, self.lines[0])
        for event in events:
            if isinstance(event, (ScalarEvent, MappingStartEvent, SequenceStartEvent, AliasEvent)):
                documents += 1
                if documents > 1:
                    raise InputError(self.at(event.start_mark).problem("a second document in one file"))
                self.result.value = self._value(event, events, ())

    def _value(self, event: Any, events: Iterator[Any], place: Place) -> Any:
        mark = self.at(event.start_mark)
        self.result.marks[place] = mark
        if len(place) >= MAX_DEPTH:
            raise InputError(mark.problem(f"nested more than {MAX_DEPTH} levels deep"))
        if isinstance(event, AliasEvent):
            raise InputError(mark.problem("aliases are not allowed", "write the value out"))
        if event.ctag is not None:
            self.problems.append(mark.problem(f"the tag {event.tag} is not allowed", "remove it"))
        if isinstance(event, MappingStartEvent):
            return self._mapping(events, place)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(events, place)
        return self._scalar(event)

    def _mapping(self, events: Iterator[Any], place: Place) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for event in events:
            if isinstance(event, MappingEndEvent):
                break
            mark = self.at(event.start_mark)
            if not isinstance(event, ScalarEvent):
                raise InputError(mark.problem("a key must be text"))
            key = event.value
            if key in mapping:
                self.problems.append(mark.problem(f"the key '{key}' appears twice"))
            self.result.marks[*place, key, KEY] = mark
            mapping[key] = self._value(next(events), events, (*place, key))
        return mapping

    def _sequence(self, events: Iterator[Any], place: Place) -> list[Any]:
        values: list[Any] = []
        for event in events:
            if isinstance(event, SequenceEndEvent):
                break
            values.append(self._value(event, events, (*place, len(values))))
        return values

    def _scalar(self, event: Any) -> Any:
        plain = event.implicit[0]
        kind = self._resolver.resolve(ScalarNode, event.value, (True, False)) if plain else "str"
        text = event.value.replace("_", "")
        match str(kind).rsplit(":", 1)[-1]:
            case "null":
                return None
            case "bool":
                return event.value.lower() == "true"
            case "int":
                sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text.lstrip("+"))
                base = {"0x": 16, "0o": 8, "0b": 2}.get(digits[:2].lower(), 10)
                return sign * int(digits, base)
            case "float":
                return float(text.replace(".inf", "inf").replace(".nan", "nan").replace(".NaN", "nan"))
        return event.value
