"""Show where the time of a run went, as tables of a terminal. Measures nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regharness.profiling import Profile

MODELS = WORKERS = 10
"""As many are shown, so that a large run's profile is read at a glance; ``--json`` has all."""


def tables(profile: Profile) -> list[Any]:
    """What `regharness.cli.console.print_rich` shows: stages, the slowest models, the workers."""
    shown = [_stages(profile)]
    if profile.models:
        shown.append(_models(profile))
    if len(profile.busy) > 1:
        shown.append(_workers(profile))
    return shown


def _table(title: str, *columns: str) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right", no_wrap=index > 0)
    return table


def _stages(profile: Profile) -> Any:
    from rich.markup import escape

    many = f" x {profile.workers} workers" if profile.workers > 1 else ""
    table = _table(f"where the time went: {profile.wall_seconds:.2f} s{many}", "stage", "seconds", "share", "calls")
    for row in sorted(profile.stages, key=lambda row: (row.where == "other", -(row.share or 0.0))):
        share = "beside" if row.share is None else f"{row.share:.1%}"
        table.add_row(escape(row.stage), f"{row.seconds:.2f}", share, "" if row.calls is None else f"{row.calls:,}")
    return table


def _models(profile: Profile) -> Any:
    from rich.markup import escape

    title = "models" if len(profile.models) <= MODELS else f"the slowest {MODELS} of {len(profile.models)} models"
    table = _table(title, "model", "cells", "seconds", "most of it", "slowest cell", "its seconds")
    for found in profile.models[:MODELS]:
        stage, took = max(found.stages.items(), key=lambda item: item[1])
        most = f"{stage} {took / found.seconds:.0%}" if found.seconds else ""
        slowest = f"{found.slowest['task']}: {found.slowest['shift']}, seed {found.slowest['seed']}"
        table.add_row(
            escape(found.model),
            f"{found.cells:,}",
            f"{found.seconds:.2f}",
            most,
            escape(slowest),
            f"{found.slowest['seconds']:.2f}",
        )
    return table


def _workers(profile: Profile) -> Any:
    from rich.markup import escape

    busy = sorted(profile.busy, key=lambda found: -found.share)
    title = f"{len(busy)} workers" if len(busy) <= WORKERS else f"the busiest {WORKERS} of {len(busy)} workers"
    table = _table(title, "worker", "cells", "busy", "share", "examples/s")
    for found in busy[:WORKERS]:
        rate = found.examples / found.seconds if found.seconds else 0.0
        table.add_row(
            escape(found.worker), f"{found.cells:,}", f"{found.seconds:.2f} s", f"{found.share:.1%}", f"{rate:,.0f}"
        )
    return table
