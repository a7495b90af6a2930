"""The robustness summary of a run's scores, and the verb that shows it."""

import csv
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from regharness.catalog import load_catalog
from regharness.cli import cli
from regharness.errors import InputError
from regharness.testing.scores import make_scores
from regharness_metrics.summary import MEASURES, robustness_summary
from regharness_metrics.summary_view import render

SHIFTS = ["identity", "noise@1", "noise@3", "gc@5"]
# One column a seed.
MSE = {
    "first": [[1.0, 2.0], [2.0, 3.0], [4.0, 5.0], [5.0, 4.0]],
    "second": [[2.0, 2.0], [3.0, 3.0], [6.0, 6.0], [4.0, 4.0]],
}
COVERAGE = [[0.9, 0.8], [0.8, 0.8], [0.7, 0.6], [1.0, 0.9]]


def made(mse=MSE, **options):
    others = {"coverage_90": COVERAGE, "selective_gain": np.full((4, 2), 0.25)}
    tables = {"mse": mse} | {metric: dict.fromkeys(mse, rows) for metric, rows in others.items()}
    return make_scores(tables, SHIFTS, directions={"coverage_90": 0.9, "selective_gain": "higher"}, **options)


def values(scores, model="first", **options):
    (row,) = (row for row in robustness_summary(scores, **options).rows if row.model == model)
    return {name: None if value is None else value.mean for name, value in row.values.items()}, row


def test_every_measure_by_hand():
    found, row = values(made(), "second")
    noise = (2.5 * 1 + 4.5 * 2) / 3
    expected = {
        "identity": 2.0,
        "degradation": (1 + 4 + 2) / 3,
        "worst": 6.0,
        "severity_auc": (noise + 3.0) / 2,
        "mce": np.mean([(9 / 6 + 4 / 5) / 2, (9 / 8 + 4 / 4) / 2]),
        "relative_mce": np.mean([(5 / 4 + 2 / 4) / 2, (5 / 4 + 2 / 2) / 2]),
        "coverage_gap": np.mean([(0.1 + 0.2 + 0.1) / 3, (0.1 + 0.3 + 0.0) / 3 - 0.1]),
        "selective_gain": 0.25,
    }
    assert found.pop("effective_robustness") is None
    assert found == pytest.approx(expected, rel=1e-12)
    assert (row.worst_shift, row.reference) == ("noise@3", "first")


def test_spread_is_over_seeds():
    _, row = values(made())
    assert row.values["identity"].sd == pytest.approx(np.sqrt(0.5))
    assert row.values["identity"].seeds == 2


def test_reference_compares_with_itself_to_one():
    found, row = values(made(), "second", reference="second")
    assert (found["mce"], found["relative_mce"], row.reference) == (1.0, 1.0, "second")


def test_metric_is_followed_in_place_of_the_one_that_ranks():
    found, row = values(made(), metric="coverage_90")
    assert found["identity"] == pytest.approx(0.85)
    assert row.worst_shift == "noise@3"


def test_a_failed_cell_leaves_no_measure_that_needs_it():
    found, row = values(made(failed=[("second", "gc@5", 0), ("second", "gc@5", 1)]), "second")
    assert found["identity"] == 2.0
    assert row.worst_shift is None
    assert {name for name in MEASURES if found[name] is None} == {*MEASURES} - {"identity"}


def test_a_seed_with_a_failed_cell_does_not_count():
    _, row = values(made(failed=[("second", "gc@5", 0)]), "second")
    assert {name: row.values[name].seeds for name in ("identity", "degradation", "worst", "mce")} == {
        "identity": 2,
        "degradation": 1,
        "worst": 1,
        "mce": 1,
    }


def test_a_likelihood_has_no_mce_and_all_else():
    lower = {name: np.array(rows) - 4 for name, rows in MSE.items()}
    found, _ = values(made(lower), "second")
    assert found["mce"] is None
    assert found["relative_mce"] == pytest.approx(np.mean([(5 / 4 + 2 / 4) / 2, (5 / 4 + 2 / 2) / 2]))


def test_what_was_not_scored_is_missing():
    found, _ = values(make_scores({"mse": MSE}, SHIFTS))
    assert found["coverage_gap"] is None
    assert found["selective_gain"] is None


def test_a_run_without_shifts_has_its_identity_alone():
    scores = make_scores({"mse": {"first": [[1.0]]}}, ["identity"])
    found, _ = values(scores)
    assert {name for name in MEASURES if found[name] is not None} == {"identity"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "mes"}, "no metric named 'mes'"),
        ({"reference": "thrid"}, "no model named 'thrid'"),
        ({"tasks": ["tusk"]}, "no task named 'tusk'"),
    ],
)
def test_unknown_names_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        robustness_summary(made(), **options)


def test_json_has_a_version_and_null_for_what_is_missing():
    found = json.loads(render(robustness_summary(made()), "json"))
    assert found["schema_version"] == 1
    assert (found["metric"], found["direction"], found["seeds"]) == ("mse", "lower", 2)
    assert list(found["rows"][0]) == ["task", "model", "reference", "worst_shift", "values"]
    assert found["rows"][0]["values"]["effective_robustness"] is None
    assert found["rows"][0]["values"]["identity"]["mean"] == 1.5


def test_json_writes_infinity_as_text():
    found = json.loads(render(robustness_summary(made({"a": np.zeros((4, 2)), "b": np.ones((4, 2))})), "json"))
    assert found["rows"][1]["values"]["mce"]["mean"] == "inf"


def test_csv_has_a_line_a_model_and_numbers_in_full():
    head, first, second = csv.reader(io.StringIO(render(robustness_summary(made()), "csv")))
    assert dict(zip(head, first, strict=True))["severity_auc_mean"] == repr(
        robustness_summary(made()).rows[0].values["severity_auc"].mean
    )
    assert dict(zip(head, second, strict=True))["effective_robustness_mean"] == ""


def test_names_from_strangers_are_text_everywhere():
    names = {"=cmd()": MSE["first"], "a|b[bold]\x1b": MSE["second"]}
    summary = robustness_summary(make_scores({"mse": names}, SHIFTS))
    assert "'=cmd()" in render(summary, "csv")
    assert "a\\|b\\[bold\\]\\\\x1b" in render(summary, "markdown")
    assert "a|b[bold]\\x1b" in render(summary, "table")


def test_markdown_shows_the_spread_and_a_dash_for_what_is_missing():
    text = render(robustness_summary(made()), "markdown")
    assert "| 1.500 ± 0.707 |" in text
    assert " - |" in text


@pytest.fixture
def verb(monkeypatch):
    load_catalog().add_commands(cli)
    monkeypatch.setattr("regharness.run_folder.open_run", lambda folder: SimpleNamespace(scores=made()))
    return lambda *options: CliRunner().invoke(cli, ["robustness", "runs/r", *options])


def test_the_verb_shows_a_run(verb):
    found = verb()
    assert found.exit_code == 0, found.output
    assert "mse, lower is better\nmean over 2 seeds; mce beside first\n" in found.output


def test_json_is_short_for_its_format(verb):
    assert json.loads(verb("--json").stdout) == json.loads(verb("--format", "json").stdout)


def test_the_verb_writes_a_file(verb, tmp_path):
    found = verb("--format", "json", "--reference", "second", "-o", str(tmp_path / "r.json"))
    assert found.exit_code == 0, found.output
    assert json.loads((tmp_path / "r.json").read_text())["rows"][0]["reference"] == "second"


def test_a_file_that_cannot_be_written_is_named(verb, tmp_path):
    assert "cannot write" in str(verb("-o", str(tmp_path / "none" / "r.json")).exception)
