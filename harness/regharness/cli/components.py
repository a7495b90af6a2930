"""The verbs ``list`` and ``show``: what is installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regharness.cli.console import print_json, print_rich
from regharness.cli.parameters import described, echo_parameters

if TYPE_CHECKING:
    from regharness.catalog import Catalog

KINDS = {
    "models": "model",
    "shifts": "shift",
    "data": "data",
    "metrics": "metric",
    "uncertainty": "uncertainty",
    "executors": "executor",
    "reports": "report",
}
TRAITS = (
    "shift_type",
    "severities",
    "levels",
    "level_meaning",
    "label_preserving",
    "needs",
    "direction",
    "needs_variance",
    "needs_quantiles",
    "dimension",
    "labels",
    "trainable",
)
"""What `show` tells of a component beside its description, where it has it."""
ENTRIES = {
    "model": "models: [{{name: ..., use: {}}}]",
    "data": "tasks: [{{name: ..., data: {{use: {}}}}}]",
    "shift": "of a task, shifts: [{{use: {}}}]",
    "uncertainty": "of a model, uncertainty: {{use: {}}}",
}
"""Where a spec names components of a kind."""


@click.command(name="list")
@click.argument("what", type=click.Choice([*KINDS, "plugins"]))
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def list_(disabled: tuple[str, ...], what: str, as_json: bool) -> None:
    """List what is installed, and who offers it."""
    from regharness.catalog import load_catalog

    catalog = load_catalog(disabled)
    rows = _plugins(catalog) if what == "plugins" else _components(catalog, KINDS[what])
    if as_json:
        print_json(rows)
    else:
        print_rich(_table(rows))


def _plugins(catalog: Catalog) -> list[dict[str, Any]]:
    plugins = catalog.plugins
    rows = [
        {
            "name": p.name,
            "distribution": p.distribution,
            "version": p.version,
            "state": "loaded",
            "offers": "",
        }
        for p in plugins.loaded.values()
    ]
    for row in rows:
        offers = [
            n for kind in KINDS.values() for n in catalog.names(kind) if catalog.owner(kind, n).name == row["name"]
        ]
        row["offers"] = ", ".join(offers[:6]) + (f" and {len(offers) - 6} more" if len(offers) > 6 else "")
        if row["name"] in plugins.broken:
            row["state"] = "broken"
    rows += [
        {"name": name, "distribution": "", "version": "", "state": "broken", "offers": reason}
        for name, reason in plugins.broken.items()
        if name not in plugins.loaded
    ]
    rows += [
        {"name": p.name, "distribution": p.distribution, "version": p.version, "state": "off", "offers": ""}
        for p in plugins.disabled.values()
    ]
    return rows


def _components(catalog: Catalog, kind: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "summary": catalog.component(kind, name).summary,
            "plugin": catalog.owner(kind, name).name,
            "distribution": catalog.owner(kind, name).distribution,
        }
        for name in catalog.names(kind)
    ]


def _table(rows: list[dict[str, Any]]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    # On a narrow terminal sentences are broken, not names; a plugin's distribution is in `list plugins`.
    columns = [*rows[0]] if rows else ["nothing"]
    if "summary" in columns:
        columns.remove("distribution")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in ("name", "plugin"))
    for row in rows:
        table.add_row(*(Text(str(row[column])) for column in columns))
    return table


@click.command()
@click.argument("name")
@click.option("--plot", is_flag=True, help="Of a shift: apply it at every severity, and show what it does.")
@click.option("-o", "--output", metavar="FILE", help="With --plot: draw a figure, .svg or .png.")
@click.option(
    "--data", metavar="SPEC[:TASK]", help="With --plot: shift these data.  [default: small data that fit the shift]"
)
@click.option("--seed", type=click.IntRange(min=0, max=2**32 - 1), help="With --plot: of the data.  [default: 0]")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def show(
    disabled: tuple[str, ...],
    name: str,
    plot: bool,
    output: str | None,
    data: str | None,
    seed: int | None,
    as_json: bool,
) -> None:
    """Explain a component: what it does, its parameters, its source.

    With --plot, show what a shift does to a test set: a row a severity with the distributions of GC content, motif
    content, target and noise, and how far each severity has moved them.
    """
    from regharness.catalog import TITLES, load_catalog
    from regharness.errors import InputError, unknown_name

    catalog = load_catalog(disabled)
    kinds = [kind for kind in KINDS.values() if name in catalog.names(kind)]
    if not kinds:
        everything = {known for kind in KINDS.values() for known in catalog.names(kind)}
        message, choices = unknown_name("component", name, everything)
        raise InputError(message, help=choices)
    for option, value in {"-o": output, "--data": data, "--seed": seed}.items():
        if value is not None and not plot:
            raise InputError(f"{option} goes with --plot", help=f"regharness show {name} --plot")
    if plot:
        if "shift" not in kinds:
            raise InputError(
                f"--plot shows what a shift does, and '{name}' is a {TITLES[kinds[0]]}",
                help="'regharness list shifts' names the shift operators",
            )
        from regharness.cli.portraits import show_portrait

        path = None if output is None else Path(output)
        show_portrait(catalog, name, data=data, seed=seed or 0, output=path, as_json=as_json)
        return
    found = [facts(catalog, kind, name) for kind in kinds]
    if as_json:
        print_json(found)
        return
    for fact in found:
        click.echo(f"{name}: {TITLES[fact['kind']]} of {fact['plugin']} ({fact['distribution']})")
        for text in (fact["summary"], fact["description"]):
            if text:
                click.echo(f"\n{text}")
        traits = {trait: value for trait, value in fact["traits"].items() if value not in ([], (), "", None)}
        if traits:
            click.echo()
        for trait, value in traits.items():
            shown = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
            click.echo(f"{trait}: {shown}")
        if fact["missing"]:
            click.echo(f"\nNot usable here: {fact['missing']}")
        if fact["citation"]:
            click.echo(f"\nSource: {fact['citation']}")
        if fact["kind"] in ENTRIES:
            needed = ", ".join(f"{one['name']}: ..." for one in fact["parameters"] if one["required"])
            given = f"{name}, with: {{{needed}}}" if needed else name
            click.echo(f"\nIn a spec: {ENTRIES[fact['kind']].format(given)}")
        if fact["parameters"]:
            click.echo("\nParameters:")
            echo_parameters(fact["parameters"])


def facts(catalog: Catalog, kind: str, name: str) -> dict[str, Any]:
    """What can be said of a component, as plain values."""
    import inspect

    from regharness.errors import InputError

    component, owner = catalog.component(kind, name), catalog.owner(kind, name)
    description, missing = "", ""
    traits: dict[str, Any] = {}
    try:
        catalog.require(kind, name)
        factory = catalog.factory(kind, name)
        # What a metric needs, and its direction, can hang on a level that it is made with.
        shown = catalog.create(kind, name) if kind == "metric" and not _required(catalog, kind, name) else factory
        home = factory if shown is factory else type(shown)
        # The parameters are listed from what checks them.
        description = (inspect.getdoc(home) or "").split("\n\nParameters\n---")[0] if inspect.isclass(home) else ""
        traits = {trait: getattr(shown, trait) for trait in TRAITS if hasattr(shown, trait)}
    except InputError as error:
        missing = str(error)
    return {
        "name": name,
        "kind": kind,
        "plugin": owner.name,
        "distribution": f"{owner.distribution} {owner.version}",
        "summary": component.summary,
        "description": description if description != component.summary else "",
        "citation": component.citation,
        "missing": missing,
        "traits": {name: sorted(value) if isinstance(value, frozenset) else value for name, value in traits.items()},
        "parameters": described(catalog.parameters(kind, name)) if component.parameters or not missing else [],
    }


def _required(catalog: Catalog, kind: str, name: str) -> bool:
    """Whether a component has parameters that must be given."""
    return any(field.is_required() for field in catalog.parameters(kind, name).model_fields.values())
