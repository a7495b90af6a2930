"""What leaderboards look like, and that hostile names stay text."""

import csv
import io
import json
import re

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


def on_terminal(board, width):
    return shown(board, width, force_terminal=True, color_system=None)


@pytest.mark.parametrize("width", [80, 120, 200])
def test_no_line_is_longer_than_the_terminal_and_nothing_is_cut(width):
    text = on_terminal(view(), width)
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
    assert words.count("7.000") == 12


def test_a_matrix_without_room_for_spreads_says_that_they_are_left_out():
    text = shown(view(["one", "two", "three", "four"], by="shift", metrics=("mse",)), 60)
    assert "7.000" in text
    assert "±" not in text
    assert "its spread left out to fit" in text


def test_a_comparison_without_room_says_what_is_left_out():
    scores = make_scores({"mse": {"cnn": MSE, "ridge": [[2.0, 2.5]] * 3}}, SHIFTS)
    text = on_terminal(BoardView(compared(scores)), 60)
    assert "left out to fit" in text
    assert "[" in text
    assert max(map(len, text.splitlines())) <= 60


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


def test_a_name_too_long_for_a_terminal_is_folded_after_punctuation():
    name = "deep_convolutional_ensemble_with_a_motif_prior_calibrated"
    lines = on_terminal(view([name, "cnn"], metrics=("mse",)), 80).splitlines()
    start = lines[2].index("model")
    cells = [line[start : lines[2].index("identity")].split("  ")[0].strip() for line in lines[4 : lines.index("")]]
    pieces = [cell for cell in cells if cell not in ("", "cnn")]
    assert "".join(pieces) == name
    assert all(piece.endswith(("_", "calibrated")) for piece in pieces)
    assert max(map(len, lines)) <= 80


def test_numbers_of_a_column_stand_below_each_other():
    tables = {"mse": {"a": [[0.5, 0.6], [1.0, 1.5]], "b": [[50.0, 60.0], [99.0, 100.0]]}}
    lines = shown(BoardView(build(make_scores(tables, ["identity", "gc@1"]))), 160).splitlines()
    first, second = (next(line for line in lines if f" {name} " in line) for name in "ab")
    for mark in ("±", "[", ",", "]"):
        assert first.index(mark) == second.index(mark)
    assert [i for i, c in enumerate(first) if c == "."] == [i for i, c in enumerate(second) if c == "."]


def test_a_mark_tells_the_first_model_without_colour_where_its_rank_does_not():
    scores = make_scores({"mse": {"a": MSE, "b": [[1.1, 1.9], [1.2, 2.9], [5.0, 9.0]]}}, SHIFTS)
    board = build(scores)
    lines = shown(BoardView(board), 160).splitlines()
    assert [line.split()[1] for line in lines if line.startswith("*1–2")] == [board.rows[0].model]


def test_the_best_row_is_bold_and_no_other():
    text = shown(view(["a", "b", "c"]), 160, force_terminal=True, color_system="standard")
    bold = [line for line in text.splitlines() if line.startswith("\x1b[1m")]
    assert "lower is better" in bold[0]
    assert len(bold) == 1 + sum(row.rank == 1 for row in view(["a", "b", "c"]).board.rows)


@pytest.mark.parametrize("width", [80, 200])
def test_only_failures_are_coloured_and_by_the_terminals_own_red(width):
    failed = [("cnn", "identity", 0)]
    text = shown(view(failed=failed), width, force_terminal=True, color_system="truecolor")
    assert set(re.findall(r"\x1b\[([\d;]*)m", text)) == {"0", "1", "1;31"}


def test_a_long_reason_stays_one_line_in_a_pipe():
    reason = "it broke " * 30
    scores = make_scores({"mse": {"a": MSE}}, SHIFTS, failed=[("a", "identity", 0)])
    failures = [{"task": "task", "model": "a", "shift": "identity", "seed": 0, "reason": reason}]
    board = BoardView(build(scores, failures=failures))
    assert any(reason.strip() in line for line in render([board], "table").splitlines())
    assert not any(reason.strip() in line for line in on_terminal(board, 80).splitlines())


def test_seeds_are_counted_only_where_some_are_missing():
    assert "seeds\n" not in shown(view(), 160)
    assert "1/2" in shown(view(failed=[("cnn", "identity", 0)]), 160)


def test_a_board_prints_as_its_table():
    assert repr(view()).startswith("task: mse, lower is better\n")


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
