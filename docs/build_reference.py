"""Write ``docs/reference``: commands, hooks, Python names, and a page a kind of component. Run by ``make docs``.

All of it is read from the program: nothing in the folder is written by hand, and a test says when it is out of date.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

import regharness
from regharness import hookspecs
from regharness.catalog import HOOKS, Catalog, load_catalog
from regharness.cli import cli
from regharness.cli.components import KINDS, facts
from regharness.discovery import own_plugins_only

WRITTEN = "Written by `make docs`.\n"
WIDTH = 100
TITLES = {
    "models": ("Models", "`use` of an entry in `models`."),
    "shifts": (
        "Shifts",
        "`use` of an entry in a task's `shifts`. [Each has a page](../shifts/README.md).",
    ),
    "data": ("Data", "`use` of a task's `data`."),
    "metrics": (
        "Metrics",
        "Names in `metrics`, or `{use: NAME, with: {...}}`. [Formulas](../metrics.md).",
    ),
    "uncertainty": ("Uncertainty methods", "`use` of a model's `uncertainty`."),
    "executors": ("Executors", "`use` of `executor` in a spec's `run`."),
    "reports": ("Reports", "Files that every run writes; nothing has to be said for them."),
}


def pages(catalog: Catalog) -> dict[str, str]:
    """Every page by its name."""
    return {
        "README.md": index(),
        "commands.md": commands(catalog),
        "hooks.md": hooks(),
        "python.md": python(),
        **{f"{plural}.md": components(catalog, plural) for plural in KINDS},
    }


def index() -> str:
    """The page that links the others."""
    lines = [f"- [{title}]({plural}.md)" for plural, (title, _) in TITLES.items()]
    fixed = ["- [Commands](commands.md)", "- [Hooks](hooks.md), for plugins", "- [Names of the package](python.md)"]
    return "\n".join(["# Reference", "", WRITTEN, *fixed, *lines]) + "\n"


def commands(catalog: Catalog) -> str:
    """Every verb with what its ``--help`` says."""
    lines = ["# Commands", "", WRITTEN]
    for name, command in verbs(catalog):
        context = click.Context(
            command, info_name=name, max_content_width=WIDTH, terminal_width=WIDTH, **cli.context_settings
        )
        lines += [f"## {name}", "", "```text", command.get_help(context), "```", ""]
    return "\n".join(lines)


def verbs(catalog: Catalog) -> Iterator[tuple[str, click.Command]]:
    """The program and its verbs, those of groups too, as they are called."""
    whole = click.Group("regharness", commands=dict(cli.commands), params=cli.params, help=cli.help)
    plugged = click.Group()
    catalog.add_commands(plugged)
    whole.commands.update(plugged.commands)
    yield from _below("regharness", whole)


def _below(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for verb in sorted(command.commands):
            yield from _below(f"{name} {verb}", command.commands[verb])


def hooks() -> str:
    """The hooks with their arguments and contracts."""
    lines = ["# Hooks", "", WRITTEN, "What a plugin can implement. [plugins.md](../plugins.md) shows how.", ""]
    lines += [_plain(inspect.getdoc(hookspecs) or "").split("\n\n", 1)[1], ""]
    for name, hook in vars(hookspecs).items():
        if name.startswith("regharness_"):
            arguments = ", ".join(inspect.signature(hook).parameters)
            kind = next((kind for kind, collecting in HOOKS.items() if collecting == name), None)
            plural = next((plural for plural, one in KINDS.items() if one == kind), None)
            lines += [f"## {name}({arguments})", "", _plain(inspect.getdoc(hook) or ""), ""]
            lines += [f"[Those that are installed]({plural}.md)", ""] if plural else []
    return "\n".join(lines)


def python() -> str:
    """The public names of the package with their signatures and docstrings."""
    lines = ["# Names of the package", "", WRITTEN, "`import regharness as rh`", ""]
    for name in regharness.__all__:
        value = getattr(regharness, name)
        shown = f"{name}{inspect.signature(value)}" if inspect.isfunction(value) else name
        lines += [f"## {name}", "", "```python", _short(shown), "```", "", *_docstring(value), ""]
        lines += _methods(value) if inspect.isclass(value) and name == "Run" else []
    return "\n".join(lines)


def _short(signature: str) -> str:
    """A signature without modules of its types, quotes of names that are lazy, and addresses of default functions."""
    signature = re.sub(r"<function .*? at 0x[0-9a-f]+>", "...", signature)
    return re.sub(r"(?:[a-z_]+\.)+(?=[A-Z])", "", signature).replace("'", "")


def _docstring(value: Any) -> list[str]:
    text = inspect.getdoc(value) if value.__module__.startswith("regharness") else None
    return ["```text", text, "```"] if text else []


def _methods(kind: type) -> list[str]:
    lines = ["| of a run | |", "|---|---|"]
    for name, member in vars(kind).items():
        text = inspect.getdoc(member)
        if not name.startswith("_") and text:
            call = "()" if inspect.isfunction(member) else ""
            lines.append(f"| `{name}{call}` | {_plain(text.splitlines()[0])} |")
    return [*lines, ""]


def components(catalog: Catalog, plural: str) -> str:
    """A kind of component: each with what it does, its parameters and its source."""
    title, use = TITLES[plural]
    lines = [f"# {title}", "", WRITTEN, use, ""]
    for name in catalog.names(KINDS[plural]):
        told = facts(catalog, KINDS[plural], name)
        lines += [f"## {name}", "", told["summary"], ""]
        lines += [_plain(told["description"]), ""] if told["description"] else []
        lines += [f"Source: {told['citation']}", ""] if told["citation"] else []
        lines += [*_parameters(told["parameters"]), ""] if told["parameters"] else []
    return "\n".join(lines)


def _parameters(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["| parameter | type | default | |", "|---|---|---|---|"]
    for name, row in _named(rows):
        default = "required" if row["required"] else f"`{row['default']}`"
        cells = (f"`{name}`", f"`{row['type']}`", default, row["description"])
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return lines


def _named(rows: list[dict[str, Any]], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for row in sorted(rows, key=lambda row: not row["required"]):
        yield above + row["name"], row
        for keys in row["keys"].values():
            yield from _named(keys, f"{above}{row['name']}.")


def _plain(text: str) -> str:
    """A docstring as Markdown: literals and names alike in single backticks."""
    return text.replace("``", "`")


def build(folder: Path) -> None:
    """Write every page into `folder`, and take away what is none."""
    folder.mkdir(exist_ok=True)
    with own_plugins_only():
        written = pages(load_catalog())
    for stale in folder.glob("*.md"):
        if stale.name not in written:
            stale.unlink()
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8")
        print(name)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
