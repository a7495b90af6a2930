"""Resampling of blocks, examples and seeds."""

import numpy as np
import pytest
from scipy import stats

from regharness.errors import InputError
from regharness.interfaces import Evidence, Metric
from regharness.statistics import (
    bootstrap_evidence,
    bootstrap_examples,
    bootstrap_terms,
    crossed_bootstrap,
    resampled_interval,
)
from regharness.statistics.bootstrap import block_starts, block_sums, multinomial_weights


def mean_of(means):
    return means[0]


def correlation_of(means):
    y, x, yy, xx, yx = means
    return (yx - y * x) / np.sqrt((yy - y * y) * (xx - x * x))


def moments(y, x):
    return np.stack([y, x, y * y, x * x, y * x])


class MeanError(Metric):
    """By means of terms."""

    def score(self, target, mean, variance):
        return float(np.mean(mean - target))

    def terms(self, evidence):
        return (evidence.mean - evidence.target)[None]

    def of_means(self, means):
        return means[0]


class MedianError(Metric):
    """By no means."""

    def score(self, target, mean, variance):
        return float(np.median(mean - target))


class Shares(Metric):
    """A curve: how many errors are below each label."""

    dimension = "limit"
    labels = (-1.0, 0.0, 1.0)

    def score(self, target, mean, variance):
        return np.mean((mean - target)[:, None] < np.array(self.labels), axis=0)


class SharesOfTerms(Shares):
    def terms(self, evidence):
        return np.array((evidence.mean - evidence.target) < np.array(self.labels)[:, None], np.float64)

    def of_means(self, means):
        return means


def evidence(n=300, seed=0):
    target, mean = np.random.default_rng(seed).normal(size=(2, n))
    return Evidence(target, mean)


def test_blocks_are_consecutive_and_differ_by_one_example_at_most():
    starts = block_starts(1003, 10)
    sizes = np.diff(starts, append=1003)
    assert (starts[0], len(starts), set(sizes.tolist())) == (0, 10, {100, 101})


def test_fewer_examples_than_blocks_are_a_block_each():
    assert block_starts(3, 10).tolist() == [0, 1, 2]


def test_sums_of_blocks_are_those_of_their_examples():
    assert block_sums(np.arange(5.0)[None], block_starts(5, 2)).tolist() == [[1.0, 9.0]]


def test_every_draw_draws_as_many_units_as_there_are():
    assert (multinomial_weights(50, 7, np.random.default_rng(0)).sum(axis=1) == 7).all()


def test_each_unit_is_drawn_once_on_average_with_binomial_spread():
    weights = multinomial_weights(20_000, 5, np.random.default_rng(0))
    # The variance of a binomial count of 5 draws at 1/5.
    assert (weights.mean(axis=0), weights.var(axis=0)) == (pytest.approx(1.0, abs=0.03), pytest.approx(0.8, abs=0.03))


def test_the_standard_error_of_a_mean_is_the_textbooks():
    values = np.random.default_rng(1).normal(size=500)
    (found,) = bootstrap_terms([(values[None], mean_of)], resamples=4000)
    assert resampled_interval(found).standard_error == pytest.approx(stats.sem(values), rel=0.05)


def test_sums_of_blocks_give_the_standard_errors_of_single_examples():
    rng = np.random.default_rng(2)
    y = rng.normal(size=10_000)
    x = 0.7 * y + rng.normal(size=y.size)
    metrics = [(((y - x) ** 2)[None], mean_of), (moments(y, x), correlation_of)]
    by_block = [float(resampled_interval(found).standard_error) for found in bootstrap_terms(metrics)]
    single = [float(resampled_interval(found).standard_error) for found in bootstrap_terms(metrics, blocks=y.size)]
    assert by_block == pytest.approx(single, rel=0.1)


def test_neighbours_that_vary_together_stay_together():
    values = np.repeat(np.random.default_rng(3).normal(size=200), 50)
    (found,) = bootstrap_terms([(values[None], mean_of)], blocks=200)
    assert resampled_interval(found).standard_error == pytest.approx(stats.sem(values[::50]), rel=0.1)


def test_a_percentile_interval_is_that_of_scipy():
    values = np.random.default_rng(4).exponential(size=80)
    (found,) = bootstrap_terms([(values[None], mean_of)], resamples=20_000)
    ours = resampled_interval(found, method="percentile")
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=1).confidence_interval
    assert (ours.low, ours.high) == pytest.approx(theirs, rel=0.02)


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_a_bca_interval_is_that_of_scipy(confidence):
    rng = np.random.default_rng(5)
    y = rng.exponential(size=60)
    x = y + rng.exponential(size=60)
    (found,) = bootstrap_terms([(moments(y, x), correlation_of)], resamples=20_000)
    ours = resampled_interval(found, confidence)
    theirs = stats.bootstrap(
        (y, x),
        lambda a, b: stats.pearsonr(a, b, axis=-1).statistic,
        paired=True,
        vectorized=False,
        n_resamples=3000,
        confidence_level=confidence,
        method="BCa",
        rng=1,
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx(theirs, abs=0.02)


def test_bca_moves_the_interval_of_a_skewed_mean_to_its_long_tail():
    values = np.random.default_rng(6).exponential(size=50)
    (found,) = bootstrap_terms([(values[None], mean_of)], resamples=5000)
    bca, percentile = resampled_interval(found), resampled_interval(found, method="percentile")
    assert bca.low > percentile.low
    assert bca.high > percentile.high


def covered(draw, of_means, truth, method, replicates=800):
    rng = np.random.default_rng(7)
    hits = 0
    for replicate in range(replicates):
        (found,) = bootstrap_terms([(draw(rng), of_means)], seed=replicate)
        one = resampled_interval(found, method=method)
        hits += one.low <= truth <= one.high
    return hits / replicates


@pytest.mark.slow
def test_bca_covers_a_skewed_mean():
    assert 0.93 <= covered(lambda rng: rng.exponential(size=(1, 200)), mean_of, 1.0, "bca") <= 0.97


@pytest.mark.slow
def test_bca_covers_a_correlation():
    def draw(rng):
        y, noise = rng.normal(size=(2, 200))
        return moments(y, 0.8 * y + 0.6 * noise)

    assert 0.93 <= covered(draw, correlation_of, 0.8, "bca") <= 0.97


def test_metrics_see_the_same_draws():
    values = np.random.default_rng(8).normal(size=(1, 3000))
    one, other = bootstrap_terms([(values, mean_of), (values + 1.0, mean_of)])
    assert other.replicates - one.replicates == pytest.approx(1.0)


def test_equal_seeds_give_equal_bits_and_others_do_not():
    values = np.random.default_rng(8).normal(size=(1, 50))
    one, again, other = (bootstrap_terms([(values, mean_of)], seed=seed)[0].replicates for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()


def test_metrics_of_different_examples_are_refused():
    with pytest.raises(InputError, match="different numbers of examples: 3, 4"):
        bootstrap_terms([(np.ones((1, 3)), mean_of), (np.ones((1, 4)), mean_of)])


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_examples_have_no_interval(n):
    (found,) = bootstrap_terms([(np.ones((1, n)), mean_of)])
    assert np.isnan([resampled_interval(found).low, resampled_interval(found).high]).all()


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_a_constant_has_an_interval_of_no_width(method):
    (found,) = bootstrap_terms([(np.full((1, 20), 3.0), mean_of)])
    one = resampled_interval(found, method=method)
    assert (one.low, one.high, one.standard_error) == (3.0, 3.0, 0.0)


def test_an_undefined_score_has_no_interval():
    (found,) = bootstrap_terms([(moments(np.ones(9), np.arange(9.0)), correlation_of)])
    assert np.isnan(resampled_interval(found).high)


def test_an_infinite_loss_is_infinite_only_in_the_draws_that_have_it():
    values = np.ones((1, 40))
    values[0, 3] = np.inf
    (found,) = bootstrap_terms([(values, mean_of)], resamples=4000)
    # A unit of 40 is left out of a draw with probability (1 - 1/40)^40.
    assert np.mean(found.replicates == 1.0) == pytest.approx((1 - 1 / 40) ** 40, abs=0.03)
    assert (np.isinf(found.replicates) | (found.replicates == 1.0)).all()


def test_an_infinite_loss_ends_the_interval_at_infinity():
    values = np.ones((1, 40))
    values[0, 3] = np.inf
    (found,) = bootstrap_terms([(values, mean_of)])
    assert resampled_interval(found).high == np.inf


def test_an_unknown_method_is_refused():
    (found,) = bootstrap_terms([(np.ones((1, 4)), mean_of)])
    with pytest.raises(InputError, match=r"no method named 'bc'; did you mean 'bca'\?"):
        resampled_interval(found, method="bc")


def test_a_confidence_that_is_none_is_refused():
    (found,) = bootstrap_terms([(np.ones((1, 4)), mean_of)])
    with pytest.raises(InputError, match="is not between 0 and 1"):
        resampled_interval(found, confidence=95)


def test_any_score_can_be_resampled_example_by_example():
    values = np.random.default_rng(9).normal(size=400)
    found = bootstrap_examples(lambda places: values[places].mean(), 400)
    assert resampled_interval(found).standard_error == pytest.approx(stats.sem(values), rel=0.1)


def test_acceleration_from_groups_is_that_from_examples():
    values = np.random.default_rng(10).exponential(size=500)
    grouped = resampled_interval(bootstrap_examples(lambda places: values[places].mean(), 500, resamples=4000))
    (found,) = bootstrap_terms([(values[None], mean_of)], resamples=4000)
    single = resampled_interval(found)
    within = 0.1 * float(single.standard_error)
    assert float(grouped.low) == pytest.approx(float(single.low), abs=within)
    assert float(grouped.high) == pytest.approx(float(single.high), abs=within)


def test_metrics_with_and_without_terms_have_their_scores_as_estimates():
    given = evidence()
    metrics = {"mean": MeanError(), "median": MedianError()}
    found = bootstrap_evidence(given, metrics, resamples=50)
    assert {name: float(one.estimate) for name, one in found.items()} == pytest.approx(
        {name: metric.score_evidence(given) for name, metric in metrics.items()}
    )


def test_an_interval_of_a_median_holds_it():
    found = bootstrap_evidence(evidence(), {"median": MedianError()})["median"]
    assert found.low < found.estimate < found.high


@pytest.mark.parametrize("metric", [Shares(), SharesOfTerms()])
def test_a_curve_has_an_interval_at_each_label(metric):
    found = bootstrap_evidence(evidence(), {"shares": metric})["shares"]
    # The standard error of a share of 300.
    expected = np.sqrt(found.estimate * (1 - found.estimate) / 300)
    assert found.standard_error == pytest.approx(expected, rel=0.15)


def test_seeds_and_blocks_are_drawn_independently():
    values = np.random.default_rng(11).normal(size=(6, 9)) + np.arange(6.0)[:, None]
    found = crossed_bootstrap(values, resamples=20_000)
    centred = values - values.mean()
    row, column = centred.mean(axis=1), centred.mean(axis=0)
    rest = centred - row[:, None] - column
    # Centred multinomial weights are independent of each other and have variance 1 - 1/n.
    variance = (row**2).mean() / 6 + (column**2).mean() / 9 + (rest**2).mean() / 54
    assert found.replicates.std() == pytest.approx(np.sqrt(variance), rel=0.03)


def test_models_see_the_same_seeds_and_blocks():
    values = np.random.default_rng(12).normal(size=(4, 7))
    found = crossed_bootstrap(np.stack([values, values + 2.0]), lambda means: means[0] - means[1])
    assert found.replicates == pytest.approx(-2.0)


def test_a_crossed_interval_has_a_model_an_end_each():
    values = np.random.default_rng(12).normal(size=(3, 4, 7))
    found = resampled_interval(crossed_bootstrap(values))
    assert found.estimate == pytest.approx(values.mean(axis=(1, 2)))
    assert (found.low < found.estimate).all()
    assert (found.estimate < found.high).all()


def test_a_crossed_jackknife_leaves_one_seed_or_block_out():
    values = np.random.default_rng(12).normal(size=(4, 7))
    by_seed, by_block = crossed_bootstrap(values).jackknives
    assert by_seed[1] == pytest.approx(np.delete(values, 1, axis=0).mean())
    assert by_block[5] == pytest.approx(np.delete(values, 5, axis=1).mean())


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_crossed_intervals_cover_where_there_are_seeds_enough(method):
    rng = np.random.default_rng(13)
    hits = 0
    for replicate in range(400):
        values = 0.3 * rng.normal(size=(20, 1)) + 0.4 * rng.normal(size=(1, 30)) + 0.3 * rng.normal(size=(20, 30))
        found = resampled_interval(crossed_bootstrap(values, resamples=500, seed=replicate), method=method)
        hits += found.low <= 0.0 <= found.high
    # Two standard errors of a share of 0.95 among 400.
    assert 0.95 - 0.022 <= hits / 400 <= 0.95 + 0.022


@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (5,)])
def test_one_seed_or_block_is_refused(shape):
    with pytest.raises(InputError, match="not two seeds and two blocks"):
        crossed_bootstrap(np.ones(shape))


def test_missing_values_are_refused():
    with pytest.raises(InputError, match="NaN among the values"):
        crossed_bootstrap(np.full((2, 2), np.nan))


@pytest.mark.parametrize(
    "draw",
    [
        lambda: bootstrap_terms([(np.ones((1, 4)), mean_of)], resamples=0),
        lambda: bootstrap_examples(lambda places: 0.0, 4, resamples=0),
        lambda: crossed_bootstrap(np.ones((2, 2)), resamples=0),
    ],
)
def test_no_draw_is_refused(draw):
    with pytest.raises(InputError, match="resamples is 0"):
        draw()
