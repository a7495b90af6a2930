"""Results to be shown on pages, made by hand, and a parser of the pages."""

from html.parser import HTMLParser

import numpy as np
import xarray as xr

from regharness.results import Entrant, Results
from regharness.shift_labels import strongest
from regharness.testing.scores import make_scores

SHIFTS = ["identity", "gc_content@1", "gc_content@5", "assay_noise@3"]
HOSTILE = "</title><script>alert(1)</script>\x1b[31m"
VOID = {"meta", "input", "wbr", "link", "br"}

PROVENANCE = {
    "regharness": "1",
    "python": "3",
    "platform": "p",
    "started": "s",
    "cell_seconds": 1,
    "libraries": {"numpy": "2"},
}
INFO = {"outputs": ["o"], "unit": "log2", "length": 9, "sizes": {"test": 4}, "warnings": ["mind the gap"]}


def make_results(models=("cnn", "ridge"), entrants=None, shifts=SHIFTS, failed=(), failures=(), seeds=2, **options):
    """Results of one task: the scores of each model are worse by 0.5 than those of the one before.

    `entrants` is model to what of its `Entrant` is not left out.
    """
    levels = np.array([1.0, 1.1, 1.5, 3.0]) if shifts is SHIFTS else np.linspace(1.0, 3.0, len(shifts))
    rows = levels[:, None] + 0.2 * np.arange(seeds)
    tables = {
        "mse": {model: rows + 0.5 * place for place, model in enumerate(models)},
        "pearson_r": {model: 0.9 - rows / 10 - 0.01 * place for place, model in enumerate(models)},
        "coverage_95": {model: np.full(rows.shape, 0.9) for model in models},
    }
    directions = {"pearson_r": "higher", "coverage_95": 0.95}
    scores = make_scores(tables, shifts, directions=directions, failed=failed)
    who = {name: Entrant(name, **{"display": name, **(entrants or {}).get(name, {})}) for name in models}
    return Results(
        **{
            "name": "made",
            "version": 1,
            "scores": scores,
            "blocks": None,
            "curves": make_curves(models, shifts),
            "entrants": who,
            "task_infos": {"task": INFO},
            "failures": list(failures),
            "provenance": PROVENANCE,
            **options,
        }
    )


def make_curves(models, shifts):
    """Curves of each model that are one line, the higher the later the model."""
    fractions, levels = np.arange(1, 21) / 20, np.arange(1, 20) / 20
    drawn = np.isin(shifts, strongest(shifts))[None, None, :, None]
    height = 1.0 + np.arange(len(models))[None, :, None, None]
    full = np.ones((1, len(models), len(shifts), 1))
    cell = ("task", "model", "shift")
    return xr.Dataset(
        {
            "risk_coverage_curve": (
                (*cell, "retained_fraction"),
                np.where(drawn, full * height * fractions, np.nan),
                {"direction": "lower", "long_name": "Risk."},
            ),
            "interval_calibration_curve": ((*cell, "level"), np.where(drawn, full * levels, np.nan), {}),
        },
        coords={
            "task": ["task"],
            "model": list(models),
            "shift": list(shifts),
            "retained_fraction": fractions,
            "level": levels,
        },
    )


class Parser(HTMLParser):
    """What a page has: its tags with their attributes, its text, and the text of each cell of its tables."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text, self.ids, self.links = [], [], "", [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self._note(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self._note(tag, attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text += data

    def _note(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if tag == "a":
            self.links.append(attrs["href"])
