"""The notebook of the paper's figures is checked in without outputs, and runs on a run of the paper's spec."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "paper.ipynb"
FIGURES = 4


def read():
    return nbformat.read(NOTEBOOK, as_version=4)


def test_the_notebook_has_no_outputs():
    cells = [cell for cell in read().cells if cell.cell_type == "code"]
    assert [cell.execution_count or cell.outputs for cell in cells if cell.execution_count or cell.outputs] == []


@pytest.fixture
def small(tmp_path):
    """A run of the paper's spec: all of its tasks, shifts and models, less data, one epoch, one seed."""
    spec = (ROOT / "specs" / "paper.yaml").read_text()
    for large, less in {
        r"train: 20000, calibration: 2000, test: 2000": "train: 200, calibration: 100, test: 100",
        r"epochs: 10": "epochs: 1",
        r"seeds: .*": "seeds: [0]",
        r"^run: .*": "run: {executor: local}",
    }.items():
        spec, count = re.subn(large, less, spec, flags=re.MULTILINE)
        assert count, large
    (tmp_path / "small.yaml").write_text(spec)
    command = [sys.executable, "-m", "regharness", "run", "small.yaml", "-o", "run", "--quiet"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return tmp_path / "run"


@pytest.mark.slow
@pytest.mark.skipif("REGHARNESS_DATA_DIR" not in os.environ, reason="REGHARNESS_DATA_DIR is not set")
def test_the_notebook_draws_every_figure_of_a_run_of_the_spec(small):
    notebook = read()
    (where,) = (cell for cell in notebook.cells if cell.source.startswith("RUN = "))
    where.source = f"RUN = {str(small)!r}"
    nbclient.NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(small)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == FIGURES
    assert [output.text for output in outputs if output.output_type == "stream"] == []
