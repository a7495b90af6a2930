"""Own how a component's parameters are told to a user. Checks none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, get_args

import click

if TYPE_CHECKING:
    from regharness.parameters import Parameters


def described(model: type[Parameters]) -> list[dict[str, Any]]:
    """Each parameter as plain values; one that is a mapping has the parameters of its kinds under ``keys``."""
    import json

    rows = []
    for name, field in model.model_fields.items():
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        rows.append(
            {
                "name": field.alias or name,
                "type": _type_name(field.annotation),
                "required": field.is_required(),
                "default": json.loads(json.dumps(default, default=str)),
                "description": field.description or "",
                "keys": {part.__name__: described(part) for part in _mappings(field.annotation)},
            }
        )
    return rows


def echo_parameters(rows: list[dict[str, Any]], indent: str = "  ") -> None:
    """Print what `described` gave, what is required first."""
    for row in sorted(rows, key=lambda row: not row["required"]):
        default = "required" if row["required"] else f"default {row['default']}"
        click.echo(f"{indent}{row['name']}: {row['type']}, {default}")
        if row["description"]:
            click.echo(f"{indent}    {row['description']}")
        for kind, keys in row["keys"].items():
            click.echo(f"{indent}    {kind}:")
            echo_parameters(keys, indent + " " * 6)


def _mappings(annotation: Any) -> Iterator[type[Parameters]]:
    """Models that a value of this type can be, or hold."""
    from regharness.parameters import Parameters

    if isinstance(annotation, type) and issubclass(annotation, Parameters):
        yield annotation
    for part in get_args(annotation):
        yield from _mappings(part)


def _type_name(annotation: Any) -> str:
    """A type as a user reads it: ``file``, ``'none' | 'gc'``, ``list[str]``."""
    from pathlib import Path
    from types import UnionType
    from typing import Annotated, Literal, Union, get_origin

    from regharness.parameters import InputFile

    origin, parts = get_origin(annotation), get_args(annotation)
    if annotation in (InputFile, Path):
        return "file"
    if annotation is type(None):
        return "none"
    if origin is Annotated:
        return _type_name(parts[0])
    if origin is Literal:
        return " | ".join(map(repr, parts))
    if origin in (Union, UnionType):
        return " | ".join(map(_type_name, parts))
    name = getattr(origin or annotation, "__name__", str(annotation))
    return f"{name}[{', '.join(map(_type_name, parts))}]" if parts else name
