"""Own how a spec's ``with`` mapping becomes checked parameters. Knows no component."""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import pydantic
from pydantic import AfterValidator, ConfigDict, ValidationInfo


class Parameters(pydantic.BaseModel):
    """Base of a component's parameters: unknown keys, NaN and infinity are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _find(path: Path, info: ValidationInfo) -> Path:
    base = (info.context or {}).get("base", Path())
    found = Path(os.path.normpath(base / path.expanduser()))
    if not found.is_file():
        raise ValueError(f"{found} is a folder, not a file" if found.is_dir() else f"no file at {found}")
    return found


InputFile = Annotated[Path, AfterValidator(_find)]
"""A file that a component reads: relative to the spec, must exist, and its sha256 is part of the cell key."""


def from_signature(factory: Callable[..., Any]) -> type[Parameters]:
    """Read a parameters model off a typed signature; ``Path`` parameters are input files.

    Raises
    ------
    TypeError
        When a parameter has no type, or the signature takes ``*args`` or ``**kwargs``.
    """
    target = factory.__init__ if inspect.isclass(factory) else factory
    if target is object.__init__ or getattr(target, "__module__", "") == "typing":
        # A class without __init__ of its own, a Protocol's subclass among them, takes no parameter.
        return pydantic.create_model(factory.__name__, __base__=Parameters)
    hints = get_type_hints(target, include_extras=True)
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(factory).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or name not in hints:
            raise TypeError(f"parameter '{name}' needs a name and a type, so that a spec can be checked")
        hint = InputFile if hints[name] is Path else hints[name]
        fields[name] = (hint, ... if parameter.default is parameter.empty else parameter.default)
    return pydantic.create_model(getattr(factory, "__name__", "factory"), __base__=Parameters, **fields)


def input_files(value: Any, *place: str) -> Iterator[tuple[str, Path]]:
    """Every file named anywhere in dumped parameters, with the names and numbers that lead to it, dotted."""
    if isinstance(value, Path):
        yield ".".join(place), value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from input_files(part, *place, str(name))
    elif isinstance(value, (list, tuple, set, frozenset)):
        for index, part in enumerate(value):
            yield from input_files(part, *place, str(index))


def file_digest(path: Path) -> str:
    """Sha256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
