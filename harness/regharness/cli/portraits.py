"""Show what a shift does: a table with small pictures in the terminal, plain values, a figure. Measures nothing."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from regharness import dims
from regharness.cli.console import print_json, print_rich
from regharness.portrait import Distribution, Portrait, portrait
from regharness.portrait_data import stage
from regharness.portrait_figure import check_figure, draw

if TYPE_CHECKING:
    from rich.table import Table

    from regharness.catalog import Catalog

STRIP = 8
"""Characters of a distribution in the terminal."""
BLOCKS, ASCII_BLOCKS = " ▁▂▃▄▅▆▇█", " .:-=+*#%"
"""Heights from none to most, and the same for a terminal without block characters."""


def show_portrait(
    catalog: Catalog, name: str, *, data: str | None, seed: int, output: Path | None, as_json: bool
) -> None:
    """Shift small data, or those of a spec, at every severity of a shift operator, and show what comes out."""
    if output is not None:
        check_figure(output)
    found = stage(catalog, name, data)
    info = found.generator.describe()
    made = portrait(found.label, found.operator, found.generator.generate(seed), info, task=found.task, seed=seed)
    if output is not None:
        draw(made, output)
    if as_json:
        print_json(plain(made))
        return
    given = "".join(f", {key}: {value}" for key, value in found.parameters.items())
    click.echo(f"{found.label}: {catalog.component('shift', name).summary}")
    click.echo(f"on {found.task}, seed {seed}, output {made.output} ({made.unit}){given}")
    if made.level_meaning:
        click.echo(f"level: {made.level_meaning}")
    click.echo()
    for one in tables(made, BLOCKS if _can_show(BLOCKS) else ASCII_BLOCKS):
        print_rich(one, "")
    for quantity, reason in made.left_out.items():
        click.echo(f"no {quantity.replace('_', ' ')}: {reason}")
    click.echo(f"figure: {output}" if output else f"A figure: regharness show {name} --plot -o {name}.svg (or .png)")


def tables(made: Portrait, blocks: str = BLOCKS) -> list[Table]:
    """Two tables with a row a severity: each distribution as a strip with its mean, and how far it has moved."""
    rows = severities(made)
    strips = {_title(name): _strips(one, blocks) for name, one in made.distributions.items()}
    return [_table({**rows, **strips}), _table({**rows, **magnitudes(made)})]


def _table(columns: dict[str, list[str]]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in columns:
        table.add_column(title, justify="left" if title == "severity" else "right", no_wrap=True)
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    return table


def severities(made: Portrait) -> dict[str, list[str]]:
    """Columns that tell the rows apart: the severity and, where it is a number, its level."""
    columns = {"severity": ["identity", *map(str, made.severities[1:])]}
    if made.level_meaning:
        columns["level"] = ["" if level is None else f"{level:g}" for level in made.levels]
    return columns


def means(made: Portrait) -> dict[str, list[str]]:
    """Title to the mean of each distribution, as text, a severity each."""
    return {_title(name): _numbers(one.mean, ".2f") for name, one in made.distributions.items()}


def _title(name: str) -> str:
    return {"gc_content": "GC content", "noise_sd": "SD of noise"}.get(name, name.replace("_", " "))


def _strips(distribution: Distribution, blocks: str) -> list[str]:
    means = _numbers(distribution.mean, ".2f")
    return [f"{strip(density, blocks)} {mean:>5}" for density, mean in zip(distribution.density, means, strict=True)]


def magnitudes(made: Portrait) -> dict[str, list[str]]:
    """Title to how far each severity has moved the test set, as text.

    One is left out where the data do not know it, or the shift leaves it as it is.
    """
    at = made.achieved
    # Title to values, how they are written, and what says that there is nothing to tell.
    columns = {
        "GC moved": (at[dims.GC_MOVED], "+.3f", None),
        "target SD": (at[dims.TARGET_SD], ".2f", None),
        "noise SD": (at[dims.NOISE_SD], ".2f", np.nan),
        "worth": (at[dims.EFFECTIVE_SIZE], ",.0f", None),
        "oracle r": (at[dims.ORACLE_CORRELATION], ".2f", 1.0),
        "edited": (made.edited, ".3f", 0.0),
        "N": (made.hidden, ".3f", 0.0),
    }
    return {
        title: _numbers(values, form)
        for title, (values, form, nothing) in columns.items()
        if nothing is None or not (np.isnan(values) | np.isclose(values, nothing, atol=1e-6)).all()
    }


def strip(density: NDArray[np.float64], blocks: str = BLOCKS, width: int = STRIP) -> str:
    """A density in a few characters, the highest of which is the full block; what is not zero is never blank."""
    # Bins are dealt out evenly, each split where a character ends inside it.
    ends = np.concatenate([[0.0], np.cumsum(density)])
    mass = np.diff(np.interp(np.linspace(0, len(density), width + 1), np.arange(len(ends)), ends))
    heights = np.ceil(mass / (mass.max() or 1.0) * (len(blocks) - 1) - 1e-9).astype(int)
    return "".join(blocks[height] for height in heights)


def _numbers(values: NDArray[np.float64], form: str) -> list[str]:
    written = [format(value, form) if math.isfinite(value) else "-" for value in values.tolist()]
    # What rounds to zero has no minus.
    return [format(0.0, form) if not text.strip("-0.,") else text for text in written]


def _can_show(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def plain(made: Portrait) -> dict[str, Any]:
    """A stable schema of plain values; what is not known is null.

    ``{schema_version, shift, level_meaning, output, unit, left_out, severities, distributions}``; a severity is
    ``{severity, level, examples, edited, hidden, and each achieved magnitude}``, a distribution ``{title, unit,
    edges, severities: [{severity, mean, sd, density}]}``.
    """
    magnitudes = {"edited": made.edited, "hidden": made.hidden, **made.achieved}
    return {
        "schema_version": 1,
        "shift": made.name,
        "level_meaning": made.level_meaning,
        "output": made.output,
        "unit": made.unit,
        "left_out": made.left_out,
        "severities": [
            {
                "severity": severity,
                "level": made.levels[row],
                "examples": made.examples[row],
                **{key: _known(values[row]) for key, values in magnitudes.items()},
            }
            for row, severity in enumerate(made.severities)
        ],
        "distributions": {
            name: {
                "title": one.title,
                "unit": one.unit,
                "edges": one.edges.tolist(),
                "severities": [
                    {
                        "severity": severity,
                        "mean": _known(one.mean[row]),
                        "sd": _known(one.sd[row]),
                        "density": one.density[row].tolist(),
                    }
                    for row, severity in enumerate(made.severities)
                ],
            }
            for name, one in made.distributions.items()
        },
    }


def _known(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
