"""Whether the claims of Yang (2026) come out. Importing it is cheap."""

from typing import TYPE_CHECKING

from regharness import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def regharness_commands(cli: "click.Group") -> None:
    """Add ``regharness reproduce``."""
    from regharness_paper.command import reproduce

    cli.add_command(reproduce)
