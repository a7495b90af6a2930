"""Lay one of the sizes that a spec offers over it. Checks no component."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pydantic

from regharness.errors import InputError, unknown_name
from regharness.faults import describe
from regharness.plan_filters import matches, parsed_filters
from regharness.spec import SpecProfile
from regharness.yaml_source import Document, Place

_KEYS = ("task", "model", "shift")


def apply_profile(document: Document, name: str) -> None:
    """Change a spec's document into one of the sizes it offers, whose name becomes ``<spec>-<size>``.

    Raises
    ------
    InputError
        When it does not offer that size, or the size is wrong.
    """
    offered = document.value.get("profiles")
    known = offered if isinstance(offered, dict) else {}
    if name not in known:
        message, choices = unknown_name("profile", name, map(str, known), listed="the spec offers")
        raise InputError(document.mark(("profiles",) if known else ()).problem(message, choices))
    at: Place = ("profiles", name)
    try:
        profile = SpecProfile.model_validate(known[name])
    except pydantic.ValidationError as error:
        raise InputError(
            [
                document.mark((*at, *place), key="unknown key" in message).problem(message, help)
                for place, message, help in describe(error, SpecProfile)
            ]
        ) from None
    value = document.value
    value["name"] = f"{value.get('name')}-{name}"
    if profile.seeds is not None:
        value["seeds"] = list(profile.seeds)
    _leave_out(document, profile)
    for task in _entries(value, "tasks"):
        _replace(task.get("data"), profile.data.get(str(task.get("name")), {}))
        for shift in _entries(task, "shifts"):
            _keep_severities(shift, profile)
    for model in _entries(value, "models"):
        given = {**profile.models.get("*", {}), **profile.models.get(str(model.get("name")), {})}
        _replace(model, given)


def _replace(use: Any, parameters: dict[str, Any]) -> None:
    if parameters and isinstance(use, dict):
        use["with"] = {**use.get("with", {}), **parameters}


def _keep_severities(shift: dict[str, Any], profile: SpecProfile) -> None:
    given = shift.get("severity")
    if profile.severities is not None and isinstance(given, list) and len(given) > 1:
        kept = [severity for severity in given if severity in profile.severities]
        # A shift that has none of them keeps its strongest.
        shift["severity"] = kept or given[-1:]


def _leave_out(document: Document, profile: SpecProfile) -> None:
    filters = parsed_filters(profile.leave_out, _KEYS)

    def stays(key: str) -> Callable[[dict[str, Any]], bool]:
        return lambda entry: not matches(entry.get("name", entry.get("use")), filters.get(key, ()))

    _filter(document, ("tasks",), stays("task"))
    _filter(document, ("models",), stays("model"))
    for index, _ in enumerate(_entries(document.value, "tasks")):
        _filter(document, ("tasks", index, "shifts"), stays("shift"))


def _filter(document: Document, place: Place, stays: Callable[[dict[str, Any]], bool]) -> None:
    """Keep the entries of a list that stay, each with its marks."""
    held: Any = document.value
    for step in place[:-1]:
        held = held[step]
    entries = held.get(place[-1])
    if not isinstance(entries, list):
        return
    kept = [index for index, entry in enumerate(entries) if not isinstance(entry, dict) or stays(entry)]
    held[place[-1]] = [entries[index] for index in kept]
    depth = len(place)
    moved = {index: number for number, index in enumerate(kept)}
    marks = {}
    for at, mark in document.marks.items():
        if at[:depth] != place or len(at) == depth:
            marks[at] = mark
        elif at[depth] in moved:
            marks[(*place, moved[at[depth]], *at[depth + 1 :])] = mark  # type: ignore[index]
    document.marks = marks


def _entries(value: Any, key: str) -> list[dict[str, Any]]:
    entries = value.get(key)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
