"""A run as one self-contained HTML file."""

from typing import TYPE_CHECKING

from regharness import Component, hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def regharness_reports() -> dict[str, Component]:
    """Offer ``html``."""
    return {
        "html": Component(
            "regharness_report.html:HtmlReport",
            summary="One HTML file with tables and figures; needs no network and runs no script.",
        )
    }


@hookimpl
def regharness_commands(cli: "click.Group") -> None:
    """Add ``regharness report``."""
    from regharness_report.command import report

    cli.add_command(report)
