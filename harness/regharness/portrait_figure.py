"""Draw a shift's portrait as a figure file. Computes nothing; needs matplotlib, and imports it only to draw."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from regharness.errors import InputError
from regharness.portrait import Distribution, Portrait

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".svg", ".png")
RAMP, RAMP_ENDS = "plasma", (0.35, 0.8)
"""Perceptually uniform, and ordered by lightness for the colour-blind too; without the ends of the map, which
cannot be seen on a dark page or on a white one."""
GREY = "#7b8087"
"""Of text and identity: contrast 4 on white, and above 4 on a dark page."""
WIDTH, ROW, TOP, BOTTOM = 8.0, 0.46, 0.52, 0.68
"""Inches: of the figure, of one severity's row, and of what is above and below the rows."""
DOTS_PER_INCH = 100
WRITING: dict[str, Any] = {
    ".svg": {"metadata": {"Date": None}},
    ".png": {"metadata": {"Software": None}, "pil_kwargs": {"optimize": True}},
}
"""How each format is written: small, and without what differs from day to day."""


def check_figure(path: Path) -> None:
    """Refuse, before anything is computed, a figure that could not be written.

    Raises
    ------
    InputError
        For an unknown format, a folder that is not there, or when matplotlib is not installed.
    """
    if path.suffix not in SUFFIXES:
        raise InputError(
            f"cannot draw {path}: a figure ends in {' or '.join(SUFFIXES)}", help=f"-o {path.stem or 'shift'}.svg"
        )
    if not path.parent.is_dir():
        raise InputError(f"cannot draw {path}: there is no folder {path.parent}")
    if importlib.util.find_spec("matplotlib") is None:
        raise InputError(
            "a figure needs the package 'matplotlib', which is not installed",
            help="pip install 'regharness[report]'; without -o the picture is drawn in the terminal",
        )


def draw(portrait: Portrait, path: Path) -> None:
    """Draw a portrait: a column a quantity, a row a severity, the outline of identity in grey over each.

    Every distribution is as high as its row, so that heights compare within a distribution alone. A dashed line
    goes through the mean at identity, and a solid one stands at the mean of the row. The background is
    transparent. Equal portraits give equal bytes with one version of matplotlib.

    Parameters
    ----------
    portrait
        What to draw.
    path
        ``.svg`` or ``.png``, 800 dots wide; overwritten.

    Raises
    ------
    InputError
        As of `check_figure`, and when the file cannot be written.
    """
    check_figure(path)
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "regharness", "svg.fonttype": "none", "font.size": 9.0}):
        figure = _figure(portrait)
        try:
            figure.savefig(path, dpi=DOTS_PER_INCH, transparent=True, **WRITING[path.suffix])
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from None


def _figure(portrait: Portrait) -> Figure:
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    rows, columns = len(portrait.severities), len(portrait.distributions)
    height = ROW * rows + TOP + BOTTOM
    figure = Figure(figsize=(WIDTH, height))
    grid = figure.subplots(rows, columns, squeeze=False, sharex="col")
    figure.subplots_adjust(
        left=0.12, right=0.985, top=1 - TOP / height, bottom=BOTTOM / height, hspace=0.12, wspace=0.14
    )
    colours = [GREY, *colormaps[RAMP](np.linspace(*RAMP_ENDS, rows - 1))]
    for column, distribution in enumerate(portrait.distributions.values()):
        for row in range(rows):
            _panel(grid[row, column], distribution, row, colours[row])
        _foot(grid[-1, column], distribution)
    for row in range(rows):
        grid[row, 0].set_ylabel(_row_title(portrait, row), rotation=0, ha="right", va="center", color=GREY, labelpad=6)
    figure.text(0.012, 1 - 0.17 / height, portrait.name, color=GREY, va="center", weight="bold")
    figure.text(0.012, 1 - 0.36 / height, _subtitle(portrait), color=GREY, va="center", size=8)
    return figure


def _panel(axes: Axes, distribution: Distribution, row: int, colour: Any) -> None:
    heights = distribution.density / np.maximum(distribution.density.max(axis=1, keepdims=True), 1e-300)
    strength = 0.45 if row == 0 else 0.85
    axes.stairs(heights[row], distribution.edges, fill=True, color=colour, alpha=strength, lw=0, antialiased=False)
    axes.axvline(distribution.mean[0], color=GREY, lw=0.9, linestyle=(0, (4, 3)))
    if row:
        axes.stairs(heights[0], distribution.edges, color=GREY, lw=0.6, antialiased=False)
        axes.axvline(distribution.mean[row], color=colour, lw=1.6)
    axes.set_ylim(0, 1.08)
    axes.set_xlim(distribution.edges[0], distribution.edges[-1])
    axes.set_yticks([])
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GREY)
    axes.spines["bottom"].set_linewidth(0.5)
    axes.tick_params(axis="x", length=0)


def _foot(axes: Axes, distribution: Distribution) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.tick_params(axis="x", length=3, color=GREY, labelcolor=GREY, labelsize=8)
    axes.set_xlabel(f"{distribution.title}\n{distribution.unit}", color=GREY)
    axes.xaxis.set_label_coords(0.5, -0.56)


def _row_title(portrait: Portrait, row: int) -> str:
    level = portrait.levels[row]
    if row == 0:
        return "identity"
    return f"{portrait.severities[row]}" if level is None else f"{portrait.severities[row]}  ({level:g})"


def _subtitle(portrait: Portrait) -> str:
    if portrait.level_meaning:
        return f"severity (level: {portrait.level_meaning})"
    return "severity"
