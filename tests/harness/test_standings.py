"""Who is ranked on a board of several makers, and on which shifts; checked by hand."""

import dataclasses

import numpy as np
import pytest
import xarray as xr

from regharness.errors import InputError
from regharness.leaderboard import build
from regharness.results import Entrant, Results
from regharness.standings import board_of
from regharness.testing.scores import make_scores

SHIFTS = ["identity", "gc@1", "gc@3", "noise@3"]
# Rows are shifts, columns seeds.
GOOD = [[1.0, 2.0], [1.0, 3.0], [2.0, 4.0], [6.0, 8.0]]
BAD = [[2.0, 2.0], [3.0, 5.0], [4.0, 6.0], [9.0, 9.0]]


def results(entrants, tables=None, **options):
    scores = make_scores({"mse": tables or {"bad": BAD, "good": GOOD}}, SHIFTS, **options)
    who = {name: Entrant(name, name, **entrants.get(name, {})) for name in scores["model"].values.tolist()}
    return Results("made", 1, scores, None, xr.Dataset(), who)


def seen(*shifts):
    return {"seen": {"task": frozenset(shifts)}}


def ranks(standings):
    return [(row.model, row.rank) for row in standings.board.rows]


def test_models_of_ones_own_are_ranked_as_their_scores_are():
    made = results({})
    assert board_of(made).board == build(made.scores)


def test_a_shift_that_a_ranked_entrant_has_seen_counts_for_nobody():
    # Without noise@3 per seed (1 + 2) / 2 and (3 + 4) / 2: the mean is 2.5.
    standings = board_of(results({"good": seen("noise@3")}))
    good = standings.board.rows[0]
    assert (good.shifted.mean, good.worst_shift, standings.counted["task"]) == (2.5, "gc@3", tuple(SHIFTS[:3]))


def test_who_has_seen_more_than_half_is_shown_without_a_rank_and_costs_nobody_a_shift():
    standings = board_of(results({"good": seen("gc@1", "gc@3")}))
    assert ranks(standings) == [("good", None), ("bad", 1)]
    assert standings.counted["task"] == tuple(SHIFTS)
    assert standings.aside == {("task", "good"): "seen"}


def test_several_entrants_cannot_empty_the_board_between_them():
    # Half of three shifts is one: "a" has seen one, and "b" another.
    made = results({"a": seen("gc@1"), "b": seen("gc@3")}, dict.fromkeys("abc", GOOD))
    standings = board_of(made)
    assert standings.aside == {("task", "b"): "seen"}
    assert standings.counted["task"] == ("identity", "gc@3", "noise@3")


def test_those_who_have_seen_the_fewest_are_ranked_first():
    shifts = ["identity", *(f"s{i}@1" for i in range(4))]
    table = {name: np.ones((5, 2)) for name in ("a", "b")}
    scores = make_scores({"mse": table}, shifts)
    who = {"a": Entrant("a", "a", **seen("s0@1", "s1@1")), "b": Entrant("b", "b", **seen("s2@1"))}
    assert board_of(Results("made", 1, scores, None, xr.Dataset(), who)).aside == {("task", "a"): "seen"}


def test_identity_counts_whoever_has_seen_it():
    standings = board_of(results({"good": seen("identity")}))
    assert ranks(standings) == [("good", 1), ("bad", 2)]
    assert standings.counted["task"] == tuple(SHIFTS)


def test_a_control_stands_at_its_place_without_a_rank():
    made = results({"control": {"badge": "control"}}, {"bad": BAD, "control": GOOD, "worse": np.add(BAD, 1)})
    assert ranks(board_of(made)) == [("control", None), ("bad", 1), ("worse", 2)]


def test_what_a_control_has_seen_counts_all_the_same():
    assert board_of(results({"good": {"badge": "control", **seen("gc@1")}})).counted["task"] == tuple(SHIFTS)


def test_self_reported_scores_have_no_rank_beside_checked_ones():
    made = results({"good": {"badge": "self-reported"}, "bad": {"badge": "re-scored"}})
    assert ranks(board_of(made)) == [("good", None), ("bad", 1)]


def test_self_reported_scores_are_ranked_among_themselves():
    made = results({"good": {"badge": "self-reported"}, "bad": {"badge": "control"}})
    assert ranks(board_of(made)) == [("good", 1), ("bad", None)]


def test_rank_ranges_are_of_the_ranked_alone():
    tables = {"a": GOOD, "b": np.add(GOOD, [[1.0, -1.0]]), "c": np.add(GOOD, [[-1.0, 1.0]])}
    row = board_of(results({"c": {"badge": "control"}}, tables)).board.rows[0]
    assert (row.rank_low, row.rank_high) == (1, 2)


def test_a_model_that_lacks_a_seed_comes_last():
    made = results({"bad": {"badge": "control"}}, failed=[("good", "gc@3", 1)])
    assert ranks(board_of(made)) == [("bad", None), ("good", None)]


def test_a_cell_that_failed_under_a_shift_that_does_not_count_costs_no_rank():
    made = results({"bad": seen("gc@3")}, failed=[("good", "gc@3", 1)])
    assert ranks(board_of(made)) == [("good", 1), ("bad", 2)]


def test_a_board_of_controls_alone_has_rows_and_no_rank():
    made = results({name: {"badge": "control"} for name in ("good", "bad")})
    assert ranks(board_of(made)) == [("good", None), ("bad", None)]


def test_one_value_of_all_shifts_ranks_nobody_who_has_seen_any():
    made = results({"good": seen("gc@1")})
    scores = made.scores.assign(gap=made.scores["mse"].mean("shift").assign_attrs(direction="lower"))
    assert ranks(board_of(dataclasses.replace(made, scores=scores), metric="gap")) == [("good", None), ("bad", 1)]


def test_one_value_of_all_shifts_is_not_shown_where_some_do_not_count():
    made = results({"good": seen("gc@1")})
    scores = made.scores.assign(gap=made.scores["mse"].mean("shift").assign_attrs(direction="lower"))
    scores.attrs["metrics"] = ["mse", "gap"]
    board = board_of(dataclasses.replace(made, scores=scores)).board
    assert [row.summaries["gap"] for row in board.rows] == [None, None]


def test_an_unknown_task_is_refused():
    with pytest.raises(InputError, match="no task named 'x'"):
        board_of(results({}), tasks=["x"])
