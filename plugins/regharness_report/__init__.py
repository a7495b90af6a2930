"""Pages: a run as one self-contained HTML file, and submissions as a static site."""

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
            summary="One HTML file with tables and figures; needs no network.",
        )
    }


@hookimpl
def regharness_commands(cli: "click.Group") -> None:
    """Add ``regharness report`` and ``regharness site``."""
    from regharness_report.command import report
    from regharness_report.site_command import site

    cli.add_command(report)
    cli.add_command(site)
