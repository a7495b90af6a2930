"""The verb ``regharness reproduce``."""

from __future__ import annotations

import click


@click.command()
@click.argument("folder", metavar="[RUN]", default="runs/paper")
@click.option("--executor", metavar="NAME", help="What runs the cells, in place of the spec's.")
@click.option("--workers", type=int, metavar="N", help="How many compute at once.")
@click.option("--device", metavar="D", help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--format", "form", type=click.Choice(["table", "markdown", "json"]), default="table", show_default=True)
@click.option("--json", "form", flag_value="json", help="Short for --format json.")
@click.pass_obj
def reproduce(
    disabled: tuple[str, ...], folder: str, executor: str | None, workers: int | None, device: str | None, form: str
) -> int:
    """Hold the claims of Yang (2026, arXiv 2601.14969) against a run of the spec paper.

    What RUN lacks is computed first, which takes about 20 minutes; RUN is runs/paper if left out. Each claim of the
    abstract holds, holds in part or does not hold: of three architectures, by 95% intervals over seeds.
    """
    from regharness.api import run
    from regharness.catalog import load_catalog
    from regharness.cli.console import print_json, print_rich
    from regharness.cli.progress import make_progress
    from regharness_paper.verdicts import VerdictsView, judge, markdown, plain

    with make_progress(load_catalog(disabled), quiet=form == "json") as progress:
        done = run(
            "paper",
            folder,
            executor=executor,
            workers=workers,
            device=device,
            disabled=disabled,
            watch=progress.watch,
            step=progress.step,
        )
    judged = judge(done)
    if form == "json":
        print_json({"schema_version": 1, "folder": str(done.folder), "claims": plain(judged)})
    elif form == "markdown":
        click.echo("\n".join(markdown(judged)))
    else:
        print_rich(VerdictsView(judged))
    return 1 if done.failures else 0
