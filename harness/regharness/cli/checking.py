"""The verb ``doctor``: whether the installation works, and whether a run is as it was stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from regharness.cli.console import print_json

if TYPE_CHECKING:
    from regharness.checkup import Checkup

MOST_SHOWN = 20


@click.command()
@click.argument("folder", metavar="[RUN]", required=False)
@click.option("--cell", metavar="TASK/MODEL/SHIFT/SEED", help="Of RUN: tell how one cell came about instead.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def doctor(disabled: tuple[str, ...], folder: str | None, cell: str | None, as_json: bool) -> int:
    """Check the installation, or everything that RUN has stored.

    Of the installation: versions, frameworks, devices; plugins, who distributes them, and why one failed. Of a run:
    which cells are missing, torn or corrupt; the next `regharness run` computes exactly those again.
    """
    from regharness.errors import InputError

    if folder is None:
        if cell is not None:
            raise InputError("--cell goes with a run's folder", help="regharness doctor RUN --cell ...")
        return _check_installation(disabled, as_json)
    return _check_run(folder, as_json) if cell is None else _explain_cell(folder, cell, as_json)


def _explain_cell(folder: str, cell: str, as_json: bool) -> int:
    from regharness.cell_provenance import provenance_lines, provenance_of
    from regharness.checkup import last_record
    from regharness.run_folder import open_run

    run = open_run(folder)
    record = last_record(run, cell)
    found = provenance_of(run.folder, record)
    if as_json:
        print_json(found)
    else:
        for line in provenance_lines(found):
            click.echo(line)
    return 0


def _check_run(folder: str, as_json: bool) -> int:
    from regharness.checkup import check_up
    from regharness.run_folder import open_run
    from regharness.run_lock import held
    from regharness.storage_faults import in_archive

    run = open_run(folder)
    if in_archive(run.folder):
        found = check_up(run, marking=False)
    else:
        with held(run.folder):
            found = check_up(run, marking=True)
    if as_json:
        print_json(_plain(str(run.folder), found))
    else:
        _show_checkup(str(run.folder), found)
    return 1 if found.damages or found.states["damaged"] else 0


def warn_of_damage(found: Checkup) -> int:
    """Say on stderr what is damaged and was not scored; the status to exit with."""
    damaged = found.states["damaged"]
    if damaged:
        click.echo(
            f"warning: {damaged} cells are damaged and not scored: 'regharness doctor' lists them, and "
            "'regharness run' of the spec computes them again",
            err=True,
        )
    return 1 if damaged else 0


def _plain(folder: str, found: Checkup) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "folder": folder,
        "cells": found.states,
        "waiting": found.waiting,
        "damaged": [
            {"task": task, "model": model, "shift": shift, "seed": seed}
            for task, model, shift, seed in found.damaged_cells
        ],
        "damages": [
            {"task": one.task, "what": one.what, "name": list(one.name), "file": one.file, "reason": one.reason}
            for one in found.damages
        ],
    }


def _show_checkup(folder: str, found: Checkup) -> None:
    click.echo(f"{folder}: " + ", ".join(f"{count} {state}" for state, count in found.states.items()) + " cells")
    for one in found.damages[:MOST_SHOWN]:
        named = f"{one.what} {', '.join(map(str, one.name))}: " if one.name else f"task {one.task}: "
        click.echo(f"  {one.reason}: {named}{one.file}")
    if len(found.damages) > MOST_SHOWN:
        click.echo(f"  and {len(found.damages) - MOST_SHOWN} more; --json lists all")
    if found.waiting:
        click.echo(f"{found.waiting} finished cells and test sets wait to be moved into the cubes")
    if found.damages:
        click.echo("the next 'regharness run' of its spec computes what is damaged again, and nothing else")
    elif found.states["missing"] or found.states["failed"] or found.waiting:
        click.echo("nothing stored is damaged; 'regharness run' of its spec goes on from here")
    else:
        click.echo("no problem found")


def _check_installation(disabled: tuple[str, ...], as_json: bool) -> int:
    """Versions, frameworks, devices, plugins and what is wrong with them."""
    from regharness.catalog import load_catalog
    from regharness.provenance import devices, execution_providers
    from regharness.provenance import facts as versions

    catalog = load_catalog(disabled)
    plugins = catalog.plugins
    report = {
        **versions(plugins),
        "devices": devices(),
        "execution_providers": execution_providers(),
        "installed_plugins": [
            {
                "name": plugin.name,
                "distribution": plugin.distribution,
                "version": plugin.version,
                "own": plugin.own,
                "state": plugins.state(plugin),
            }
            for plugin in plugins.installed
        ],
        "broken_plugins": plugins.broken,
        "switched_off": sorted(plugins.disabled),
        "clashes": {f"{kind} {name}": owners for (kind, name), owners in catalog.clashes.items()},
    }
    if as_json:
        print_json(report)
    else:
        _show_report(report)
    return 1 if plugins.broken or catalog.clashes else 0


def _show_report(report: dict[str, Any]) -> None:
    click.echo(f"regharness {report['regharness']}, Python {report['python']}, {report['platform']}")
    click.echo(f"cpus: {report['cpus']}; devices: {', '.join(report['devices'])}")
    if report["execution_providers"]:
        click.echo(f"execution providers of ONNX Runtime: {', '.join(report['execution_providers'])}")
    click.echo("libraries: " + ", ".join(f"{name} {version}" for name, version in report["libraries"].items()))
    _show_plugins(report["installed_plugins"])
    for name, reason in report["broken_plugins"].items():
        click.echo(f"  {name}: not usable: {reason}")
    for name, owners in report["clashes"].items():
        click.echo(f"  clash: {name} is offered by {' and '.join(owners)}; switch one off with -p no:{owners[-1]}")
    if not report["broken_plugins"] and not report["clashes"]:
        click.echo("no problem found")


def _show_plugins(plugins: list[dict[str, Any]]) -> None:
    """Every plugin with who distributes it: whoever that is has run code in this process, unless it is off."""
    for own, title in ((True, "regharness's own plugins:"), (False, "plugins of third parties, which run code:")):
        found = [plugin for plugin in plugins if plugin["own"] == own]
        if found or own:
            click.echo(title)
        for plugin in found:
            state = {"loaded": "", "off": ": switched off", "broken": ": broken, see below"}[plugin["state"]]
            click.echo(f"  {plugin['name']} ({plugin['distribution']} {plugin['version']}){state}")
