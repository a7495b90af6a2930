"""Write the JSON Schemas of leaderboards, matrices and comparisons as JSON has them. Makes none of them."""

from __future__ import annotations

import inspect
from typing import Any

from pydantic import TypeAdapter

from regharness.board_plain import SCHEMA_VERSION
from regharness.comparison import Comparison
from regharness.leaderboard import Leaderboard
from regharness.score_tables import Value

_NUMBER = {"anyOf": [{"type": "number"}, {"enum": ["inf", "-inf"]}, {"type": "null"}]}
"""JSON has neither infinity nor NaN."""

KINDS = ("leaderboard", "matrix", "comparison")


def board_schema(kind: str) -> dict[str, Any]:
    """JSON Schema of what ``leaderboard --format json``, by model or by shift or severity, or ``compare --json`` write.

    Parameters
    ----------
    kind
        ``"leaderboard"``, ``"matrix"`` or ``"comparison"``.
    """
    if kind == "matrix":
        return _matrix_schema()
    owner = Leaderboard if kind == "leaderboard" else Comparison
    schema = _with_numbers(TypeAdapter(owner).json_schema())
    return _versioned(schema, owner)


def _matrix_schema() -> dict[str, Any]:
    value = _with_numbers(TypeAdapter(Value).json_schema())
    text = {"type": "string"}
    row = {
        "type": "object",
        "properties": {
            "task": text,
            "model": text,
            "values": {"type": "object", "additionalProperties": {"anyOf": [value, {"type": "null"}]}},
        },
        "required": ["task", "model", "values"],
    }
    direction = {"anyOf": [{"enum": ["lower", "higher"]}, {"type": "number"}]}
    properties = {
        "name": text,
        "metric": text,
        "direction": direction,
        "seeds": {"type": "integer"},
        "by": {"enum": ["shift", "severity"]},
        "rows": {"type": "array", "items": row},
    }
    return _versioned({"type": "object", "properties": properties, "required": [*properties]}, None)


def _versioned(schema: dict[str, Any], owner: type | None) -> dict[str, Any]:
    head: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    if owner is not None:
        head["description"] = inspect.cleandoc(owner.__doc__ or "")
    properties = {"schema_version": {"const": SCHEMA_VERSION}, **schema["properties"]}
    return {**head, **schema, "properties": properties, "required": ["schema_version", *schema["required"]]}


def _with_numbers(schema: Any) -> Any:
    """Let every number of a score be infinite or absent, as plain values write it."""
    if isinstance(schema, list):
        return [_with_numbers(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "number":
        return {**{key: part for key, part in schema.items() if key != "type"}, **_NUMBER}
    return {key: _with_numbers(part) for key, part in schema.items()}
