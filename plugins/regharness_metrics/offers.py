"""Own how a metric of this plugin is described to the catalog. Imports none."""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any

from regharness import Component


def metric(
    home: str,
    summary: str,
    citation: str = "",
    *,
    given: tuple[Any, ...] = (),
    default: bool = False,
    pictured: bool = False,
    parameters: str = "",
) -> Component:
    """Describe ``regharness_metrics.<home>`` ("module:Class").

    It is built with `given`, such as a level, or takes what ``regharness_metrics.parameters:<parameters>`` checks.
    """
    return Component(
        partial(_build, home, *given) if given else f"regharness_metrics.{home}",
        parameters=f"regharness_metrics.parameters:{parameters}" if parameters else "regharness:Parameters",
        summary=summary,
        citation=citation,
        default=default,
        pictured=pictured,
    )


def _build(home: str, *given: Any) -> Any:
    module, name = home.split(":")
    return getattr(importlib.import_module(f"regharness_metrics.{module}"), name)(*given)
