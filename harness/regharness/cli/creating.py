"""The verb ``new``."""

from __future__ import annotations

from pathlib import Path

import click

from regharness.cli.group import RegharnessGroup

KINDS = ("model", "shift", "data", "metric", "uncertainty", "executor", "report", "command", "observer")


@click.group(cls=RegharnessGroup)
def new() -> None:
    """Start something of your own."""


@new.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), default="model", show_default=True, help="What the plugin offers.")
@click.option("-o", "--output", metavar="FOLDER", help="Where to write it; it must not exist.  [default: NAME]")
@click.pass_obj
def plugin(disabled: tuple[str, ...], name: str, kind: str, output: str | None) -> None:
    """Write a plugin called NAME that works as it is, for you to change.

    It is a distribution of its own, with an entry point, one part, tests that hold it to the contract of its kind, a
    spec that uses it, and a README.
    """
    from regharness.catalog import load_catalog
    from regharness.new_plugin import write_plugin

    folder = Path(output if output is not None else name)
    for file in write_plugin(name, kind, folder, load_catalog(disabled)):
        click.echo(file)
    click.echo(f'next: pip install --editable "{folder}[test]"; pytest {folder}; regharness run {folder}/example.yaml')
