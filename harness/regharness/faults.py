"""Say a pydantic fault in words a user can act on. Knows no file and no component."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pydantic
from pydantic_core import ErrorDetails

from regharness.errors import unknown_name

Place = tuple[str | int, ...]


def describe(error: pydantic.ValidationError, model: type[pydantic.BaseModel]) -> Iterator[tuple[Place, str, str]]:
    """Yield ``(place, message, help)`` for every fault of `error`, which checking against `model` raised."""
    for fault in error.errors():
        yield fault["loc"], *_words(fault, model)


def _words(fault: ErrorDetails, model: type[pydantic.BaseModel]) -> tuple[str, str]:
    place, kind = fault["loc"], fault["type"]
    if kind == "extra_forbidden":
        keys = _keys(model, place[:-1])
        message, choices = unknown_name("key", str(place[-1]), keys, listed="keys")
        return message.replace("no key named", "unknown key"), choices
    if kind == "missing":
        return f"'{place[-1]}' is missing", ""
    if kind == "value_error":
        return str(fault["ctx"]["error"]), ""
    if kind == "model_type":
        keys = _keys(model, place)
        remedy = f"write {{use: {fault['input']}}}" if keys[:1] == ["use"] and isinstance(fault["input"], str) else ""
        what = f"'{place[-1]}'" if place else "the whole"
        return f"{what} is a mapping of {', '.join(keys)}, not {fault['input']!r}", remedy
    given = "" if isinstance(fault["input"], (dict, list)) else f", not {fault['input']!r}"
    message = fault["msg"][0].lower() + fault["msg"][1:]
    return f"{'.'.join(map(str, place))}: {message}{given}", ""


def _keys(model: type[pydantic.BaseModel], place: Place) -> list[str]:
    """Keys of the model that `place` leads to, as the user writes them."""
    current: Any = model
    for step in place:
        if isinstance(step, str) and isinstance(current, type) and issubclass(current, pydantic.BaseModel):
            field = next((f for name, f in current.model_fields.items() if step in (name, f.alias)), None)
            if field is not None:
                current = _model_in(field.annotation)
    if not (isinstance(current, type) and issubclass(current, pydantic.BaseModel)):
        return []
    return [field.alias or name for name, field in current.model_fields.items()]


def _model_in(annotation: Any) -> Any:
    """The first model inside an annotation such as ``list[Model] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _model_in(part)
        if found is not None:
            return found
    return None
