"""Own parameters that name another component, such as the parts of a composition. Builds no component."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pydantic
from pydantic import Field, ValidationInfo, field_validator

from regharness.errors import InputError
from regharness.faults import describe
from regharness.parameters import Parameters


class NestedUse(Parameters):
    """A component and its parameters, inside another component's parameters; both are checked with the spec.

    Subclasses set `kind`.
    """

    kind: ClassVar[str]

    use: str = Field(description="Name of an installed component; `regharness list` shows them.")
    with_: dict[str, Any] = Field(default={}, alias="with", validate_default=True, description="Its parameters.")

    @field_validator("use")
    @classmethod
    def _installed(cls, use: str, info: ValidationInfo) -> str:
        try:
            _context(info)["catalog"].require(cls.kind, use)
        except InputError as error:
            raise ValueError("; ".join(_sentence(p.message, p.help) for p in error.problems)) from None
        return use

    @field_validator("with_")
    @classmethod
    def _complete(cls, given: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        use = info.data.get("use")
        if use is None:
            return given
        catalog, base = _context(info)["catalog"], _context(info)["base"]
        try:
            resolved: dict[str, Any] = catalog.check(cls.kind, use, given, base).model_dump(by_alias=True)
        except pydantic.ValidationError as error:
            faults = describe(error, catalog.parameters(cls.kind, use))
            parts = [_sentence(f"{'.'.join(map(str, place))}: {message}", help) for place, message, help in faults]
            raise ValueError(f"{use}: " + "; ".join(parts)) from None
        return resolved


class ShiftUse(NestedUse):
    """A shift operator inside another component's parameters."""

    kind: ClassVar[str] = "shift"

    severity: int | None = Field(
        default=None, ge=1, description="The part's own severity; that of the whole if left out."
    )


def nested_uses(value: Any) -> Iterator[NestedUse]:
    """Every component that parameters name, at any depth."""
    if isinstance(value, NestedUse):
        yield value
    if isinstance(value, Parameters):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ():
        yield from nested_uses(part)


def _context(info: ValidationInfo) -> dict[str, Any]:
    if not info.context or "catalog" not in info.context:
        raise ValueError("a component can be named only where a catalog checks it")
    return dict(info.context)


def _sentence(message: str, help: str) -> str:
    return f"{message} ({help})" if help else message
