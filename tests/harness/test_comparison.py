"""Two models against each other: differences, who is better, and what is not said."""

import numpy as np
import pytest
import scipy.stats

from regharness.comparison import compare
from regharness.errors import InputError
from regharness.testing.scores import make_scores

SHIFTS = ["identity", "gc@1", "noise@3"]
FIRST = [[1.0, 2.0, 1.5], [1.0, 3.0, 2.0], [6.0, 8.0, 7.0]]
SECOND = [[2.0, 3.1, 2.4], [1.1, 2.9, 2.1], [9.0, 10.9, 10.1]]


def task(direction="lower", failed=(), first=FIRST, second=SECOND, **options):
    scores = make_scores({"mse": {"a": first, "b": second}}, SHIFTS, directions={"mse": direction}, failed=failed)
    return compare(scores, ["a", "b"], **options).tasks[0]


def test_difference_and_p_value_are_those_of_a_paired_t_test_over_seeds():
    found = task().shifts[0]
    expected = scipy.stats.ttest_rel(FIRST[0], SECOND[0])
    low, high = expected.confidence_interval()

    assert found.difference == pytest.approx(np.mean(FIRST[0]) - np.mean(SECOND[0]))
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_p_values_of_a_task_are_adjusted_for_the_number_of_its_shifts():
    raw = np.array([shift.p_value for shift in task().shifts])
    order = np.argsort(raw)
    expected = np.minimum(np.maximum.accumulate(raw[order] * [3, 2, 1]), 1)

    np.testing.assert_allclose([task().shifts[i].p_adjusted for i in order], expected)


@pytest.mark.parametrize(("direction", "better"), [("lower", "a"), ("higher", "b"), (0.0, "a")])
def test_the_better_model_is_the_one_that_the_direction_says(direction, better):
    assert [shift.better for shift in task(direction).shifts] == [better, None, better]


def test_the_difference_keeps_the_sign_of_the_scores_where_higher_is_better():
    higher, lower = task("higher").shifts[2], task("lower").shifts[2]
    assert (higher.difference, higher.low, higher.high) == (lower.difference, lower.low, lower.high)


def test_distances_to_a_target_value_are_compared():
    # Distances to 3 on identity: 2, 1, 1.5 and 1, .1, .6.
    assert task(3.0).shifts[0].difference == pytest.approx(np.mean([2, 1, 1.5]) - np.mean([1, 0.1, 0.6]), abs=0.07)


def test_overall_is_of_the_mean_over_shifts_without_identity():
    expected = np.mean(FIRST[1:]) - np.mean(SECOND[1:])
    assert (task().overall.shift, task().overall.difference) == ("", pytest.approx(expected))


def test_only_seeds_that_both_have_count():
    found = task(failed=[("b", "identity", 1)]).shifts[0]
    assert (found.first.seeds, found.difference) == (2, pytest.approx(1.25 - 2.2))


def test_a_shift_that_one_model_lacks_has_no_difference():
    found = task(failed=[("b", "gc@1", k) for k in range(3)]).shifts[1]
    assert (found.difference, found.p_value, found.better) == (None, None, None)


def test_one_seed_gives_a_difference_without_interval_or_test():
    found = task(first=[[1.0]] * 3, second=[[2.0]] * 3).shifts[0]
    assert (found.difference, found.low, found.p_value, found.better) == (-1.0, None, None, None)


def test_equal_models_are_not_told_apart():
    found = task(second=FIRST)
    assert {shift.better for shift in found.shifts} == {None}
    assert (found.improvement.estimate, found.bayesian.equivalent) == (0.5, pytest.approx(1.0))


def test_probability_of_improvement_counts_pairs_of_runs_under_each_shift():
    # gc@1: of nine pairs of (1, 3, 2) and (1.1, 2.9, 2.1), a is lower in (1: 3, 2: 2, 3: 0); noise@3: in all.
    assert task().improvement.estimate == pytest.approx((5 / 9 + 1) / 2)


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (["a", "c"], "no model named 'c'"),
        (["a", "a"], "'a' is compared with itself"),
    ],
)
def test_models_that_cannot_be_compared_are_refused(models, message):
    scores = make_scores({"mse": {"a": FIRST, "b": SECOND}}, SHIFTS)
    with pytest.raises(InputError, match=message):
        compare(scores, models)


def test_of_two_infinite_scores_there_is_no_difference_to_tell():
    infinite = [FIRST[0], [np.inf] * 3, FIRST[2]]
    found = task(first=infinite, second=infinite)

    assert (found.shifts[1].first.mean, found.shifts[1].difference, found.overall.difference) == (np.inf, None, None)


def test_a_model_infinitely_worse_under_a_shift_is_not_called_as_good():
    worse = [SECOND[0], [np.inf] * 3, [np.inf] * 3]
    assert task(second=worse).bayesian.first_better > 0.9
