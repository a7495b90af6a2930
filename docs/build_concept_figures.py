"""Draw ``docs/figures``: what the concepts look like in a run of quickstart. Run by ``make docs``.

Each figure is an SVG without a background, in colours of middle brightness: it reads on light and on dark pages.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from scipy.stats import norm

import regharness as rh

FOLDER = Path(__file__).parent / "figures"
TASK = "simulation"
COLOURS = {"kmer_ridge": "#d98c00", "cnn": "#2f86c8", "cnn+motifs": "#0a9a74", "oracle": "#8a8a8a"}
GREY = "#8a8a8a"
SHOWN = ("identity", "gc_content@5", "motif_effect_rewiring@5", "assay_noise@5")
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "regharness",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(["text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"], GREY),
}


def draw(run: rh.Run) -> dict[str, Figure]:
    """Every figure of a run of quickstart, by name."""
    cube = run.cube(TASK).sel(seed=run.labels["seed"][0]).load()
    with mpl.rc_context(STYLE):
        return {
            "severity": severity(run.scores.sel(task=TASK)),
            "calibration": calibration(cube),
            "selection": selection(cube),
        }


def severity(scores: xr.Dataset) -> Figure:
    """Error and coverage of each model along the severities of each shift."""
    operators = [name for name in dict.fromkeys(scores["shift_operator"].values.tolist()) if name != "identity"]
    figure = Figure(figsize=(8, 4.4), layout="constrained")
    axes = figure.subplots(2, len(operators), sharex=True, sharey="row")
    for column, operator in enumerate(operators):
        kept = scores["shift_operator"].isin(["identity", operator])
        part = scores.sel(shift=kept).mean(["seed", "output"]).sortby("severity")
        for model, colour in COLOURS.items():
            for row, metric in enumerate(("mse", "coverage_95")):
                values = part[metric].sel(model=model)
                axes[row, column].plot(part["severity"], values, "o-", ms=3, color=colour, label=model)
        axes[0, column].set_title(operator, fontsize=9)
        axes[1, column].axhline(0.95, color=GREY, lw=0.8, ls=":")
        axes[1, column].set_xlabel("severity; 0 is identity")
    axes[0, 0].set(ylabel="mean squared error", yscale="log")
    axes[1, 0].set_ylabel("coverage of 95% intervals")
    _legend(figure)
    return figure


def calibration(cube: xr.Dataset) -> Figure:
    """Share of measurements inside the central intervals of each nominal level, without and under shifts."""
    figure = Figure(figsize=(8, 2.8), layout="constrained")
    levels = np.linspace(0.02, 0.98, 25)
    for axis, shift in zip(figure.subplots(1, len(SHOWN), sharey=True), SHOWN, strict=True):
        axis.plot([0, 1], [0, 1], color=GREY, lw=0.8, ls=":")
        for model, colour in COLOURS.items():
            one = cube.sel(model=model, shift=shift)
            z = np.abs(one["target"] - one["mean"]) / np.sqrt(variance(one))
            inside = [float((z <= norm.ppf((1 + level) / 2)).mean()) for level in levels]
            axis.plot(levels, inside, color=colour, label=model)
        axis.set_title(shift, fontsize=9)
        axis.set_xlabel("nominal")
        axis.set_box_aspect(1)
    figure.axes[0].set_ylabel("inside")
    _legend(figure)
    return figure


def selection(cube: xr.Dataset) -> Figure:
    """Error of the predictions that are kept, where the least sure are refused first."""
    figure = Figure(figsize=(8, 2.8), layout="constrained")
    for axis, shift in zip(figure.subplots(1, len(SHOWN)), SHOWN, strict=True):
        for model, colour in COLOURS.items():
            one = cube.sel(model=model, shift=shift).isel(output=0)
            error = np.square(one["target"] - one["mean"]).values[np.argsort(variance(one).values, kind="stable")]
            count = np.linspace(0.05 * len(error), len(error), 60).astype(int)
            axis.plot(count / len(error), np.cumsum(error)[count - 1] / count, color=colour, label=model)
        axis.set_title(shift, fontsize=9)
        axis.set_ylim(bottom=0)
        axis.set_xlabel("retained fraction")
    figure.axes[0].set_ylabel("mean squared error")
    _legend(figure)
    return figure


def variance(cell: xr.Dataset) -> xr.DataArray:
    """The whole variance of predictions: what a model gives of the two."""
    return cell["aleatoric_variance"].fillna(0) + cell["epistemic_variance"].fillna(0)


def _legend(figure: Figure) -> None:
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)


def build(folder: Path) -> None:
    """Run quickstart into `folder`, or take the run that is there, and write the figures."""
    FOLDER.mkdir(exist_ok=True)
    for name, figure in draw(rh.run("quickstart", folder)).items():
        with mpl.rc_context(STYLE):
            figure.savefig(FOLDER / f"{name}.svg", transparent=True, metadata={"Date": None})
        print(name)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
