"""Own the folder in which the mistakes of the page on errors are made: files that are each wrong in one way."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

HEAD = """\
name: my
tasks:
  - name: simulation
    data: {use: simulated_mpra, with: {train: 60, calibration: 20, test: 40, length: 60}}
    shifts: [{use: assay_noise, severity: [1, 5]}]
"""
TABLE = """\
name: my
tasks:
  - name: mine
    data: {use: mpra_table, with: {path: table.tsv, sequence: sequence, targets: [K562]}}
"""
GOOD = HEAD + "models: [{name: gc, use: gc_linear}]\nmetrics: [mse]\n"
TABLED = TABLE + "models: [{name: gc, use: gc_linear}]\nmetrics: [mse]\n"
NET = """\
from torch import nn


class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(240, {}))
"""


def specs() -> dict[str, str]:
    """Every spec by its file's name; `my.yaml` is right."""

    def model(entry: str, name: str = "my") -> str:
        return GOOD.replace("use: gc_linear", entry).replace("name: my", f"name: {name}", 1)

    return {
        "my.yaml": GOOD,
        "name.yaml": model("use: gc_linaer"),
        "key.yaml": model("use: torch_cnn, with: {epoch: 8}"),
        "type.yaml": model("use: torch_cnn, with: {epochs: many}"),
        "brackets.yaml": GOOD.replace("models: [", "models: [{"),
        "file.yaml": model("use: onnx, with: {path: model.onnx}"),
        "severity.yaml": GOOD.replace("[1, 5]", "7"),
        "metric.yaml": GOOD.replace("[mse]", "[msee]"),
        "rank.yaml": GOOD + "leaderboard: {rank_by: crps}\n",
        "twice.yaml": GOOD.replace("gc_linear}", "gc_linear}, {name: gc, use: mean}"),
        "few.yaml": GOOD.replace("assay_noise", "gc_tilt"),
        "other.yaml": GOOD.replace("name: my", "name: other", 1),
        "mechanism.yaml": TABLED.replace("models", "    shifts: [{use: motif_effect_rewiring}]\nmodels"),
        "truth.yaml": TABLED.replace("gc_linear", "oracle"),
        "column.yaml": TABLED.replace("[K562]", "[k562]"),
        "lengths.yaml": TABLED.replace("table.tsv", "lengths.tsv"),
        "letters.yaml": TABLED.replace("table.tsv", "letters.tsv"),
        "small.yaml": TABLED.replace("table.tsv", "small.tsv"),
        "weights.yaml": model("use: torch, with: {path: two.safetensors, code: one.py, module: Net}", "weights"),
        "outputs.yaml": model("use: torch, with: {path: one.safetensors, code: one.py, module: Net}", "outputs"),
        "nan.yaml": model("use: torch, with: {path: nan.safetensors, code: two.py, module: Net}", "nan"),
        "crx.yaml": re.sub("data: .*", "data: {use: crx_retina}", TABLED),
        "torchless.yaml": model("use: torch_cnn"),
    }


def make(folder: Path) -> None:
    """Write them all, with the tables and weights that they name."""
    for name, text in specs().items():
        (folder / name).write_text(text)
    rng = np.random.default_rng(0)
    rows = ["".join(rng.choice(list("ACGT"), 60)) for _ in range(200)]
    table = pd.DataFrame({"sequence": rows, "K562": rng.normal(size=200).round(3)})
    tables = {
        "table": table,
        "lengths": table.assign(sequence=[row[: 60 - (i == 3)] for i, row in enumerate(rows)]),
        "letters": table.assign(sequence=[row[:9] + "U" + row[10:] if i == 3 else row for i, row in enumerate(rows)]),
        "small": table[:2],
    }
    for name, one in tables.items():
        one.to_csv(folder / f"{name}.tsv", sep="\t", index=False)
    for name, outputs in {"one": 1, "two": 2}.items():
        (folder / f"{name}.py").write_text(NET.format(outputs))
        weights = {"1.weight": np.zeros((outputs, 240), np.float32), "1.bias": np.zeros(outputs, np.float32)}
        save_file(weights, folder / f"{name}.safetensors")
    save_file({name: value + np.float32("nan") for name, value in weights.items()}, folder / "nan.safetensors")
    junk = folder / "mirror" / "crx-retina" / "rhoActivityJoinedAnnotated.txt"
    junk.parent.mkdir(parents=True)
    junk.write_text("not what was published\n")
