"""Where figures of a report put what they draw, checked by hand."""

import numpy as np
import pytest
from pages import SHIFTS, make_results

from regharness.standings import board_of
from regharness_report import line_plots
from regharness_report.addresses import address, anchor
from regharness_report.axes import close_axis, round_axis
from regharness_report.boards import board_rows
from regharness_report.drill_down import growth_plots, operator_view
from regharness_report.heat import heat_map
from regharness_report.model_view import model_task
from regharness_report.profile import profile
from regharness_report.robustness import robustness
from regharness_report.shades import Shade, cost_text
from regharness_report.stage import stage_of
from regharness_report.task_view import task_view


def stage(*args, **options):
    results = make_results(*args, **options)
    return stage_of(results, board_of(results), "task")


def control(*models):
    return {model: {"badge": "control"} for model in models}


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0.0, 1.0], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ([0.31, 0.84], ["0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9"]),
        ([3.0, 96.0], ["0", "20", "40", "60", "80", "100"]),
        ([-0.004, 0.006], ["-0.004", "-0.002", "0.000", "0.002", "0.004", "0.006"]),
    ],
)
def test_ticks_are_round_and_hold_all_values(values, ticks):
    assert [text for _, text in round_axis(values, 0, 100).marks] == ticks


@pytest.mark.parametrize("values", [[], [2.0], [0.0, 0.0], [float("nan"), float("inf")]])
def test_an_axis_of_nothing_much_has_a_length(values):
    assert round_axis(values, 0, 100).high > round_axis(values, 0, 100).low


def test_a_quarter_is_not_told_as_a_third_of_a_tick():
    axis = round_axis([0.0, 1.0], 0, 100)
    quarters = type(axis)(0.0, 1.0, 0, 100, (0.0, 0.25, 0.5))
    assert quarters.marks == [(0.0, "0.00"), (25.0, "0.25"), (50.0, "0.50")]


def test_a_close_axis_leaves_a_little_room_at_its_ends():
    axis = close_axis([1.0, 2.0], 0, 100, margin=0.25)
    assert (axis.low, axis.high, axis(1.0)) == (0.75, 2.25, pytest.approx(100 / 6, abs=0.05))


def test_degradation_is_shifted_minus_identity():
    rows = {actor.model: cells for actor, cells in heat_map(stage()).rows}
    assert [cell.text for cell in rows["cnn"]] == ["+0.100", "+0.500", "+2.000"]


def test_where_higher_is_better_a_fall_is_a_cost():
    on = stage()
    on.results.scores.attrs["rank_by"] = "pearson_r"
    on = stage_of(on.results, board_of(on.results), "task")
    rows = {actor.model: cells for actor, cells in heat_map(on).rows}
    # 0.9 less a tenth of 1.0, 1.1, 1.5 and 3.0.
    assert [cell.text for cell in rows["cnn"]] == ["+0.010", "+0.050", "+0.200"]


def test_the_worst_cost_is_the_darkest_and_no_cost_has_no_shade():
    shade = Shade(2.0)
    assert [shade(cost) for cost in (2.0, 9.0, 0.0, -2.0, float("nan"))] == ["w8", "w8", "w0", "b3", "gone"]


def test_a_control_does_not_tell_how_dark_shades_are():
    made = make_results(["cnn", "wild"], control("wild"))
    made.scores["mse"].loc[{"model": "wild", "shift": "assay_noise@3"}] = 1000.0
    assert stage_of(made, board_of(made), "task").shade.worst == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("cost", "text"),
    [(0.1234, "+0.123"), (-0.5, "−0.500"), (-0.0001, "0.000"), (1234.5, "+1.23e+03"), (float("nan"), "–")],
)
def test_costs_are_told_with_their_sign(cost, text):
    assert cost_text(cost) == text


def test_of_very_many_shifts_the_map_has_the_strongest_of_each_operator():
    made = heat_map(stage(shifts=["identity", *(f"s{i}@{k}" for i in range(40) for k in (1, 3, 5))]))
    assert (made.left_out, [severities for _, severities in made.groups]) == (True, [(5,)] * 40)


def test_a_plot_starts_at_identity_and_marks_every_severity():
    (plot,) = growth_plots(stage(), "mse", ["gc_content"])
    assert (plot.title, [text for _, text in plot.x_marks]) == ("gc_content", ["0", "1", "5"])


def test_a_line_is_where_its_scores_are():
    (plot,) = growth_plots(stage(["cnn"]), "mse", ["gc_content"])
    (line,) = plot.lines
    places = [tuple(map(float, point.split())) for point in line.path.removeprefix("M").split("L")]
    left, right = line_plots.LEFT, line_plots.WIDTH - line_plots.RIGHT
    assert [x for x, _ in places] == pytest.approx([left, left + (right - left) / 5, right], abs=0.06)
    # 1.1, 1.2 and 1.6, the mean over seeds, on an axis that runs upwards.
    y = {text: place for place, text in plot.y_marks}
    unit = (y["1.6"] - y["1.1"]) / 0.5
    assert [(at - y["1.1"]) / unit + 1.1 for _, at in places] == pytest.approx([1.1, 1.2, 1.6], abs=0.01)


def test_a_line_breaks_where_a_score_is_missing():
    failed = [("cnn", "gc_content@1", seed) for seed in (0, 1)]
    (plot,) = growth_plots(stage(["cnn"], failed=failed), "mse", ["gc_content"])
    assert plot.lines[0].path.count("M") == 2


def test_a_control_does_not_stretch_the_axis():
    made = make_results(["cnn", "wild"], control("wild"))
    made.scores["mse"].loc[{"model": "wild"}] = 1000.0
    (plot,) = growth_plots(stage_of(made, board_of(made), "task"), "mse", ["gc_content"])
    assert float(plot.y_marks[-1][1]) < 3
    assert [line.label_y for line in plot.lines if line.actor.model == "wild"] == [None]


def test_labels_do_not_cover_each_other_and_stay_on_the_drawing():
    (plot,) = growth_plots(stage(list("abcdef")), "coverage_95", ["gc_content"])
    places = sorted(line.label_y for line in plot.lines)
    assert (np.diff(places) >= line_plots.GAP - 0.06).all()
    assert places[0] >= line_plots.TOP
    assert places[-1] <= line_plots.HEIGHT - line_plots.BOTTOM + 2


def test_the_best_six_have_colours_and_the_rest_is_grey_behind_them():
    (plot,) = growth_plots(stage(list("abcdefgh")), "mse", ["gc_content"])
    tones = [line.actor.tone for line in plot.lines]
    assert tones == ["rest", "rest", "c5", "c4", "c3", "c2", "c1", "c0"]
    assert plot.lines[-1].actor.model == "a"


def test_a_control_has_no_colour_and_takes_none_from_others():
    cast = stage(list("abc"), control("a")).cast
    assert [actor.tone for actor in cast.values()] == ["control", "c0", "c1"]


def test_a_long_name_is_cut_beside_a_drawing_and_nowhere_else():
    actor = stage(["x" * 40]).cast["x" * 40]
    assert (len(actor.label), actor.display) == (15, "x" * 40)


def test_figures_leave_out_what_nobody_has_checked_where_others_are_checked():
    on = stage(["a", "b"], {"a": {"badge": "self-reported"}, "b": {"badge": "re-scored"}})
    (plot,) = growth_plots(on, "mse", ["gc_content"])
    assert [line.actor.model for line in plot.lines] == ["b"]
    assert [actor.model for actor, _ in heat_map(on).rows] == ["b"]
    assert [actor.model for actor, _ in operator_view(on, "gc_content").scores.rows] == ["a", "b"]


def points(*scores):
    cast = list(stage([f"m{i}" for i in range(len(scores))]).cast.values())
    return [(actor, a, b) for actor, (a, b) in zip(cast, scores, strict=True)]


def test_effective_robustness_is_the_distance_to_the_line_of_all():
    # Least squares through (0, 1), (1, 2) and (2, 0): 1.5 - 0.5 x.
    found = robustness(points((0.0, 1.0), (1.0, 2.0), (2.0, 0.0)), "mse", "lower")
    assert found.slope == pytest.approx(-0.5)
    gains = {point.actor.model: point.gain for point in found.points}
    assert gains == {"m0": pytest.approx(0.5), "m1": pytest.approx(-1.0), "m2": pytest.approx(0.5)}


def test_where_higher_is_better_what_lies_above_the_line_is_robust():
    found = robustness(points((0.0, 1.0), (1.0, 2.0), (2.0, 0.0)), "pearson_r", "higher")
    assert {point.actor.model: point.gain > 0 for point in found.points} == {"m0": False, "m1": True, "m2": False}


def test_two_models_tell_no_line():
    assert robustness(points((0.0, 1.0), (1.0, 2.0)), "mse", "lower").fit is None


def test_one_model_is_compared_with_nobody():
    assert robustness(points((0.0, 1.0)), "mse", "lower") is None


def test_a_control_counts_for_no_line_and_is_drawn_at_the_edge():
    cast = stage(list("abcd"), control("d")).cast
    scores = [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (50.0, 0.0)]
    found = robustness([(cast[model], *xy) for model, xy in zip("abcd", scores, strict=True)], "mse", "lower")
    assert found.slope == pytest.approx(1.0)
    assert [point.actor.model for point in found.points if point.outside] == ["d"]


def test_labels_of_points_do_not_cover_each_other():
    found = robustness(points(*((0.01 * i, 0.01 * i) for i in range(6))), "mse", "lower")
    boxes = [(p.label[0], p.label[1]) for p in found.points if p.label is not None]
    assert len(boxes) == len(set(boxes)) > 1


def test_ranks_that_may_be_anywhere_have_a_whisker_over_all():
    board = board_rows(stage(list("abc")))
    ends = {(row.rank_range.low, row.rank_range.high) for row in board.rows}
    # Three models a constant apart are told apart, so each whisker is a point.
    assert len(ends) == 3
    assert all(low == high for low, high in ends)


def test_self_reported_rows_are_hidden_beside_others_and_shown_alone():
    mixed = board_rows(stage(["a", "b"], {"a": {"badge": "self-reported"}, "b": {"badge": "re-scored"}}))
    alone = board_rows(stage(["a", "b"], {"a": {"badge": "self-reported"}, **control("b")}))
    assert (mixed.hides, mixed.only_self_reported) == (True, False)
    assert (alone.hides, alone.only_self_reported) == (False, True)


def test_a_metric_with_a_best_value_is_sorted_by_the_distance_to_it():
    made = make_results(["a"])
    made.scores["coverage_95"].loc[{"shift": "assay_noise@3"}] = 0.75
    row = board_rows(stage_of(made, board_of(made), "task")).rows[0]
    assert (row.cells[-1].text, float(row.cells[-1].key)) == ("0.900 → 0.750", pytest.approx(0.2))


def test_an_operator_costs_what_it_costs_the_median_ranked_model():
    made = make_results(list("abc"), control("c"))
    for model, score in zip("abc", (5.0, 3.0, 100.0), strict=True):
        made.scores["mse"].loc[{"model": model, "shift": "gc_content@5"}] = score
    found = operator_view(stage_of(made, board_of(made), "task"), "gc_content")
    # From 1.1 to 5 and from 1.6 to 3: 3.9 and 1.4, whose median is 2.65.
    assert (found.cost, found.best) == ("+2.650", "b 3.000")


def test_curves_are_of_identity_and_of_the_mean_over_shifts_at_their_strongest():
    view = task_view(stage(), lambda operator: "")
    (risk,) = [group for group in view.curves if not group.promises]
    assert [plot.title for plot in risk.plots] == ["on identity", "under shift, at its strongest"]
    # Heights of 1 and 2 times the fraction retained.
    assert [(model, values[-1]) for _, model, values in risk.table[:2]] == [("cnn", "1.000"), ("ridge", "2.000")]


def test_a_curve_whose_labels_are_their_own_targets_has_the_diagonal():
    view = task_view(stage(), lambda operator: "")
    (promise,) = [group for group in view.curves if group.promises]
    (line, *_) = promise.plots[0].lines
    assert promise.plots[0].reference == line.path


def test_curves_that_nobody_has_are_left_out():
    made = make_results()
    empty = make_results(curves=made.curves.drop_vars(list(made.curves)))
    assert task_view(stage_of(empty, board_of(empty), "task"), lambda operator: "").curves == []


def test_a_profile_holds_a_model_against_the_middle_of_the_ranked():
    found = profile(stage([f"m{i}" for i in range(11)]), "m0")
    assert [row.operator for row in found.rows] == ["identity", "gc_content", "assay_noise"]
    # The best of eleven lies left of the middle eight tenths.
    assert all(row.marks[-1].x < row.band[0] < row.median < row.band[1] for row in found.rows)


def test_a_model_has_a_cell_for_every_shift_that_it_was_asked_for():
    task = model_task(stage(), "cnn")
    texts = {name: [None if cell is None else cell.text for cell in cells] for name, cells in task.scores}
    assert task.severities == (1, 3, 5)
    assert texts == {"gc_content": ["1.200", None, "1.600"], "assay_noise": [None, "3.100", None]}


def test_what_a_model_has_seen_is_told_beside_its_name():
    made = stage(["a", "b"], {"a": {"badge": "re-scored", "seen": {"task": frozenset(SHIFTS[1:])}}})
    notes = {row.actor.model: row.note for row in board_rows(made).rows}
    assert notes == {"a": "not ranked: has seen 3 shifts", "b": ""}


@pytest.mark.parametrize("name", ["kmer_ridge", "cnn-2.1", "a"])
def test_a_plain_name_is_its_own_address(name):
    assert address(name) == name


@pytest.mark.parametrize("name", ["CNN", "../../etc/passwd", "a b", "index", "", ".", "ß", "x" * 300, "con\x00"])
def test_any_other_name_becomes_a_plain_one_of_its_own(name):
    assert set(address(name)) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")
    assert 0 < len(address(name)) < 80
    assert address(name) not in (name, ".", "..")


def test_different_names_have_different_addresses():
    names = ["cnn", "CNN", "Cnn", "c n", "c-n", "c/n"]
    assert len({address(name) for name in names}) == len(names)
    assert anchor("a", "b") != anchor("a--b")
