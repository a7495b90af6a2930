"""Own how a plugin describes one thing that a spec can name. Imports no framework and builds nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Component:
    """A lazy factory and what can be said about it before it is built.

    Parameters
    ----------
    factory
        ``"package.module:Name"``, imported when a spec first needs it, or the callable itself.
        Called with the spec's ``with`` mapping as keywords.
    parameters
        A subclass of `regharness.Parameters`, or where to import it from; it must import no framework.
        Left out, the parameters are read from the factory's own typed signature, which imports it.
    summary
        One sentence for ``regharness list`` and ``regharness show``.
    citation
        Paper or standard behind the component.
    requires
        Importable packages that the factory needs, such as ``("torch",)``; looked for before a run starts.
    extra
        What to install when one of `requires` is missing, such as ``"regharness[torch]"``.
    default
        For metrics: part of ``metrics: default``.
    pictured
        For metrics that give a curve: reports draw it whether or not a spec names it.
    """

    factory: str | Callable[..., Any]
    parameters: str | type | None = None
    summary: str = ""
    citation: str = ""
    requires: tuple[str, ...] = ()
    extra: str = ""
    default: bool = False
    pictured: bool = False
