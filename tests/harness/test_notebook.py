"""What a run and its boards look like in a notebook and in one line."""

import json
import re
import sys
from html.parser import HTMLParser

import pytest
from builders import spec, write

from regharness.api import run as run_spec
from regharness.leaderboard import build
from regharness.render import BoardView
from regharness.run_folder import open_run
from regharness.testing.scores import make_scores


class Tables(HTMLParser):
    """The tables of a page: caption, rows of cell texts, and how each cell is styled."""

    def __init__(self, html):
        super().__init__()
        self.tables = []
        self._text = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append({"caption": "", "rows": [], "styles": []})
        elif tag == "tr":
            self.tables[-1]["rows"].append([])
            self.tables[-1]["styles"].append([dict(attrs).get("style", "")])
        elif tag in ("td", "th", "caption"):
            self._text = ""
            if tag != "caption":
                self.tables[-1]["styles"][-1].append(dict(attrs).get("style", ""))

    def handle_data(self, data):
        if self._text is not None:
            self._text += data

    def handle_endtag(self, tag):
        if tag == "caption":
            self.tables[-1]["caption"] = self._text
        elif tag in ("td", "th"):
            self.tables[-1]["rows"][-1].append(self._text)
        if tag in ("td", "th", "caption"):
            self._text = None


CELLS = """\
import regharness as rh
run = rh.run("small.yaml", "r")
run
---
run.leaderboard(rank_by="mse")
---
run.matrix("shift")
---
run.compare("gc", "mean")
---
print(run.leaderboard())
"""
SMALL = """\
name: small
seeds: [0, 1]
metrics: [crps, mse]
tasks:
  - name: simulation
    data: {use: simulated_mpra, with: {train: 60, calibration: 20, test: 20, length: 60, cell_types: [K562]}}
    shifts: [{use: gc_content, severity: [1, 3]}]
models: [{name: gc, use: gc_linear}, {name: mean, use: mean}]
"""


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What each cell of a notebook gave, executed by a kernel of its own."""
    import nbformat
    from nbclient import NotebookClient

    folder = tmp_path_factory.mktemp("notebook")
    (folder / "small.yaml").write_text(SMALL)
    kernel = folder / "kernels" / "here"
    kernel.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "here", "language": "python"}))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS.split("---\n")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder))
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        client = NotebookClient(notebook, kernel_name="here", resources={"metadata": {"path": str(folder)}})
        client.execute()
    nbformat.validate(notebook)
    return [[part for part in cell.outputs if part.get("name") != "stderr"] for cell in notebook.cells]


def html(output):
    (shown,) = output
    return shown["data"]["text/html"]


@pytest.mark.slow
def test_a_notebook_shows_what_a_run_holds(outputs):
    found = Tables(html(outputs[0])).tables[0]
    assert found["caption"].startswith("run small")
    assert found["rows"][0] == ["task", "models", "shifts", "seeds", "cells done", "cells failed", "cells missing"]
    assert found["rows"][1:] == [["simulation", "2", "3", "2", "12", "0", "0"]]


@pytest.mark.slow
def test_a_notebook_shows_the_last_leaderboard_of_a_run(outputs):
    found = Tables(html(outputs[0])).tables[1]
    assert found["caption"].startswith("simulation: crps, lower is better")
    assert {row[1] for row in found["rows"][1:]} == {"gc", "mean"}


@pytest.mark.slow
def test_a_notebook_says_how_to_go_on_from_a_run(outputs):
    assert "run.compare(&#39;gc&#39;, &#39;mean&#39;)" in html(outputs[0])


@pytest.mark.slow
def test_a_notebook_names_the_metrics_of_a_run(outputs):
    assert "metrics: crps, mse" in html(outputs[0])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "title"), [(1, "simulation: mse,"), (2, "simulation: crps by shift,"), (3, "simulation: crps,")]
)
def test_a_notebook_shows_boards_as_tables(outputs, cell, title):
    found = Tables(html(outputs[cell])).tables
    assert len(found) == 1
    assert found[0]["caption"].startswith(title)


@pytest.mark.slow
def test_a_notebook_prints_a_board_as_text(outputs):
    (printed,) = outputs[4]
    assert printed["text"].startswith("simulation: crps, lower is better\n")
    assert {" gc ", " mean "} <= set(re.findall(r" \w+ ", printed["text"]))


def view():
    return BoardView(
        build(
            make_scores({"mse": {"cnn": [[1.0, 1.1], [2.0, 2.1]], "b": [[3.0, 3.1], [4.0, 4.1]]}}, ["identity", "gc@1"])
        )
    )


def test_numbers_are_aligned_right_in_a_notebook():
    found = Tables(view()._repr_html_()).tables[0]
    for row, styles in zip(found["rows"], found["styles"], strict=True):
        right = [text for text, style in zip(row, styles[1:], strict=True) if "text-align:right" in style]
        assert len(right) == 4
        assert right == [row[0], *row[2:5]]


def test_the_best_row_is_bold_in_a_notebook():
    found = Tables(view()._repr_html_()).tables[0]
    assert ["bold" in styles[0] for styles in found["styles"]] == [False, True, False]
    assert found["rows"][1][1] == "cnn"


def test_a_notebook_is_given_no_colour_of_ours():
    words = view()._repr_html_().replace("currentColor", "").replace("color:inherit", "")
    assert "color" not in words
    assert "background" not in words


def test_a_run_is_told_in_one_line(toys, tmp_path):
    run = run_spec(write(tmp_path, spec()), tmp_path / "r")
    assert repr(run) == (
        f"<regharness.Run 'toy' in {tmp_path / 'r'}: 1 task, 2 models, 4 shifts, 2 seeds; 16 of 16 cells done>"
    )


def test_failed_and_missing_cells_of_a_run_are_told(toys, tmp_path):
    models = [
        {"name": "constant", "use": "constant", "with": {"fault": "raise"}},
        {"name": "oracle", "use": "toy_oracle"},
    ]
    run = run_spec(write(tmp_path, spec(models=models)), tmp_path / "r", only=["seed=0"])
    assert repr(run).endswith("; 4 of 16 cells done, 4 failed, 8 missing>")
    assert "run.failures" in run._repr_html_()
    assert "rh.run(SPEC)" in run._repr_html_()


def test_a_run_that_was_not_scored_says_so(toys, tmp_path):
    run_spec(write(tmp_path, spec()), tmp_path / "r")
    (tmp_path / "r" / "leaderboard.json").unlink()
    page = open_run(tmp_path / "r")._repr_html_()
    assert "no leaderboard yet" in page
    assert "regharness score" in page


def test_hostile_names_of_a_run_stay_text(toys, tmp_path):
    folder = tmp_path / "<script>alert(1)</script>\u202e"
    page = run_spec(write(tmp_path, spec()), folder)._repr_html_()
    assert "<script" not in page
    assert "\u202e" not in page
