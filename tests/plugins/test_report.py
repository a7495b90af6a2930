"""The HTML report: self-contained, inert but for one script, complete."""

import base64
import hashlib
import json
import re

import numpy as np
import pytest
from pages import HOSTILE, SHIFTS, Parser, make_results

from regharness.errors import InputError
from regharness.results import Entrant
from regharness_report.html import report_of


def page(*args, **options):
    return Parser(report_of(make_results(*args, **options)))


def rows_of(text, model):
    """Cells of the rows of a model, table by table."""
    found = re.findall(rf'<tr[^>]*>(?:(?!</tr>).)*?<th scope="row"[^>]*>(?:(?!</th>).)*?{model}.*?</tr>', text, re.S)
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td.*?</td>", row, re.S)] for row in found]


def test_every_model_shift_and_metric_is_there():
    text = page().text
    assert all(name in text for name in ["cnn", "ridge", *SHIFTS[1:], "mse", "pearson_r", "coverage_95"])


def test_it_refers_to_nothing_outside_itself():
    made = page()
    assert all(link.startswith("#") for link in made.links)
    assert not [tag for tag, attrs in made.tags if {"src", "srcset", "data", "action", "poster"} & set(attrs)]
    style = re.search(r"<style>(.*?)</style>", report_of(make_results()), re.S).group(1)
    assert not re.search(r"https?:|@import|url\((?!#)", style)


def test_every_link_leads_to_something_on_the_page():
    made = page()
    assert {link.removeprefix("#") for link in made.links} <= set(made.ids)


def test_no_two_things_on_the_page_are_called_alike():
    ids = page().ids
    assert len(ids) == len(set(ids))


def policy_of(text):
    return next(attrs["content"] for _, attrs in Parser(text).tags if attrs.get("http-equiv"))


@pytest.mark.parametrize("element", ["style", "script"])
def test_its_policy_lets_nothing_in_but_its_own_style_and_script(element):
    text = report_of(make_results())
    (inside,) = re.findall(rf"<{element}>(.*?)</{element}>", text, re.S)
    digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
    directives = dict(part.split(" ", 1) for part in policy_of(text).split("; "))
    assert directives["default-src"] == "'none'"
    assert directives[f"{element}-src"] == f"'sha256-{digest}'"
    assert "unsafe" not in policy_of(text)


def test_no_element_has_a_style_or_a_handler_of_its_own():
    names = {name for _, attrs in page().tags for name in attrs}
    assert not {name for name in names if name == "style" or name.startswith("on")}


def test_hostile_names_stay_text():
    text = report_of(make_results(models=["a", "b"], entrants={"a": {"display": HOSTILE}}))
    assert text.count("<script") == 1
    assert "\x1b" not in text
    assert "\\x1b[31m" in Parser(text).text


def test_hostile_shifts_and_metrics_stay_text():
    made = make_results(shifts=["identity", f"{HOSTILE}@1", f"{HOSTILE}@5"])
    renamed = made.scores.rename(mse=HOSTILE).assign_attrs(rank_by=HOSTILE, metrics=[HOSTILE])
    text = report_of(make_results(shifts=["identity", f"{HOSTILE}@1", f"{HOSTILE}@5"], scores=renamed))
    assert text.count("<script") == 1
    assert "\x1b" not in text


def test_hostile_reasons_stay_text():
    failure = {"task": "task", "model": "cnn", "shift": "identity", "seed": 0, "reason": HOSTILE}
    text = report_of(make_results(failed=[("cnn", "identity", 0)], failures=[failure]))
    assert text.count("<script") == 1
    assert "alert(1)" in Parser(text).text


def test_equal_results_give_equal_bytes():
    assert report_of(make_results()) == report_of(make_results())


def test_warnings_of_the_data_are_shown():
    assert "mind the gap" in page().text


def test_what_no_model_can_be_scored_by_is_told():
    made = make_results()
    made.scores.attrs["notes"] = ["task 'task': no score of 'excess_risk', which needs the noise"]
    assert "no score of 'excess_risk', which needs the noise." in Parser(report_of(made)).text


def test_a_score_that_is_missing_is_a_dash():
    failed = [("cnn", shift, seed) for shift in SHIFTS for seed in (0, 1)]
    board = rows_of(report_of(make_results(failed=failed)), "cnn")[0]
    # Rank, identity, shifted, its interval, worst shift, two metrics more, seeds.
    assert board == ["–", "–", "–", "", "–", "–", "–", "0/2"]


def test_a_model_whose_seeds_are_all_there_needs_no_column_of_seeds():
    assert len(rows_of(report_of(make_results()), "cnn")[0]) == 7


def test_the_board_says_what_a_shift_costs_at_its_worst():
    # Seeds are 0.2 apart: 1.0 and 1.2 on identity, 3.0 and 3.2 at the worst.
    board = rows_of(report_of(make_results()), "cnn")[0]
    assert (board[1], board[4]) == ("1.100", "3.100 assay_noise@3")


def test_a_shift_has_the_scores_of_every_severity():
    tables = rows_of(report_of(make_results()), "ridge")
    assert [cell.split(" ")[0] for cell in tables[-4]] == ["1.600", "1.700", "2.100"]


def test_the_report_says_how_far_each_shift_went():
    made = make_results()
    made.scores["gc_moved"].loc[{"shift": "gc_content@5"}] = 0.125
    made.scores["oracle_correlation"].loc[{"shift": "gc_content@5"}] = np.nan
    assert ["+0.125", "0", "–", "1.00", "1.00"] in rows_of(report_of(made), "gc_content@5")


def test_a_gap_of_coverages_beside_them_is_not_drawn_as_one():
    made = make_results()
    made.scores["coverage_gap"] = made.scores["coverage_95"].mean("shift").assign_attrs(direction="lower")
    made.scores.attrs["metrics"] = ["mse", "coverage_95", "coverage_gap"]
    assert "Does it know? coverage_95" in Parser(report_of(made)).text


def test_results_ranked_by_one_value_of_all_shifts_follow_another_metric():
    made = make_results()
    made.scores["gap"] = made.scores["mse"].mean("shift").assign_attrs(direction="lower")
    made.scores.attrs.update(rank_by="gap", metrics=["gap", "mse"])
    assert "mse (lower is better) from unshifted data" in Parser(report_of(made)).text


def test_results_without_a_metric_a_shift_are_refused():
    made = make_results()
    made.scores["gap"] = made.scores["mse"].mean("shift").assign_attrs(direction="lower")
    made.scores.attrs.update(rank_by="gap", metrics=["gap"])
    scores = made.scores.drop_vars(["mse", "pearson_r", "coverage_95"])
    with pytest.raises(InputError, match="no metric that has a value a shift was scored"):
        report_of(make_results(scores=scores))


@pytest.mark.parametrize(
    "options",
    [
        {"models": ["one"]},
        {"shifts": ["identity"]},
        {"shifts": ["identity", "strand"]},
        {"seeds": 1},
        {"models": [f"m{i}" for i in range(30)]},
        {"shifts": ["identity", *(f"s{i}@{k}" for i in range(40) for k in (1, 3, 5))]},
        {"entrants": {"cnn": {"badge": "control"}, "ridge": {"badge": "control"}}},
    ],
    ids=["one model", "no shift", "no severity", "one seed", "many models", "many shifts", "controls alone"],
)
def test_it_is_whole_whatever_was_run(options):
    assert "NaN" not in page(**options).text


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_it_is_whole_with_infinite_scores(value):
    made = make_results()
    made.scores["mse"].loc[{"model": "cnn", "shift": "gc_content@5"}] = value
    text = report_of(made)
    assert Parser(text).open == []
    assert not re.search(r'="[^"]*\b(?:nan|inf)\b[^"]*"', re.sub(r'(?:aria-label|title|class)="[^"]*"', "", text))


def test_a_report_of_quickstart_size_is_small():
    models, shifts = [f"model-{i}" for i in range(4)], ["identity", *(f"s{i}@{k}" for i in range(3) for k in (1, 3, 5))]
    assert len(report_of(make_results(models, shifts=shifts))) < 300_000


def test_models_of_ones_own_have_no_badges():
    assert not [attrs for tag, attrs in page().tags if "badge" in attrs.get("class", "").split()]


def test_what_a_model_has_seen_is_greyed():
    entrants = {"cnn": {"seen": {"task": frozenset(["gc_content@5"])}, "badge": "re-scored"}}
    made = page(entrants=entrants)
    # In the map of costs, in the scores by severity, and in the two other metrics at that shift.
    assert sum("seen" in attrs.get("class", "").split() for tag, attrs in made.tags if tag == "td") == 4
    assert "its makers say that the model has seen these data" in made.text


def test_the_verb_writes_a_report_of_a_run(toys, regharness, tmp_path):
    spec = {
        "name": "toy",
        "tasks": [{"name": "t", "data": {"use": "toy"}, "shifts": [{"use": "offset", "severity": [1, 5]}]}],
        "models": [{"name": "m", "use": "constant"}],
        "metrics": ["mse"],
    }
    (tmp_path / "s.yaml").write_text(json.dumps(spec))
    regharness("run", "s.yaml")
    assert regharness("report", "runs/toy", "-o", "page.html").stdout == "page.html\n"
    text = (tmp_path / "page.html").read_text()
    assert "<h1>toy</h1>" in text
    # Whatever the spec names, the curves of its predictions are drawn.
    assert "Risk coverage" in text


def test_an_entrant_is_called_what_it_wants_to_be_called():
    made = make_results(entrants={"cnn": {"display": "The Net"}})
    assert made.entrants["cnn"] == Entrant("cnn", "The Net")
    assert "The Net" in Parser(report_of(made)).text
