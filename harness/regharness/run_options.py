"""Own how a run's executor is chosen and whether it can do what is asked of it. Runs nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pydantic

from regharness.catalog import Catalog
from regharness.errors import InputError, Problem
from regharness.faults import describe
from regharness.spec import RunEntry, Use

Fault = tuple[tuple[str | int, ...], str, str]
"""Where in the ``run`` entry something is wrong, what, and the remedy."""


def executor_faults(
    use: str, given: Mapping[str, Any], run: Mapping[str, Any], catalog: Catalog, base: Path = Path()
) -> Iterator[Fault]:
    """Find what is wrong with an executor that is installed.

    Parameters
    ----------
    use, given
        Its name, and what its ``with`` says.
    run
        The entry that names it, as far as it is written: ``workers`` and ``cell_time_limit`` count.
    catalog
        What is installed.
    base
        What files are relative to.
    """
    if "workers" in given:
        yield ("executor", "with", "workers"), "the number of workers is said beside 'executor'", "run: {workers: 2}"
        return
    workers = run.get("workers", 1)
    if not isinstance(workers, int) or isinstance(workers, bool) or not 1 <= workers <= 1024:
        workers = 1
    try:
        parameters = catalog.check("executor", use, {**given, "workers": workers}, base)
    except pydantic.ValidationError as error:
        for place, message, help in describe(error, catalog.parameters("executor", use)):
            if place == ("workers",):
                able = [name for name in _usable(catalog) if _takes(name, workers, catalog)]
                yield ("workers",), f"executor '{use}' cannot use {workers} workers", _those(able)
            else:
                yield ("executor", "with", *place), message, help
        return
    if run.get("cell_time_limit") is not None and not _enforces(catalog.build("executor", use, parameters)):
        able = [name for name in _usable(catalog) if _enforces(catalog.create("executor", name))]
        yield ("cell_time_limit",), f"executor '{use}' cannot stop a cell that takes too long", _those(able)


def _default_workers(use: str, given: Mapping[str, Any], catalog: Catalog) -> int | None:
    """Workers for a run that does not say how many: the processors, where the executor starts workers here."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    elsewhere = any(given.get(place) is not None for place in ("scheduler", "cluster"))
    return count if count > 1 and not elsewhere and _takes(use, count, catalog) else None


def changed(
    entry: RunEntry,
    catalog: Catalog,
    *,
    executor: str | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    device: str | None = None,
) -> RunEntry:
    """The entry with what a command line, or a Python call, says in its place.

    Raises
    ------
    InputError
        When the executor is not there, or cannot do it.
    """
    use, given = _with_scheduler(_chosen(entry.executor, executor), executor, scheduler, catalog)
    catalog.require("executor", use)
    run = entry.model_dump(by_alias=True, exclude_unset=True)
    run.update({key: value for key, value in (("workers", workers), ("device", device)) if value is not None})
    if "workers" not in run:
        most = _default_workers(use, given, catalog)
        run.update({} if most is None else {"workers": most})
    faults = list(executor_faults(use, given, run, catalog))
    if faults:
        raise InputError([Problem(message, where=_named(place, use), help=help) for place, message, help in faults])
    return RunEntry.model_validate({**run, "executor": {"use": use, "with": given}})


def _chosen(own: Use, executor: str | None) -> Use:
    return own if executor in (None, own.use) else Use(use=str(executor))


def _with_scheduler(
    chosen: Use, executor: str | None, scheduler: str | None, catalog: Catalog
) -> tuple[str, dict[str, Any]]:
    """The executor that is to connect to a scheduler: the chosen one, or the only one that can."""
    if scheduler is None:
        return chosen.use, dict(chosen.with_)
    able = [
        name for name in catalog.names("executor") if "scheduler" in catalog.parameters("executor", name).model_fields
    ]
    if chosen.use in able:
        return chosen.use, {**chosen.with_, "scheduler": scheduler}
    if executor is None and len(able) == 1:
        return able[0], {"scheduler": scheduler}
    raise InputError(f"executor '{chosen.use}' connects to no scheduler", help=_those(able))


def _usable(catalog: Catalog) -> Iterator[str]:
    """Executors whose packages are installed and whose parameters can be read."""
    for name in catalog.names("executor"):
        try:
            catalog.require("executor", name)
            catalog.create("executor", name)
        except InputError:
            continue
        yield name


def _takes(use: str, workers: int, catalog: Catalog) -> bool:
    try:
        catalog.check("executor", use, {"workers": workers}, Path())
    except (pydantic.ValidationError, InputError):
        return False
    return True


def _those(names: list[str]) -> str:
    return f"executors that can: {', '.join(names) or 'none is installed'}"


def _named(place: tuple[str | int, ...], use: str) -> str:
    inner = [str(step) for step in place if step not in ("executor", "with")]
    return ".".join([f"executor '{use}'", *inner]) if place[0] == "executor" else ""


def _enforces(executor: Any) -> bool:
    return bool(getattr(executor, "enforces_limit", False))
