"""What leaderboards look like, and that hostile names stay text."""

import csv
import io
import json

import jsonschema
import pytest
from rich.console import Console

from regharness.board_plain import plain
from regharness.board_schema import board_schema
from regharness.comparison import compare
from regharness.leaderboard import build, matrix
from regharness.render import BoardView, render, to_markdown
from regharness.testing.scores import make_scores

SHIFTS = ["identity", "gc_content@3", "assay_noise@5"]
MSE = [[1.0, 2.0], [1.0, 3.0], [6.0, 8.0]]
HOSTILE = "[bold]x[/bold]\x1b[31m\u202e|<script>alert(1)</script>"


def view(models=("cnn", "ridge"), failed=(), by=None, metrics=("mse", "pearson_r", "coverage_95", "nll", "crps")):
    tables = {metric: dict.fromkeys(models, MSE) for metric in metrics}
    scores = make_scores(tables, SHIFTS, failed=failed)
    failures = [{"task": "task", "model": m, "shift": s, "seed": k, "reason": "it broke"} for m, s, k in failed]
    return BoardView(matrix(scores, by) if by else build(scores, failures=failures))


def compared(scores):
    return compare(scores, ["cnn", "ridge"])


def shown(board, width, **options):
    console = Console(file=io.StringIO(), width=width, **options)
    console.print(board)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 120, 200])
def test_no_line_is_longer_than_the_terminal_and_nothing_is_cut(width):
    text = shown(view(), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    assert "assay_noise@5" in text


def test_a_wide_terminal_shows_more_metrics_than_a_narrow_one():
    assert "coverage_95" in shown(view(), 200)
    assert "coverage_95" not in shown(view(), 80)


@pytest.mark.parametrize("width", [80, 120])
def test_more_models_than_fit_beside_each_other_stand_below_each_other(width):
    models = [f"model_number_{i}" for i in range(12)]
    text = shown(view(models, by="shift", metrics=("mse",)), width)
    assert max(map(len, text.splitlines())) <= width
    words = text.split()
    assert [word for word in words if word.startswith("model_number")] == models
    # Each part has its own row of every shift, with whole numbers in it.
    assert words.count("assay_noise@5") == words.count("identity") > 1
    assert text.count("7.000 ± 1.414") == 12


def test_mean_and_spread_are_shown():
    assert "1.500 ± 0.707" in shown(view(), 120)


def test_a_missing_score_is_a_dash():
    text = shown(view(failed=[("cnn", shift, seed) for shift in SHIFTS for seed in (0, 1)]), 120)
    line = next(line for line in text.splitlines() if "cnn" in line)
    assert line.split()[:6] == ["-", "cnn", "-", "-", "-", "-"]
    assert line.split()[-1] == "0/2"


def test_failures_are_counted_and_the_first_ones_listed():
    failed = [("cnn", shift, seed) for shift in SHIFTS for seed in (0, 1)]
    text = shown(view(failed=failed), 120)
    assert "failed cells: 6" in text
    assert "task: cnn, identity, seed 0: it broke" in text
    assert "and 1 more" in text


def test_hostile_names_stay_text_in_a_terminal():
    text = shown(view(models=[HOSTILE]), 300, force_terminal=False)
    assert "[bold]x[/bold]" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_hostile_names_stay_text_in_markdown():
    text = render([view(models=[HOSTILE])], "markdown")
    assert "\x1b" not in text
    assert "<script" not in text.replace("\\<script", "")
    assert len({line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("|")}) == 1


def test_hostile_names_stay_text_in_a_notebook():
    html = view(models=[HOSTILE])._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_a_spreadsheet_runs_no_name(start):
    rows = list(csv.DictReader(io.StringIO(render([view(models=[start + "cmd"])], "csv"))))
    assert rows[0]["model"] == "'" + start + "cmd"


def test_csv_has_numbers_in_full():
    rows = list(csv.DictReader(io.StringIO(render([view()], "csv"))))
    assert float(rows[0]["identity_sd"]) == pytest.approx(0.5**0.5, rel=1e-15)


@pytest.mark.parametrize("by", ["shift", "severity"])
def test_csv_of_a_matrix_has_a_line_a_model_and_column(by):
    rows = list(csv.DictReader(io.StringIO(render([view(by=by)], "csv"))))
    assert len(rows) == 2 * 3
    assert rows[0][by] in ("identity", "0")


def test_json_has_the_documented_keys():
    value = json.loads(render([view()], "json"))
    assert {"schema_version", "name", "rank_by", "direction", "seeds", "over", "rows", "failures"} <= set(value)
    assert value["schema_version"] == 1
    assert set(value["rows"][0]["identity"]) == {"mean", "sd", "seeds", "low", "high"}


@pytest.mark.parametrize("kind", ["leaderboard", "matrix", "comparison"])
@pytest.mark.parametrize("failed", [(), [("cnn", "gc_content@3", 1)]])
def test_json_keeps_to_its_published_schema(kind, failed):
    scores = make_scores({"mse": {"cnn": MSE, "ridge": [[2.0, 2.5]] * 3}}, SHIFTS, failed=failed)
    boards = {"leaderboard": build, "matrix": lambda s: matrix(s, "shift"), "comparison": compared}
    schema = board_schema(kind)

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(render([BoardView(boards[kind](scores))], "json")), schema)


@pytest.mark.parametrize("kind", ["leaderboard", "matrix", "comparison"])
def test_published_schema_refuses_a_board_without_its_name(kind):
    scores = make_scores({"mse": {"cnn": MSE, "ridge": MSE}}, SHIFTS)
    boards = {"leaderboard": build, "matrix": lambda s: matrix(s, "shift"), "comparison": compared}
    value = plain(boards[kind](scores))
    del value["name"]

    with pytest.raises(jsonschema.ValidationError, match="'name' is a required property"):
        jsonschema.validate(value, board_schema(kind))


@pytest.mark.parametrize("width", [80, 160])
def test_columns_that_a_reader_chose_are_all_shown(width):
    scores = make_scores({name: {"cnn": MSE, "ridge": MSE} for name in ("mse", "pearson_r", "nll", "crps")}, SHIFTS)
    text = shown(BoardView(build(scores, columns=["crps", "nll", "pearson_r"])), width)

    assert all(name in text for name in ("crps", "nll", "pearson_r"))
    assert max(map(len, text.splitlines())) <= width


def test_models_that_cannot_be_told_apart_share_a_range_of_ranks():
    scores = make_scores({"mse": {"a": MSE, "b": [[1.1, 1.9], [1.2, 2.9], [5.0, 9.0]]}}, SHIFTS)
    text = shown(BoardView(build(scores)), 160)

    assert text.count("1–2") == 2
    assert "cannot tell the models in it apart" in text


def test_one_seed_is_said_to_have_no_interval():
    text = shown(BoardView(build(make_scores({"mse": {"a": [[1.0]]}}, ["identity"]))), 160)

    assert "one seed, so no spread and no interval" in text


def test_hostile_names_stay_text_in_a_comparison():
    scores = make_scores({"mse": {HOSTILE: MSE, "b": MSE}}, SHIFTS)
    view = BoardView(compare(scores, [HOSTILE, "b"]))

    assert "\x1b" not in shown(view, 400)
    assert "<script>" not in view._repr_html_()


def test_csv_of_a_comparison_has_a_line_a_shift_and_one_for_all():
    scores = make_scores({"mse": {"cnn": MSE, "ridge": [[2.0, 2.5]] * 3}}, SHIFTS)
    rows = list(csv.DictReader(io.StringIO(render([BoardView(compared(scores))], "csv"))))

    assert [row["shift"] for row in rows] == [*SHIFTS, "all shifts"]
    assert float(rows[0]["difference"]) == 1.5 - 2.25


def test_json_of_several_runs_is_a_list():
    assert len(json.loads(render([view(), view()], "json"))) == 2


def test_an_infinite_score_is_a_text_in_json():
    scores = make_scores({"nll": {"a": [[float("inf")]]}}, ["identity"])
    text = json.dumps(plain(build(scores)), allow_nan=False)
    assert json.loads(text)["rows"][0]["identity"]["mean"] == "inf"


def test_a_view_lists_its_rows():
    assert [row["model"] for row in view().rows] == ["cnn", "ridge"]


def test_markdown_neither_strikes_nor_decodes_a_name():
    text = to_markdown(build(make_scores({"mse": {"~~s~~ &lt;": [[1.0], [2.0]]}}, ["identity", "gc@1"])))
    assert r"| \~\~s\~\~ \&lt; |" in text
