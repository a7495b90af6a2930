"""Own the events of a run's ``log.jsonl``: what each is called and tells, and their JSON Schema. Writes nothing."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class RunStarted:
    """A run began.

    `cells` it has in all, `done` of them before. `versions` are those of regharness, Python, libraries and plugins.
    """

    spec: str
    cells: int
    done: int
    executor: str
    workers: int
    device: str
    host: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class CellStarted:
    """A worker began a cell. Not every executor tells."""

    task: str
    model: str
    shift: str
    seed: int
    worker: str


@dataclass(frozen=True)
class CellFinished:
    """A cell was computed and stored, or failed for a `reason`.

    `timings` are the seconds of its stages, `seconds` of the whole; `examples` those that were predicted.
    """

    task: str
    model: str
    shift: str
    seed: int
    status: Literal["done", "failed"]
    reason: str
    seconds: float
    worker: str
    examples: int
    timings: Mapping[str, float]


@dataclass(frozen=True)
class CellLost:
    """A worker ended without a result of its cell, which fails."""

    task: str
    model: str
    shift: str
    seed: int
    reason: str
    worker: str


@dataclass(frozen=True)
class CellRetried(CellLost):
    """A worker ended without a result of its cell, which is tried again."""


@dataclass(frozen=True)
class RunInterrupted:
    """A run was stopped before its last cell; `failed` of its cells have failed until then."""

    failed: int


@dataclass(frozen=True)
class RunFinished:
    """Every cell of a run is computed, or has failed."""

    failed: int


@dataclass(frozen=True)
class Scored:
    """A run's `cells` were scored; `seconds` include its leaderboard and reports."""

    cells: int
    seconds: float


Event = RunStarted | CellStarted | CellFinished | CellLost | CellRetried | RunInterrupted | RunFinished | Scored
EVENTS = (RunStarted, CellStarted, CellFinished, CellLost, CellRetried, RunInterrupted, RunFinished, Scored)


def name_of(kind: type) -> str:
    """What lines of the log call an event."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def log_schema() -> dict[str, Any]:
    """JSON Schema of one line of ``log.jsonl``."""
    from pydantic import TypeAdapter

    stamp = {"type": "string", "format": "date-time", "description": "UTC, to the millisecond."}
    kinds = []
    for kind in EVENTS:
        schema: dict[str, Any] = TypeAdapter(kind).json_schema()
        head = {"time": stamp, "event": {"const": name_of(kind)}}
        kinds.append(
            {
                **schema,
                "description": inspect.cleandoc(kind.__doc__ or ""),
                "properties": {**head, **schema["properties"]},
                "required": [*head, *schema["required"]],
                "additionalProperties": False,
            }
        )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "description": "One line of a run's log.jsonl.",
        "oneOf": kinds,
    }
