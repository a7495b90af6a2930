"""Own where output goes: results on stdout or into a file, everything else on stderr. Renders nothing itself."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click


def print_json(value: Any, **rows: Iterable[Any]) -> None:
    """Write JSON, and nothing else, to stdout; NaN is refused, since JSON has none.

    Each of the `rows`, which may be many, is a list at the end of the mapping `value`, one line an element.
    """
    text = json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False)
    for name, elements in rows.items():
        # Indented JSON is written by Python, ten times as slowly.
        lines = ",\n    ".join(map(json.JSONEncoder(allow_nan=False, ensure_ascii=False).encode, elements))
        text = f'{text.removesuffix("}").rstrip()},\n  "{name}": [\n    {lines}\n  ]\n}}'
    click.echo(text)


def print_rich(*renderables: Any) -> None:
    """Show rich renderables on stdout; when that is no terminal as wide as a file, with long sentences whole."""
    from rich.console import Console

    from regharness.text_tables import PLAIN_WIDTH

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH
    console = Console(width=width)
    for renderable in renderables:
        console.print(renderable, crop=False)


def print_notes(notes: Iterable[str]) -> None:
    """Say on stderr which metrics no model of a task can have."""
    for note in notes:
        click.echo(f"warning: {note}", err=True)


def write_file(output: str, text: str) -> None:
    """Write what would go to stdout into a file, and say its name there.

    Raises
    ------
    InputError
        When it cannot be written.
    """
    from regharness.errors import InputError

    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}", help="choose another place") from None
    click.echo(output)
