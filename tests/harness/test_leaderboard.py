"""Ranks, means and spreads, checked by hand."""

import numpy as np
import pytest
import scipy.stats
import xarray as xr

from regharness.errors import InputError
from regharness.leaderboard import build, matrix
from regharness.score_tables import Value
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
    identity = row(build(scores()), "good").identity
    assert (identity.mean, identity.sd, identity.seeds) == (1.5, pytest.approx(np.sqrt(0.5)), 2)


def test_shifted_is_the_mean_over_shifts_without_identity():
    # Per seed (1 + 2 + 6) / 3 = 3 and (3 + 4 + 8) / 3 = 5.
    shifted = row(build(scores()), "good").shifted
    assert (shifted.mean, shifted.sd, shifted.seeds) == (4.0, pytest.approx(np.sqrt(2.0)), 2)


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
    spots = build(both).rows[0].metrics["r"]
    assert (spots.identity.mean, spots.worst.mean) == (pytest.approx(0.8), pytest.approx(0.3))


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
    third = table.values["task", "good"][2]
    assert (third.mean, third.sd, third.seeds) == (5.0, pytest.approx(np.sqrt(2.0)), 2)


def test_a_missing_cell_of_a_matrix_is_none():
    failed = [("good", "gc@1", 0), ("good", "gc@1", 1)]
    assert matrix(scores(failed=failed), "shift").values["task", "good"][1] is None


def test_without_blocks_the_interval_is_that_of_a_t_test_over_seeds():
    seeds = [1.0, 2.0, 4.0]
    board = build(make_scores({"mse": {"a": [seeds]}}, ["identity"]))
    low, high = scipy.stats.t.interval(0.95, 2, np.mean(seeds), scipy.stats.sem(seeds))

    assert (board.over, board.rows[0].identity.low, board.rows[0].identity.high) == (
        "seeds", pytest.approx(low), pytest.approx(high),
    )  # fmt: skip


def blocks_of(values):
    """Blocks ``(model, shift, seed, block)`` of the metric mse."""
    dims = ("task", "model", "shift", "seed", "block")
    coords = {"task": ["task"], "model": ["a", "b"], "shift": ["identity", "gc@1"], "seed": [0, 1, 2]}
    return xr.Dataset({"mse": (dims, np.array(values)[None])}, coords)


def test_models_that_differ_alike_in_every_seed_and_block_have_ranks_of_their_own():
    rng = np.random.default_rng(0)
    hard = rng.normal(size=(1, 2, 3, 20))
    values = np.concatenate([hard, hard + 0.5 + rng.normal(0, 0.05, hard.shape)])
    scores = make_scores({"mse": {m: values[i].mean(-1) for i, m in enumerate("ab")}}, ["identity", "gc@1"])
    board = build(scores, blocks=blocks_of(values))

    assert board.over == "seeds and examples"
    assert [(r.model, r.rank, r.rank_low, r.rank_high) for r in board.rows] == [("a", 1, 1, 1), ("b", 2, 2, 2)]


def test_models_that_differ_by_chance_share_their_range_of_ranks():
    values = np.random.default_rng(1).normal(size=(2, 2, 3, 20))
    scores = make_scores({"mse": {m: values[i].mean(-1) for i, m in enumerate("ab")}}, ["identity", "gc@1"])

    assert {(r.rank_low, r.rank_high) for r in build(scores, blocks=blocks_of(values)).rows} == {(1, 2)}


def test_one_seed_gives_a_rank_without_a_range():
    first = build(make_scores({"mse": {"a": [[2.0]], "b": [[1.0]]}}, ["identity"])).rows[0]
    assert (first.model, first.rank, first.rank_low, first.rank_high, first.identity.low) == ("b", 1, None, None, None)


def test_shifts_that_all_agree_on_the_order_have_mean_ranks_that_are_whole():
    tables = {m: [[k + s, k + s] for s in range(6)] for k, m in enumerate("abc")}
    board = build(make_scores({"mse": tables}, ["identity", *(f"gc@{s}" for s in range(1, 6))]))

    assert dict(board.concordance["task"].mean_ranks) == {"a": 1.0, "b": 2.0, "c": 3.0}
    assert board.concordance["task"].p_value == 0.0


def test_interquartile_mean_leaves_the_extreme_quarters_out():
    # Eight runs of four shifts; the middle half of 1..7 and 1000 is 3, 4, 5, 6.
    board = build(make_scores({"mse": {"a": [[0.0, 0.0], [1, 2], [3, 4], [5, 6], [7, 1000.0]]}}, ["identity", *"wxyz"]))
    assert board.rows[0].shifted_iqm.estimate == 4.5


def test_a_metric_of_all_shifts_is_a_summary():
    both = make_scores({"mse": {"a": GOOD}}, SHIFTS)
    both["worst"] = both["mse"].isel(shift=3, drop=True).assign_attrs(direction="lower")
    board = build(both)

    assert (board.metrics, board.summaries, board.rows[0].summaries["worst"].mean) == ((), ("worst",), 7.0)


def test_a_curve_is_no_column():
    both = make_scores({"mse": {"a": GOOD}}, SHIFTS)
    both["curve"] = both["mse"].expand_dims(level=[0.5]).assign_attrs(direction="lower")

    assert (build(both).metrics, build(both).summaries) == ((), ())


def test_an_unknown_column_is_refused():
    with pytest.raises(InputError, match=r"no such column: no metric named 'msr'"):
        build(scores(), columns=["msr"])


def test_models_can_be_ranked_by_a_metric_of_all_shifts():
    both = make_scores({"mse": {"bad": BAD, "good": GOOD}}, SHIFTS)
    both["worst"] = both["mse"].isel(shift=3, drop=True).assign_attrs(direction="lower")
    board = build(both, rank_by="worst")

    assert [(r.model, r.rank, r.identity, r.shifted.mean, r.worst_shift) for r in board.rows] == [
        ("good", 1, None, 7.0, None), ("bad", 2, None, 9.0, None),
    ]  # fmt: skip


def test_a_metric_of_all_shifts_has_no_matrix():
    both = make_scores({"mse": {"a": GOOD}}, SHIFTS)
    both["worst"] = both["mse"].isel(shift=3, drop=True).assign_attrs(direction="lower")

    with pytest.raises(InputError, match="metric 'worst' is one value of all shifts"):
        matrix(both, "shift", metric="worst")


def test_an_infinite_score_has_no_spread_and_still_ranks_before_a_missing_one():
    infinite = [GOOD[0], *[[np.inf, np.inf]] * 3]
    board = build(
        make_scores({"mse": {"lacking": GOOD, "infinite": infinite}}, SHIFTS, failed=[("lacking", "gc@1", 0)])
    )

    assert [(r.model, r.rank) for r in board.rows] == [("infinite", 1), ("lacking", None)]
    assert row(board, "infinite").shifted == Value(np.inf, None, 2)
