"""The HTML report: self-contained, inert, complete."""

import re
from html.parser import HTMLParser
from typing import ClassVar

import numpy as np
import pytest

from regharness.leaderboard import matrix
from regharness.testing.scores import make_scores
from regharness_report.figures import heat_rows, severity_plots
from regharness_report.html import HtmlReport

SHIFTS = ["identity", "gc_content@1", "gc_content@5", "assay_noise@3"]
HOSTILE = "</title><script>alert(1)</script>\x1b[31m"


class Run:
    """What a report reads of a run."""

    name = "made"
    provenance: ClassVar = {
        "regharness": "1",
        "python": "3",
        "platform": "p",
        "started": "s",
        "cell_seconds": 1,
        "libraries": {"numpy": "2"},
    }
    task_infos: ClassVar = {
        "task": {"outputs": ["o"], "unit": "log2", "length": 9, "sizes": {"test": 4}, "warnings": ["mind the gap"]}
    }

    def __init__(self, scores, failures=()):
        self.scores, self.failures = scores, list(failures)

    def blocks(self, metric):
        return None


class Parser(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "line", "polyline", "circle", "wbr"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def scores(models=("cnn", "ridge"), failed=()):
    values = {model: np.array([[1.0, 1.2], [1.1, 1.3], [1.5, 1.7], [3.0, 3.2]]) + i for i, model in enumerate(models)}
    covered = {model: np.full((4, 2), 0.9) for model in models}
    tables = {"mse": values, "coverage_95": covered}
    return make_scores(tables, SHIFTS, directions={"coverage_95": 0.95}, failed=failed)


@pytest.fixture
def written(tmp_path):
    def write(run):
        path = tmp_path / "report.html"
        HtmlReport().write(run, path)
        parser = Parser()
        parser.feed(path.read_text())
        assert parser.open == []
        return path.read_text(), parser

    return write


def test_a_gap_of_coverages_beside_them_is_not_drawn_as_one(written):
    scored = scores()
    scored["coverage_gap"] = scored["coverage_95"].mean("shift").assign_attrs(direction="lower")
    scored.attrs["metrics"] = ["mse", "coverage_95", "coverage_gap"]
    assert "coverage_95" in written(Run(scored))[1].text


def test_every_model_and_shift_is_there(written):
    _, page = written(Run(scores()))
    assert all(name in page.text for name in ["cnn", "ridge", *SHIFTS])


def test_it_refers_to_nothing_outside_itself(written):
    text, page = written(Run(scores()))
    assert not re.search(r"https?://|@import|url\(", text)
    assert not [tag for tag, attrs in page.tags if {"src", "href"} & set(attrs)]


def test_it_runs_no_script_and_says_so_in_its_policy(written):
    _, page = written(Run(scores()))
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv"))
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert "script" not in {tag for tag, _ in page.tags}


def test_hostile_names_stay_text(written):
    text, page = written(Run(scores(models=[HOSTILE])))
    assert "script" not in {tag for tag, _ in page.tags}
    assert "\x1b" not in text
    assert "\\x1b[31m" in page.text


def test_hostile_reasons_stay_text(written):
    failure = {"task": "task", "model": "cnn", "shift": "identity", "seed": 0, "reason": HOSTILE}
    _, page = written(Run(scores(failed=[("cnn", "identity", 0)]), [failure]))
    assert "script" not in {tag for tag, _ in page.tags}
    assert "alert(1)" in page.text


def test_equal_runs_give_equal_bytes(written):
    assert written(Run(scores()))[0] == written(Run(scores()))[0]


def test_warnings_of_the_data_are_shown(written):
    assert "mind the gap" in written(Run(scores()))[1].text


def test_a_score_that_is_missing_is_a_dash(written):
    failed = [("cnn", shift, seed) for shift in SHIFTS for seed in (0, 1)]
    text, _ = written(Run(scores(failed=failed)))
    row = re.search(r"<tr><td>-</td><th[^>]*>cnn</th>(.*?)</tr>", text).group(1)
    assert re.findall(r"<td[^>]*>(.*?)</td>", row) == ["-", "-", "-", "-", "0/2"]


def test_a_report_of_quickstart_size_is_small(written):
    assert len(written(Run(scores(models=[f"model-{i}" for i in range(4)])))[0]) < 300_000


def test_degradation_is_shifted_minus_identity():
    rows = dict(heat_rows(matrix(scores(), "shift"), "task"))
    assert [cell.text for cell in rows["cnn"]] == ["+0.000", "+0.100", "+0.500", "+2.000"]
    assert rows["cnn"][3].heat == 1.0


def test_an_operator_with_two_severities_has_a_plot_that_starts_at_identity():
    plots = severity_plots(matrix(scores(), "shift"), "task")
    assert [plot.title for plot in plots] == ["gc_content"]
    assert [text for _, text in plots[0].x_ticks] == ["0", "1", "5"]


def test_labels_do_not_cover_each_other():
    plot = severity_plots(matrix(scores(models=list("abcdef")), "shift", metric="coverage_95"), "task", 0.95)[0]
    places = sorted(line.label_y for line in plot.lines)
    assert (np.diff(places) >= 10.9).all()


def test_beyond_six_models_lines_have_no_colour_of_their_own():
    plot = severity_plots(matrix(scores(models=list("abcdefgh")), "shift"), "task")[0]
    assert sum(line.colour is None for line in plot.lines) == 2


def test_the_verb_writes_a_report_of_a_run(toys, regharness, tmp_path):
    import json

    spec = {
        "name": "toy",
        "tasks": [{"name": "t", "data": {"use": "toy"}}],
        "models": [{"name": "m", "use": "constant"}],
        "metrics": ["mse"],
    }
    (tmp_path / "s.yaml").write_text(json.dumps(spec))
    regharness("run", "s.yaml")
    assert regharness("report", "runs/toy", "-o", "page.html").stdout == "page.html\n"
    assert "<h1>toy</h1>" in (tmp_path / "page.html").read_text()


def test_the_report_says_how_far_each_shift_went(written):
    made = scores()
    made["gc_moved"].loc[{"shift": "gc_content@5"}] = 0.125
    made["noise_sd"].loc[{"shift": "assay_noise@3"}] = 0.625
    made["oracle_correlation"].loc[{"shift": "gc_content@5"}] = np.nan
    text, _ = written(Run(made))
    rows = re.findall(r'<tr><th scope="row" class="text">([^<]+)</th>((?:<td>[^<]*</td>){5})</tr>', text)
    assert [[name, *re.findall(r"<td>([^<]*)</td>", row)] for name, row in rows] == [
        ["identity", "+0.000", "0", "1.00", "1.00", "1.00"],
        ["gc_content@1", "+0.000", "0", "1.00", "1.00", "1.00"],
        ["gc_content@5", "+0.125", "0", "-", "1.00", "1.00"],
        ["assay_noise@3", "+0.000", "0", "1.00", "1.00", "0.62"],
    ]
