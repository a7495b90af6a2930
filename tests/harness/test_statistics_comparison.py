"""Tests of models over tasks, corrections, and numbers over runs."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from regharness.errors import InputError
from regharness.statistics import (
    bayesian_signed_rank,
    benjamini_hochberg,
    friedman,
    holm,
    interquartile_mean,
    nemenyi,
    probability_of_improvement,
    wilcoxon,
)

# Ranks 1 2 3, 2 1 3, 1 2 3, and 1.5 1.5 3: badness of three models in four tasks.
BADNESS = np.array([[0.1, 0.2, 0.3], [0.5, 0.4, 0.9], [1.0, 2.0, 3.0], [7.0, 7.0, 9.0]])


def test_the_least_bad_has_rank_one_and_ties_share_their_mean():
    assert friedman(BADNESS).mean_ranks.tolist() == [5.5 / 4, 6.5 / 4, 3.0]


def test_friedmans_chi_square_is_that_of_mean_ranks():
    # Demsar (2006), equation in section 3.2.2: 12 N / (k (k + 1)) (sum of R^2 - k (k + 1)^2 / 4), without ties.
    ranks = np.array([4 / 3, 5 / 3, 3.0])
    expected = 12 * 3 / (3 * 4) * (np.square(ranks).sum() - 3 * 4**2 / 4)
    assert friedman(BADNESS[:3]).chi_square == pytest.approx(expected)


def test_friedmans_chi_square_is_corrected_for_ties():
    # One pair of ties among 4 tasks of 3 models: divided by 1 - (2^3 - 2) / (4 (3^3 - 3)).
    ranks = np.array([5.5, 6.5, 12.0]) / 4
    plain = 12 * 4 / (3 * 4) * (np.square(ranks).sum() - 3 * 4**2 / 4)
    assert friedman(BADNESS).chi_square == pytest.approx(plain / (1 - 6 / 96))


def test_iman_and_davenports_f_is_that_of_friedmans_chi_square():
    found = friedman(BADNESS)
    f = 3 * found.chi_square / (4 * 2 - found.chi_square)
    assert (found.f, found.f_p_value) == pytest.approx((f, stats.f.sf(f, 2, 6)))


def test_friedmans_p_is_that_of_the_chi_square_distribution():
    found = friedman(BADNESS)
    assert found.p_value == pytest.approx(stats.chi2.sf(found.chi_square, 2))


def test_one_order_everywhere_is_as_significant_as_can_be():
    found = friedman(np.arange(3.0) + np.arange(5.0)[:, None])
    assert (found.chi_square, found.f, found.f_p_value) == (pytest.approx(10.0), np.inf, 0.0)


def test_models_that_always_tie_have_p_one():
    found = friedman(np.ones((4, 3)))
    assert (found.chi_square, found.p_value, found.f_p_value, found.mean_ranks.tolist()) == (0.0, 1.0, 1.0, [2.0] * 3)


@pytest.mark.parametrize("shape", [(4, 2), (1, 4), (0, 4)])
def test_two_models_or_one_task_have_no_friedman_test(shape):
    found = friedman(np.random.default_rng(0).normal(size=shape))
    assert np.isnan([found.chi_square, found.p_value, found.f, found.f_p_value]).all()


def test_a_task_that_lacks_a_model_is_left_out():
    holed = np.vstack([BADNESS, [[np.nan, 1.0, 2.0]]])
    assert friedman(holed).p_value == friedman(BADNESS).p_value


def test_a_vector_has_no_friedman_test():
    with pytest.raises(InputError, match=r"\(task, model\)"):
        friedman(np.ones(3))


def test_the_false_positive_rate_of_iman_and_davenport_is_nominal():
    rng = np.random.default_rng(1)
    p = [friedman(rng.normal(size=(12, 5))).f_p_value for _ in range(1000)]
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=0.014)


@pytest.mark.parametrize(("models", "q"), [(2, 1.960), (4, 2.569), (5, 2.728), (10, 3.164)])
def test_critical_differences_are_of_demsars_table(models, q):
    # Table 5a of Demsar (2006), alpha 0.05.
    expected = q * np.sqrt(models * (models + 1) / (6 * 14))
    assert nemenyi(np.arange(models), 14).critical_difference == pytest.approx(expected, rel=5e-4)


def test_models_at_the_critical_difference_have_p_alpha():
    critical = nemenyi(np.zeros(4), 14, alpha=0.1).critical_difference
    assert nemenyi(np.array([1.0, 1.0 + critical, 2.0, 2.0]), 14).p_values[0, 1] == pytest.approx(0.1, abs=1e-6)


def test_a_model_does_not_differ_from_itself():
    p = nemenyi(np.array([1.0, 2.0, 3.0]), 7).p_values
    assert np.diag(p).tolist() == [1.0, 1.0, 1.0]
    assert (p == p.T).all()


def test_one_model_has_no_critical_difference():
    assert np.isnan(nemenyi(np.ones(1), 5).critical_difference)


def test_an_alpha_that_is_none_is_refused():
    with pytest.raises(InputError, match="alpha 5 is not between 0 and 1"):
        nemenyi(np.ones(3), 5, alpha=5)


def test_signed_ranks_of_few_tasks_are_exact():
    # All five differences have one sign: 2 of 2^5 equally probable sign patterns are as extreme.
    found = wilcoxon(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert (found.statistic, found.p_value) == (0.0, 2 / 32)


def test_ties_are_tested_by_all_sign_patterns():
    d = np.array([1.0, 1.0, 1.0, -2.0])
    ranks = np.array([2.0, 2.0, 2.0, 4.0])
    sums = [ranks @ np.array(signs) for signs in {p for k in range(5) for p in permutations([1] * k + [0] * (4 - k))}]
    expected = np.mean(np.abs(np.array(sums) - 5.0) >= abs(6.0 - 5.0))
    assert wilcoxon(d).p_value == pytest.approx(expected)


def test_zeros_are_left_out():
    d = np.array([0.3, -0.1, 0.7, 1.0])
    assert wilcoxon(np.concatenate([d, [0.0, 0.0]])).p_value == wilcoxon(d).p_value


def test_nothing_but_zeros_has_p_one():
    assert wilcoxon(np.zeros(6)).p_value == 1.0


@pytest.mark.parametrize("d", [np.array([]), np.array([np.nan])])
def test_no_difference_has_no_test(d):
    assert np.isnan(wilcoxon(d).p_value)


@pytest.mark.parametrize("d", [np.array([2.0]), np.array([np.inf])])
def test_one_difference_proves_nothing(d):
    assert wilcoxon(d).p_value == 1.0


def test_missing_differences_are_left_out():
    d = np.array([0.3, -0.1, 0.7, 1.0])
    assert wilcoxon(np.append(d, np.nan)) == wilcoxon(d)


def test_many_differences_are_tested_as_scipy_does():
    d = np.random.default_rng(2).normal(0.2, size=80)
    assert wilcoxon(d).p_value == pytest.approx(stats.wilcoxon(d).pvalue)


def test_a_model_that_is_far_better_everywhere_is_probably_better():
    found = bayesian_signed_rank(np.full(10, -5.0), rope=1.0)
    assert found.first_better > 0.99


def test_swapped_models_have_swapped_probabilities():
    d = np.random.default_rng(3).normal(0.3, size=12)
    one, other = bayesian_signed_rank(d, 0.1), bayesian_signed_rank(-d, 0.1)
    assert one.first_better == pytest.approx(other.second_better, abs=0.02)


def test_models_within_the_region_are_equivalent():
    found = bayesian_signed_rank(np.random.default_rng(3).uniform(-0.5, 0.5, 10), rope=1.0)
    assert (found.first_better, found.equivalent, found.second_better) == (0.0, 1.0, 0.0)


def test_identical_models_are_equivalent():
    assert bayesian_signed_rank(np.zeros(5)).equivalent == 1.0


def test_one_task_is_weighed_against_the_prior_at_zero():
    # w of the task is Beta(1, 1/2). It alone, and its pairs with zero (6 / 2 > 2), are above: 1 - (1 - w)^2 > 1/2
    # exactly where w > 1 - sqrt(1/2), whose probability is sqrt(sqrt(1/2)).
    found = bayesian_signed_rank(np.array([6.0]), rope=2.0, samples=40_000)
    assert found.second_better == pytest.approx(0.5**0.25, abs=0.01)


def test_pairs_of_a_task_with_zero_count_by_their_mean():
    # As above with 3 / 2 within the region: w^2 > 1/2, whose probability is sqrt(1 - sqrt(1/2)).
    found = bayesian_signed_rank(np.array([3.0]), rope=2.0, samples=40_000)
    assert found.second_better == pytest.approx((1 - 0.5**0.5) ** 0.5, abs=0.01)


def test_no_task_has_no_posterior():
    assert np.isnan(bayesian_signed_rank(np.array([np.nan])).equivalent)


def test_equal_seeds_give_equal_probabilities():
    d = np.random.default_rng(4).normal(size=8)
    assert bayesian_signed_rank(d, seed=3) == bayesian_signed_rank(d, seed=3)


@pytest.mark.parametrize("rope", [-1.0, np.nan])
def test_a_region_of_negative_width_is_refused(rope):
    with pytest.raises(InputError, match="is below zero"):
        bayesian_signed_rank(np.ones(3), rope)


def test_holm_multiplies_by_how_many_are_left():
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_stays_within_one():
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]


def test_benjamini_and_hochberg_divide_by_rank():
    assert benjamini_hochberg(np.array([0.01, 0.04, 0.03, 0.005])).tolist() == pytest.approx([0.02, 0.04, 0.04, 0.02])


@pytest.mark.parametrize("correct", [holm, benjamini_hochberg])
def test_tests_that_were_not_made_do_not_count(correct):
    assert correct(np.array([0.01, np.nan, 0.03])) == pytest.approx(
        [*correct(np.array([0.01, 0.03]))[:1], np.nan, 0.03], nan_ok=True
    )


@pytest.mark.parametrize("correct", [holm, benjamini_hochberg])
def test_no_p_value_is_no_problem(correct):
    assert correct(np.array([])).size == 0


@pytest.mark.parametrize("correct", [holm, benjamini_hochberg])
def test_what_is_no_p_value_is_refused(correct):
    with pytest.raises(InputError, match="outside 0 to 1"):
        correct(np.array([0.5, 1.5]))


def test_improvement_is_the_mean_mann_whitney_share_of_tasks():
    a, b = np.random.default_rng(5).normal(size=(2, 6, 3))
    expected = np.mean([stats.mannwhitneyu(b[:, t], a[:, t]).statistic / 36 for t in range(3)])
    assert probability_of_improvement(a, b).estimate == pytest.approx(expected)


def test_lower_is_an_improvement_and_ties_are_half_of_one():
    a, b = np.array([[1.0, 2.0]] * 3), np.array([[3.0, 2.0]] * 3)
    found = probability_of_improvement(a, b)
    assert (found.estimate, found.low, found.high) == (0.75, 0.75, 0.75)


def test_models_may_have_different_seeds():
    a, b = np.array([[1.0], [3.0]]), np.array([[2.0], [0.0], [4.0]])
    # 1 beats 2 and 4, 3 beats 4.
    assert probability_of_improvement(a, b).estimate == pytest.approx(3 / 6)


def test_models_of_different_tasks_are_refused():
    with pytest.raises(InputError, match="has 2 tasks and the second 3"):
        probability_of_improvement(np.ones((2, 2)), np.ones((2, 3)))


def test_the_interquartile_mean_leaves_out_a_quarter_at_each_end():
    values = np.array([[-100.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 900.0]])
    assert interquartile_mean(values).estimate == pytest.approx(3.5)


def test_missing_runs_are_left_out_of_the_interquartile_mean():
    values = np.array([[-100.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 900.0], [np.nan] * 4])
    assert interquartile_mean(values) == interquartile_mean(values[:2])


def test_the_interval_of_an_interquartile_mean_is_a_stratified_bootstraps():
    values = np.random.default_rng(6).normal(size=(10, 4)) + np.arange(4.0)
    rng = np.random.default_rng(7)
    drawn = [stats.trim_mean(np.concatenate([rng.choice(task, 10) for task in values.T]), 0.25) for _ in range(2000)]
    found = interquartile_mean(values, resamples=4000)
    assert (found.low, found.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.05)


@pytest.mark.parametrize(
    "aggregate", [interquartile_mean, lambda values: probability_of_improvement(values, values + 1)]
)
def test_one_run_has_no_interval(aggregate):
    found = aggregate(np.ones((1, 3)))
    assert (found.low, found.high) == (None, None)
    assert np.isfinite(found.estimate)


@pytest.mark.parametrize(
    "aggregate", [interquartile_mean, lambda values: probability_of_improvement(values, values + 1)]
)
@pytest.mark.parametrize("values", [np.full((2, 3), np.nan), np.ones((2, 0)), np.ones((0, 2))])
def test_no_run_has_no_number(aggregate, values):
    assert np.isnan(aggregate(values).estimate)
