"""Describe specs as JSON Schema, with the parameters of every installed component. Checks no spec."""

from __future__ import annotations

from typing import Any

from regharness.catalog import TITLES, Catalog
from regharness.errors import InputError
from regharness.spec import BenchmarkSpec, MetricEntry, ModelEntry, RunEntry, ShiftEntry, TaskEntry, Use

_PLACES = {
    "data": (TaskEntry, "data", Use),
    "shift": (TaskEntry, "shifts", ShiftEntry),
    "model": (BenchmarkSpec, "models", ModelEntry),
    "uncertainty": (ModelEntry, "uncertainty", Use),
    "metric": (BenchmarkSpec, "metrics", MetricEntry),
    "executor": (RunEntry, "executor", Use),
}


def spec_schema(catalog: Catalog) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a spec.

    Each ``use`` is an enumeration of what is installed, and decides what its ``with`` may hold. A component
    whose parameters cannot be read, since its framework is missing, takes any mapping.
    """
    schema = BenchmarkSpec.model_json_schema(by_alias=True)
    definitions: dict[str, Any] = schema["$defs"]
    properties = schema["properties"]
    properties["extends"] = {"type": "string", "description": "A spec that this one is laid over."}
    properties["run"] = {"$ref": "#/$defs/RunEntry"}
    for kind, (holder, key, entry) in _PLACES.items():
        title = f"{entry.__name__} of a {TITLES[kind]}"
        definitions[title] = _choice(kind, definitions[entry.__name__], definitions, catalog)
        own = properties if holder is BenchmarkSpec else definitions[holder.__name__]["properties"]
        _point(own[key], f"#/$defs/{entry.__name__}", f"#/$defs/{title}")
        if holder is ModelEntry:
            _point(
                definitions[f"ModelEntry of a {TITLES['model']}"],
                f"#/$defs/{entry.__name__}",
                f"#/$defs/{title}",
            )
    one = {"$ref": f"#/$defs/MetricEntry of a {TITLES['metric']}"}
    names = {"enum": catalog.names("metric")}
    properties["metrics"] = {
        "anyOf": [{"const": "default"}, {"type": "array", "minItems": 1, "items": {"anyOf": [names, one]}}]
    }
    executor = {"$ref": f"#/$defs/Use of a {TITLES['executor']}"}
    definitions["RunEntry"]["properties"]["executor"] = {"anyOf": [{"enum": catalog.names("executor")}, executor]}
    definitions["ShiftEntry of a shift operator"]["properties"]["severity"] = {
        "anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _choice(kind: str, entry: dict[str, Any], definitions: dict[str, Any], catalog: Catalog) -> dict[str, Any]:
    """The entry's schema with ``use`` enumerated and ``with`` decided by it."""
    rules = []
    for name in catalog.names(kind):
        try:
            parameters = catalog.parameters(kind, name).model_json_schema(by_alias=True, mode="validation")
        except InputError:
            continue
        if kind == "executor":
            # Said beside the executor, in `run`.
            parameters.get("properties", {}).pop("workers", None)
        for inner, definition in parameters.pop("$defs", {}).items():
            definitions.setdefault(inner, definition)
        then: dict[str, Any] = {"properties": {"with": parameters}}
        if parameters.get("required"):
            then["required"] = ["with"]
        rules.append({"if": {"properties": {"use": {"const": name}}, "required": ["use"]}, "then": then})
    use = {**entry["properties"]["use"], "enum": catalog.names(kind)}
    return {**entry, "properties": {**entry["properties"], "use": use}, "allOf": rules}


def _point(node: Any, old: str, new: str) -> None:
    """Turn references to `old` inside `node` into references to `new`."""
    if isinstance(node, dict):
        if node.get("$ref") == old:
            node["$ref"] = new
        for value in node.values():
            _point(value, old, new)
    elif isinstance(node, list):
        for value in node:
            _point(value, old, new)
