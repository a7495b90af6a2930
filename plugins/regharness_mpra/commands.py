"""The verbs ``regharness data list``, ``fetch`` and ``path``."""

from __future__ import annotations

import json

import click


@click.group()
def data() -> None:
    """Published data sets: what there is, download, where the files are."""


@data.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def list_(as_json: bool) -> None:
    """List the data sets with licence and citation."""
    from regharness_mpra.registry import DATA_SETS

    rows = [
        {
            "name": one.name,
            "summary": one.summary,
            "licence": one.licence,
            "citation": one.citation,
            "source": f"https://github.com/{one.repository}",
            "here": all(one.local(file) is not None for file in one.files),
        }
        for one in DATA_SETS.values()
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo(f"{row['name']}: {row['summary']} ({'here' if row['here'] else 'not fetched yet'})")
        click.echo(f"  licence {row['licence']}; cite {row['citation']}; {row['source']}")


@data.command()
@click.argument("name")
def fetch(name: str) -> None:
    """Download data set NAME into the cache and check it."""
    from regharness_mpra.registry import published

    one = published(name)
    click.echo(f"{one.name}: licence {one.licence}; cite {one.citation}", err=True)
    for file in one.files:
        click.echo(one.file(file))


@data.command()
@click.argument("name")
def path(name: str) -> None:
    """Print where the files of data set NAME are; downloads nothing."""
    from regharness import InputError
    from regharness_mpra.registry import published

    one = published(name)
    for file in one.files:
        found = one.local(file)
        if found is None:
            raise InputError(f"{name}: {file} is not here", help=f"regharness data fetch {name}")
        click.echo(found)
