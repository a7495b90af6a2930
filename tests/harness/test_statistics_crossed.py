"""What seeds and blocks of examples leave open of a score and of a difference."""

import numpy as np
import pytest
import scipy.stats
from scipy import stats

from regharness.errors import InputError
from regharness.statistics import interval, paired

# Standard deviations of seeds, of blocks and of the rest.
REGIMES = {
    "seeds dominate": (1.0, 0.3, 0.3),
    "examples dominate": (0.05, 1.0, 0.3),
    "every seed has its own examples": (0.1, 0.0, 1.0),
    "own examples and seeds alike": (0.0, 0.0, 1.0),
    "seeds do not matter": (0.0, 1.0, 0.0),
    "half and half": (0.18, 0.45, 0.3),
}


def drawn(regime, seeds, blocks, replicates, rng):
    seed, block, rest = REGIMES[regime]
    return (
        seed * rng.normal(size=(replicates, seeds, 1))
        + block * rng.normal(size=(replicates, 1, blocks))
        + rest * rng.normal(size=(replicates, seeds, blocks))
    )


def missing_seeds(values, *places):
    table = np.array(values)
    table[list(places)] = np.nan
    return table


def test_the_estimate_is_the_mean_and_its_error_that_of_the_components():
    # By hand: mean squares of seeds 9, blocks 4, residual 1, so that Var = (9 + 4 - 1) / 4.
    found = interval(np.array([[1.0, 2.0], [3.0, 6.0]]))
    assert (found.estimate, found.standard_error) == pytest.approx((3.0, np.sqrt(3.0)))


def test_two_parts_with_one_degree_of_freedom_take_its_quantile():
    found = interval(np.array([[1.0, 2.0], [3.0, 6.0]]))
    assert found.high - found.estimate == pytest.approx(np.sqrt(3.0) * np.tan(0.475 * np.pi))
    assert found.df == pytest.approx(1.0)


def test_seeds_that_are_alike_leave_the_t_interval_of_blocks():
    blocks = np.random.default_rng(0).normal(size=12)
    found = interval(np.tile(blocks, (4, 1)))
    assert (found.low, found.high) == pytest.approx(stats.ttest_1samp(blocks, 0).confidence_interval(0.95))


def test_blocks_that_are_alike_leave_the_t_interval_of_seeds():
    seeds = np.random.default_rng(0).normal(size=5)
    found = interval(np.tile(seeds[:, None], (1, 9)), confidence=0.8)
    assert (found.low, found.high) == pytest.approx(stats.ttest_1samp(seeds, 0).confidence_interval(0.8))


def test_a_negative_component_leaves_the_one_way_estimate_of_seeds():
    # Blocks average alike in every seed, so that their mean square is zero and below the residual's.
    values = np.array([[1.0, -1.0], [-1.0, 1.0]]) + np.array([[0.0], [4.0]])
    assert interval(values).standard_error == pytest.approx(2.0)


def test_seeds_and_blocks_may_change_places():
    values = np.random.default_rng(1).normal(size=(4, 9))
    one, other = interval(values), interval(values.T)
    assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_an_interval_may_be_around_another_score():
    values = np.random.default_rng(1).normal(size=(4, 9))
    one, other = interval(values), interval(values, centre=5.0)
    assert (other.low, other.estimate, other.high) == pytest.approx(
        (5.0 + one.low - one.estimate, 5.0, 5.0 + one.high - one.estimate)
    )


@pytest.mark.parametrize(
    ("values", "note"),
    [
        (np.ones((1, 5)), "one seed: no interval"),
        (missing_seeds(np.ones((2, 5)), 0), "one seed: no interval"),
        (np.full((2, 5), np.nan), "no scores"),
        (np.ones((0, 5)), "no scores"),
        (np.full((2, 5), np.inf), "a score is not finite: no interval"),
    ],
)
def test_what_has_no_interval_says_why(values, note):
    found = interval(values)
    assert (found.low, found.high, found.standard_error, found.df, found.note) == (None, None, None, None, note)


def test_one_block_gives_the_t_interval_over_seeds():
    seeds = np.array([1.0, 2.0, 4.0])
    low, high = scipy.stats.t.interval(0.95, 2, seeds.mean(), scipy.stats.sem(seeds))
    found = interval(seeds[:, None])
    assert (found.low, found.high, found.df) == (pytest.approx(low), pytest.approx(high), pytest.approx(2.0))


def test_one_seed_has_an_estimate_nevertheless():
    assert interval(np.array([[1.0, 3.0]])).estimate == 2.0


def test_equal_values_have_an_interval_of_no_width():
    found = interval(np.full((3, 7), 0.1))
    assert (found.low, found.high, found.standard_error) == (found.estimate, found.estimate, 0.0)


def test_a_block_that_one_seed_lacks_is_left_out():
    values = np.random.default_rng(2).normal(size=(3, 6))
    holed = values.copy()
    holed[1, 2] = np.nan
    assert interval(holed) == interval(np.delete(values, 2, axis=1))


@pytest.mark.parametrize("confidence", [0.0, 1.0, np.nan])
def test_a_confidence_that_is_none_is_refused(confidence):
    with pytest.raises(InputError, match="is not between 0 and 1"):
        interval(np.ones((2, 2)), confidence=confidence)


def test_a_vector_of_scores_is_refused():
    with pytest.raises(InputError, match=r"shape \(3,\).*\(seed, block\)"):
        interval(np.ones(3))


def test_models_of_different_shapes_are_refused():
    with pytest.raises(InputError, match=r"\(2, 3\) and \(3, 2\)"):
        paired(np.ones((2, 3)), np.ones((3, 2)))


def test_a_difference_is_tested_as_students_paired_t_where_seeds_are_alike():
    one, two = np.random.default_rng(3).normal(size=(2, 15))
    found = paired(np.tile(one, (3, 1)), np.tile(two, (3, 1)))
    assert found.p_value == pytest.approx(stats.ttest_rel(one, two).pvalue)


def test_a_difference_between_two_seeds_is_tested_by_hand():
    # t = 3 / sqrt(3) with one degree of freedom: the tail of a Cauchy variable beyond tan(60 degrees) is 1/6.
    found = paired(np.array([[1.0, 2.0], [3.0, 6.0]]), np.zeros((2, 2)))
    assert found.p_value == pytest.approx(1 / 3)


def test_a_difference_is_significant_exactly_where_its_interval_leaves_zero_out():
    rng = np.random.default_rng(4)
    for a, b in zip(
        drawn("half and half", 3, 10, 200, rng) + 0.5, drawn("half and half", 3, 10, 200, rng), strict=True
    ):
        found = paired(a, b, confidence=0.9)
        assert (found.p_value < 0.1) == (found.low > 0 or found.high < 0)


def test_p_is_the_level_at_which_the_interval_ends_at_zero():
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, 4, 12))
    p = paired(a, b + 0.3).p_value
    found = paired(a, b + 0.3, confidence=1 - p)
    assert min(abs(found.low), abs(found.high)) == pytest.approx(0.0, abs=1e-9)


def test_swapped_models_have_the_opposite_difference():
    a, b = np.random.default_rng(6).normal(size=(2, 3, 8))
    one, two = paired(a, b), paired(b, a)
    assert (one.estimate, one.low, one.high, one.p_value) == pytest.approx(
        (-two.estimate, -two.high, -two.low, two.p_value)
    )


def test_equal_models_have_p_one_and_no_width():
    a = np.random.default_rng(7).normal(size=(3, 8))
    found = paired(a, a)
    assert (found.estimate, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_scores_that_differ_by_rounding_alone_are_equal():
    a = np.random.default_rng(7).normal(size=(3, 8))
    assert paired(a, a * (1 + 1e-15)).p_value == 1.0


def test_a_difference_that_is_everywhere_the_same_has_p_zero():
    assert paired(np.full((2, 4), 3.0), np.full((2, 4), 1.0)).p_value == 0.0


def test_only_seeds_that_both_models_have_count():
    a, b = np.random.default_rng(8).normal(size=(2, 5, 6))
    assert paired(missing_seeds(a, 0), missing_seeds(b, 3)) == paired(a[[1, 2, 4]], b[[1, 2, 4]])


def test_one_shared_seed_is_not_tested():
    found = paired(missing_seeds(np.ones((2, 4)), 0), np.zeros((2, 4)))
    assert (found.estimate, found.low, found.p_value, found.note) == (1.0, None, None, "one seed: no interval")


def test_an_infinite_score_is_not_tested():
    a = np.zeros((2, 4))
    a[0, 0] = np.inf
    found = paired(a, np.zeros((2, 4)))
    assert (found.estimate, found.p_value, found.note) == (np.inf, None, "a score is not finite: no interval")


@pytest.mark.parametrize("other", [np.inf, -np.inf])
def test_infinities_that_differ_in_nothing_or_in_sign_have_no_estimate(other):
    a, b = np.zeros((2, 2, 4))
    a[0, 0], b[0, 0 if other > 0 else 1] = np.inf, np.inf
    found = paired(a, b)
    assert np.isnan(found.estimate)
    assert found.p_value is None


def test_a_seed_that_one_model_lacks_does_not_count_where_the_other_is_infinite():
    a, b = np.ones((2, 3, 4))
    a[0], b[0] = np.inf, np.nan
    assert paired(a, b) == paired(a[1:], b[1:])


def test_tiny_p_values_are_above_zero_and_in_order():
    noise = np.random.default_rng(9).normal(size=(4, 30))
    p = [paired(noise + shift, np.zeros((4, 30))).p_value for shift in (1e2, 1e4, 1e6)]
    assert 1e-30 < p[2] < p[1] < p[0] < 1e-4


def covered(regime, seeds, replicates=1500, blocks=30):
    found = [interval(values) for values in drawn(regime, seeds, blocks, replicates, np.random.default_rng(seeds))]
    return np.mean([one.low <= 0.0 <= one.high for one in found])


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("seeds", [5, 10])
def test_intervals_cover_as_often_as_they_say(regime, seeds):
    assert 0.93 <= covered(regime, seeds) <= 0.97 + 0.005


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("seeds", [2, 3])
def test_with_two_or_three_seeds_intervals_cover_no_less_than_they_say(regime, seeds):
    # Two variances with so few degrees of freedom cannot be told apart: some of these are wider than they need be.
    assert 0.93 <= covered(regime, seeds) <= 0.99 + 0.005


@pytest.mark.parametrize("regime", REGIMES)
def test_two_equal_models_are_called_different_at_most_one_time_in_twenty(regime):
    rng = np.random.default_rng(10)
    a, b = drawn(regime, 3, 30, 1000, rng), drawn(regime, 3, 30, 1000, rng)
    false = np.mean([paired(*pair).p_value <= 0.05 for pair in zip(a, b, strict=True)])
    # Two standard errors of a share of 0.05 among 1,000.
    assert false <= 0.05 + 2 * 0.007


@pytest.mark.parametrize("unit", [2.0**-900, 1000.0, 2.0**900])
def test_units_do_not_matter_however_large_or_small(unit):
    a, b = np.random.default_rng(12).normal(size=(2, 3, 8))
    one, other = paired(a, b), paired(unit * a, unit * b)
    assert (other.low / unit, other.high / unit, other.p_value) == pytest.approx((one.low, one.high, one.p_value))


def test_a_difference_of_four_standard_errors_is_found():
    rng = np.random.default_rng(11)
    noise = drawn("examples dominate", 5, 30, 200, rng)
    found = np.mean([paired(values + 4 / np.sqrt(30), np.zeros_like(values)).p_value <= 0.05 for values in noise])
    assert found > 0.9
