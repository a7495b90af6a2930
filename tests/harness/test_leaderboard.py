"""Ranks, means and spreads, checked by hand."""

import numpy as np
import pytest

from regharness.errors import InputError
from regharness.leaderboard import Value, build, matrix
from regharness.testing.scores import make_scores

SHIFTS = ["identity", "gc@1", "gc@3", "noise@3"]
# Rows are shifts, columns seeds.
GOOD = [[1.0, 2.0], [1.0, 3.0], [2.0, 4.0], [6.0, 8.0]]
BAD = [[2.0, 2.0], [3.0, 5.0], [4.0, 6.0], [9.0, 9.0]]


def scores(**options):
    return make_scores({"mse": {"bad": BAD, "good": GOOD}}, SHIFTS, **options)


def row(board, model):
    return next(row for row in board.rows if row.model == model)


def test_identity_is_the_mean_over_seeds_with_its_spread():
    # 1 and 2: mean 1.5, standard deviation sqrt(0.5).
    assert row(build(scores()), "good").identity == Value(1.5, pytest.approx(np.sqrt(0.5)), 2)


def test_shifted_is_the_mean_over_shifts_without_identity():
    # Per seed (1 + 2 + 6) / 3 = 3 and (3 + 4 + 8) / 3 = 5.
    assert row(build(scores()), "good").shifted == Value(4.0, pytest.approx(np.sqrt(2.0)), 2)


def test_the_worst_shift_is_the_one_whose_mean_is_worst():
    good = row(build(scores()), "good")
    assert (good.worst_shift, good.worst.mean) == ("noise@3", 7.0)


def test_models_are_ranked_by_their_mean_over_shifts():
    assert [(r.model, r.rank) for r in build(scores()).rows] == [("good", 1), ("bad", 2)]


def test_where_higher_is_better_the_order_turns():
    board = build(scores(directions={"mse": "higher"}))
    assert [(r.model, r.rank, r.worst_shift) for r in board.rows] == [("bad", 1, "gc@1"), ("good", 2, "gc@1")]


def test_a_target_value_ranks_by_the_distance_from_it():
    # Means over shifts are 4 and 6.
    board = build(scores(directions={"mse": 6.5}))
    assert [(r.model, r.rank) for r in board.rows] == [("bad", 1), ("good", 2)]


def test_equal_models_share_a_rank():
    board = build(make_scores({"mse": {"a": GOOD, "b": GOOD, "c": BAD}}, SHIFTS))
    assert [(r.model, r.rank) for r in board.rows] == [("a", 1), ("b", 1), ("c", 3)]


def test_without_shifts_models_are_ranked_on_identity():
    board = build(make_scores({"mse": {"a": [[2.0]], "b": [[1.0]]}}, ["identity"]))
    assert [(r.model, r.rank, r.shifted, r.worst) for r in board.rows] == [("b", 1, None, None), ("a", 2, None, None)]


def test_one_seed_has_no_spread():
    board = build(make_scores({"mse": {"a": [[2.0], [3.0]]}}, ["identity", "gc@1"]))
    assert board.rows[0].identity == Value(2.0, None, 1)


def test_a_model_with_a_failed_cell_is_shown_but_not_ranked():
    board = build(scores(failed=[("good", "gc@3", 1)]))
    good = row(board, "good")
    assert (good.rank, good.seeds_done, good.seeds, good.cells_failed) == (None, 1, 2, 1)
    assert [r.model for r in board.rows] == ["bad", "good"]


def test_a_seed_with_a_failed_cell_is_left_out_of_the_shifted_mean_and_kept_in_identity():
    good = row(build(scores(failed=[("good", "gc@3", 1)])), "good")
    assert good.shifted == Value(3.0, None, 1)
    assert good.identity.mean == 1.5


def test_a_model_that_failed_everywhere_has_no_value_at_all():
    failed = [("good", shift, seed) for shift in SHIFTS for seed in (0, 1)]
    good = row(build(scores(failed=failed)), "good")
    assert (good.identity, good.shifted, good.worst, good.worst_shift, good.rank) == (None,) * 5


def test_other_metrics_are_shown_on_identity_and_at_the_worst_shift():
    both = make_scores({"mse": {"a": GOOD}, "r": {"a": [[0.9, 0.7], [0.8, 0.8], [0.5, 0.5], [0.2, 0.4]]}}, SHIFTS)
    identity, worst = build(both).rows[0].metrics["r"]
    assert (identity.mean, worst.mean) == (pytest.approx(0.8), pytest.approx(0.3))


def test_another_metric_can_rank():
    both = make_scores(
        {"mse": {"a": GOOD, "b": BAD}, "r": {"a": np.zeros((4, 2)), "b": np.ones((4, 2))}},
        SHIFTS,
        directions={"r": "higher"},
    )
    assert [r.model for r in build(both, rank_by="r").rows] == ["b", "a"]


def test_metrics_keep_the_order_of_the_spec():
    tables = {name: {"a": GOOD} for name in ("mse", "zeta", "alpha")}
    assert build(make_scores(tables, SHIFTS)).metrics == ("zeta", "alpha")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rank_by": "msr"}, "no metric named 'msr'; did you mean 'mse'?"),
        ({"tasks": ["tusk"]}, "no task named 'tusk'; did you mean 'task'?"),
    ],
)
def test_an_unknown_name_is_refused(options, message):
    with pytest.raises(InputError, match=message.replace("?", r"\?")):
        build(scores(), **options)


def test_a_matrix_by_shift_has_a_column_a_shift():
    table = matrix(scores(), "shift")
    assert table.columns["task"] == tuple(SHIFTS)
    assert [value.mean for value in table.values["task", "good"]] == [1.5, 2.0, 3.0, 7.0]


def test_a_matrix_by_severity_averages_the_operators_that_have_it():
    table = matrix(scores(), "severity")
    assert table.columns["task"] == ("0", "1", "3")
    # Severity 3 of seed 0: (2 + 6) / 2 = 4, of seed 1: (4 + 8) / 2 = 6.
    assert table.values["task", "good"][2] == Value(5.0, pytest.approx(np.sqrt(2.0)), 2)


def test_a_missing_cell_of_a_matrix_is_none():
    failed = [("good", "gc@1", 0), ("good", "gc@1", 1)]
    assert matrix(scores(failed=failed), "shift").values["task", "good"][1] is None
