"""The figures of the page on concepts are there and small, and are drawn from a run of quickstart."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import regharness as rh

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "docs" / "figures"
MOST_BYTES = 70_000


def test_the_figures_that_the_page_shows_are_there_and_no_other():
    page = (ROOT / "docs" / "concepts.md").read_text()
    assert set(re.findall(r"\(figures/(.*?)\)", page)) == {path.name for path in FIGURES.iterdir()}


@pytest.mark.parametrize("figure", sorted(FIGURES.iterdir()), ids=lambda path: path.stem)
def test_a_figure_is_small_and_without_a_background(figure):
    text = figure.read_text()
    assert len(text) < MOST_BYTES
    assert "fill: #ffffff" not in text


@pytest.mark.slow
def test_every_figure_is_drawn_of_a_run_of_quickstart(tmp_path):
    spec = (ROOT / "specs" / "quickstart.yaml").read_text()
    large, small = "train: 6000, calibration: 1000, test: 1000", "train: 200, calibration: 100, test: 100"
    assert large in spec
    (tmp_path / "small.yaml").write_text(re.sub(r"epochs: \d+", "epochs: 1", spec.replace(large, small)))
    command = [sys.executable, "-m", "regharness", "run", "small.yaml", "-o", "run", "--quiet"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    where = importlib.util.spec_from_file_location("figures", ROOT / "docs" / "build_concept_figures.py")
    module = importlib.util.module_from_spec(where)
    where.loader.exec_module(module)

    drawn = module.draw(rh.open_run(tmp_path / "run"))

    assert {f"{name}.svg" for name in drawn} == {path.name for path in FIGURES.iterdir()}
    lines = [len(axis.get_lines()) for figure in drawn.values() for axis in figure.axes]
    assert min(lines) >= len(module.COLOURS)
