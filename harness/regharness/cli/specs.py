"""The verbs ``validate`` and ``schema``."""

from __future__ import annotations

import click

from regharness.cli.console import print_json


@click.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option("--json", "as_json", is_flag=True, help="Write the problems as JSON.")
@click.pass_obj
def validate(disabled: tuple[str, ...], specs: tuple[str, ...], as_json: bool) -> int:
    """Find every problem of each SPEC, with file, line and column. Reads no data; `plan` does."""
    from regharness.catalog import load_catalog
    from regharness.errors import InputError, Problem
    from regharness.spec_loading import load

    found: dict[str, list[Problem]] = {}
    for spec in specs:
        try:
            load(spec, load_catalog(disabled))
            found[spec] = []
        except InputError as error:
            found[spec] = list(error.problems)
    problems = [problem for one in found.values() for problem in one]
    if as_json:
        print_json(
            [{"spec": spec, "valid": not one, "problems": [vars(p) for p in one]} for spec, one in found.items()]
        )
        return 2 if problems else 0
    for spec, one in found.items():
        if not one:
            click.echo(f"{spec}: valid")
    if problems:
        raise InputError(problems)
    return 0


@click.command()
@click.option(
    "--kind",
    type=click.Choice(["spec", "leaderboard", "matrix", "comparison", "log", "submission", "card"]),
    default="spec",
    show_default=True,
    help="Of a spec, of the JSON that `leaderboard` (by model, or by shift or severity) and `compare` write, of a "
    "line of a run's log.jsonl, or of a submission's manifest.json or its model card.",
)
@click.pass_obj
def schema(disabled: tuple[str, ...], kind: str) -> None:
    """Write a JSON Schema: by default that of a spec, with every installed component's parameters.

    An editor with a YAML language server reads it from a first line such as
    `# yaml-language-server: $schema=regharness.schema.json`.
    """
    if kind == "log":
        from regharness.events import log_schema

        print_json(log_schema())
        return
    if kind in ("submission", "card"):
        from regharness.submission.manifest import card_schema, manifest_schema

        print_json(manifest_schema() if kind == "submission" else card_schema())
        return
    if kind != "spec":
        from regharness.board_schema import board_schema

        print_json(board_schema(kind))
        return
    from regharness.catalog import load_catalog
    from regharness.spec_schema import spec_schema

    print_json(spec_schema(load_catalog(disabled)))
