"""The verb ``export``."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import click

from regharness.cli.console import print_json


@click.command()
@click.argument("folder", metavar="RUN")
@click.option("--model", required=True, metavar="M", help="Name of a model in the run's spec.")
@click.option("--format", "form", required=True, metavar="F", help="A format that the model offers, such as onnx.")
@click.option("--task", metavar="T", help="The task it was fitted for; the first one if left out.")
@click.option("--seed", type=int, metavar="S", help="The seed it was fitted with; the first one if left out.")
@click.option("-o", "--output", metavar="FILE", help="The file; never overwritten.  [default: <model>.<format>]")
@click.option("--json", "as_json", is_flag=True, help="Write the outcome as JSON.")
@click.pass_obj
def export(
    disabled: tuple[str, ...],
    folder: str,
    model: str,
    form: str,
    task: str | None,
    seed: int | None,
    output: str | None,
    as_json: bool,
) -> None:
    """Write a fitted model of RUN as a file that others read, and check that it predicts the same.

    The file is read back and predicts the identity test set; where it differs from the model there is no file,
    and the exit status is 3.
    """
    from regharness.catalog import load_catalog
    from regharness.export import export as export_model
    from regharness.run_folder import open_run

    target = None if output is None else Path(output)
    found = export_model(open_run(folder), load_catalog(disabled), model, form, task=task, seed=seed, output=target)
    if as_json:
        print_json({"schema_version": 1, **vars(found), "file": str(found.file)})
        return
    click.echo(f"{found.file}: model '{found.model}' of task '{found.task}' and seed {found.seed}, as {found.format}")
    if found.left_out:
        click.echo(f"without its uncertainty method '{found.left_out}': the file is the model inside")
    largest = max(found.differences.values())
    click.echo(
        f"it predicts {' and '.join(found.differences)} of the identity test set as the model does: "
        f"at most {largest:.1e} standard deviations of the targets apart"
    )
    click.echo("in a spec in its folder:")
    click.echo(_yaml([found.entry]), nl=False)


def _yaml(value: Any) -> str:
    from ruamel.yaml import YAML

    yaml, text = YAML(typ="rt", pure=True), io.StringIO()
    yaml.dump(value, text)
    return text.getvalue()
