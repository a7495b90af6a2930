"""The baselines against scikit-learn and textbook formulas."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import DotProduct
from sklearn.linear_model import LinearRegression, Ridge, RidgeCV

import regharness as rh
from regharness import InputError
from regharness.errors import CellError
from regharness.seeding import rng_for
from regharness.testing import ModelAdapterContract, make_dataset
from regharness_baselines.kmers import count_kmers
from regharness_baselines.regression import Scatter, fit

CONTEXT = rh.RunContext(device="cpu")


class TestKmerRidge(ModelAdapterContract):
    def make_model(self):
        return rh.model("kmer_ridge", k=3)


class TestGCLinear(ModelAdapterContract):
    def make_model(self):
        return rh.model("gc_linear")


class TestMean(ModelAdapterContract):
    def make_model(self):
        return rh.model("mean")


def fitted(name, data, **parameters):
    model = rh.model(name, **parameters)
    model.fit(data.train, data.calibration, CONTEXT)
    return model


def regression(x, y, *penalties):
    """Fit on all examples, taken in as two chunks."""
    scatter = Scatter(x.mean(axis=0), y.mean(axis=0))
    scatter.add(x[:7], y[:7])
    scatter.add(x[7:], y[7:])
    return fit(scatter, penalties)


def penalty_unit(x):
    """The mean eigenvalue of the centred features' scatter matrix, which penalties are relative to."""
    return np.square(x - x.mean(axis=0)).sum() / x.shape[1]


@pytest.fixture(scope="module")
def table():
    rng = rng_for(0, "regression test")
    x = rng.normal(3.0, [1.0, 5.0, 0.3, 1.0], (60, 4))
    y = x @ rng.normal(size=(4, 2)) + rng.normal(size=(60, 2)) * [0.5, 20.0]
    return x, y


def test_without_penalty_it_is_ordinary_least_squares(table):
    x, y = table
    mean, _ = regression(x, y, 0.0).predict(x)
    np.testing.assert_allclose(mean, LinearRegression().fit(x, y).predict(x), rtol=1e-9)


def test_with_a_penalty_it_is_ridge_regression(table):
    x, y = table
    mean, _ = regression(x, y, 0.3).predict(x)
    np.testing.assert_allclose(mean, Ridge(0.3 * penalty_unit(x)).fit(x, y).predict(x), rtol=1e-9)


def test_the_penalty_of_each_output_is_that_of_least_generalised_cross_validation_error(table):
    x, y = table
    choices = [1e-3, 1e-2, 0.1, 1.0, 10.0]
    centred, rest = x - x.mean(axis=0), y - y.mean(axis=0)
    best = []
    for output in range(2):
        errors = []
        for penalty in choices:
            hat = centred @ np.linalg.solve(centred.T @ centred + penalty * penalty_unit(x) * np.eye(4), centred.T)
            hat += 1 / len(x)
            left = y[:, output] - y[:, output].mean() - hat @ rest[:, output]
            errors.append(len(x) * np.square(left).sum() / (len(x) - np.trace(hat)) ** 2)
        best.append(choices[int(np.argmin(errors))])
    assert best[0] != best[1]
    expected = [Ridge(p * penalty_unit(x)).fit(x, y[:, o]).predict(x) for o, p in enumerate(best)]
    mean, _ = regression(x, y, *choices).predict(x)
    np.testing.assert_allclose(mean, np.stack(expected, axis=1), rtol=1e-9)


def test_leave_one_out_hardly_chooses_another_strength(table):
    x, y = table
    choices = 10.0 ** np.arange(-3, 2)
    loo = RidgeCV(choices * penalty_unit(x)).fit(x, y[:, 0]).predict(x)
    mean, _ = regression(x, y[:, :1], *choices).predict(x)
    np.testing.assert_allclose(mean[:, 0], loo, atol=0.05 * y[:, 0].std())


def test_the_epistemic_variance_is_that_of_the_same_prior_as_a_gaussian_process(table):
    # A linear kernel whose weights have variance s2 / p, in noise s2; the mean target's own variance comes on top.
    x, y = table
    fit_ = regression(x, y[:, :1], 0.3)
    noise, centred = fit_.noise_variance[0], x - x.mean(axis=0)
    process = GaussianProcessRegressor(
        noise / (0.3 * penalty_unit(x)) * DotProduct(0.0, "fixed"), alpha=noise, optimizer=None
    ).fit(centred, y[:, 0] - y[:, 0].mean())
    _, sd = process.predict(centred, return_std=True)
    np.testing.assert_allclose(fit_.predict(x)[1][:, 0], sd**2 + noise / len(x), rtol=1e-6)


def test_where_training_never_varied_a_coefficient_keeps_the_variance_of_its_prior(table):
    # By hand: the fourth coefficient is independent of the others, with variance s2 / p.
    x, y = table[0].copy(), table[1][:, :1]
    x[:, 3] = 1.0
    fit_, at = regression(x, y, 0.3), x.mean(axis=0)
    penalty = 0.3 * np.square(x - at).sum() / 3
    beyond = fit_.predict(at[None] + np.array([0, 0, 0, 5.0]))[1][0]
    np.testing.assert_allclose(beyond, fit_.noise_variance * (1 / len(x) + 5.0**2 / penalty), rtol=1e-9)


def test_features_that_say_the_same_twice_change_nothing(table):
    x, y = table
    one, two = regression(x, y, 0.0), regression(np.hstack([x, x]), y, 0.0)
    for part, again in zip(one.predict(x), two.predict(np.hstack([x, x])), strict=True):
        np.testing.assert_allclose(again, part, rtol=1e-6)


def test_as_many_coefficients_as_examples_are_refused():
    x = np.eye(5)[:, :4]
    with pytest.raises(CellError, match="5 training examples are too few to estimate the noise of a regression"):
        regression(x, np.arange(5.0)[:, None], 0.0)


def test_gc_linear_is_a_line_with_the_textbook_prediction_variance():
    data = make_dataset()
    gc, y = data.train.covariates["gc_content"], data.train.target[:, 0].astype(float)
    slope, intercept = np.polyfit(gc, y, 1)
    residual = np.square(y - intercept - slope * gc).sum() / (len(y) - 2)
    at = data.test.covariates["gc_content"]
    leverage = 1 / len(gc) + (at - gc.mean()) ** 2 / np.square(gc - gc.mean()).sum()
    prediction = fitted("gc_linear", data).predict(data.test.inputs(), CONTEXT)
    np.testing.assert_allclose(prediction.mean[:, 0], intercept + slope * at, rtol=1e-4)
    np.testing.assert_allclose(prediction.aleatoric_variance[:, 0], residual, rtol=1e-5)
    np.testing.assert_allclose(prediction.epistemic_variance[:, 0], residual * leverage, rtol=1e-4)


def test_mean_gives_the_mean_and_variance_of_the_training_targets():
    data = make_dataset()
    prediction = fitted("mean", data).predict(data.test.inputs(), CONTEXT)
    n, variance = len(data.train), data.train.target.astype(float).var(axis=0, ddof=1)
    np.testing.assert_allclose(prediction.mean[0], data.train.target.astype(float).mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(prediction.aleatoric_variance[0], variance, rtol=1e-5)
    np.testing.assert_allclose(prediction.epistemic_variance[0], variance / n, rtol=1e-5)


def test_kmer_ridge_is_ridge_regression_on_kmer_counts():
    data = make_dataset()
    x, test = (count_kmers(batch.sequence, 2) for batch in (data.train, data.test))
    choices = [Ridge(10.0**p * penalty_unit(x)).fit(x, data.train.target) for p in np.arange(-3, 3.5, 0.5)]
    mean = fitted("kmer_ridge", data, k=2).predict(data.test.inputs(), CONTEXT).mean
    distances = [np.abs(choice.predict(test).reshape(mean.shape) - mean).max() for choice in choices]
    assert min(distances) < 1e-5


def test_kmer_ridge_learns_a_motif_and_its_intervals_cover():
    data = make_dataset(train=2000, test=1000)
    p = fitted("kmer_ridge", data, k=5).predict(data.test.inputs(), CONTEXT)
    variance = p.aleatoric_variance + p.epistemic_variance
    scores = rh.evaluate(data.test.target[:, 0], p.mean[:, 0], variance[:, 0], ["pearson_r", "coverage_90"])
    assert scores["pearson_r"] > 0.8
    assert 0.87 < scores["coverage_90"] < 0.93


def test_a_base_that_never_occurs_in_training_does_no_harm():
    data = make_dataset()
    # K-mers count both strands as one, so that A alone is missing only where T is, too.
    data.train.sequence[data.train.sequence == 0] = 1
    data.train.sequence[data.train.sequence == 3] = 2
    prediction = fitted("kmer_ridge", data, k=3).predict(data.test.inputs(), CONTEXT)
    assert np.isfinite(prediction.mean).all()


def test_kmer_ridge_is_less_sure_of_words_that_training_never_had():
    data = make_dataset()
    data.train.sequence[data.train.sequence == 0] = 1
    data.train.sequence[data.train.sequence == 3] = 2
    model = fitted("kmer_ridge", data, k=2)
    known, unknown = (model.predict(batch.inputs(), CONTEXT) for batch in (data.train, data.test))
    assert unknown.epistemic_variance.min() > known.epistemic_variance.max()


def test_a_kmer_too_long_for_a_dense_matrix_is_refused():
    with pytest.raises(InputError, match="k: input should be less than or equal to 6"):
        rh.model("kmer_ridge", k=7)


@pytest.mark.parametrize("plugin", ["baselines", "uncertainty", "torch"])
def test_registering_a_plugin_loads_no_framework(plugin):
    parameters = "" if plugin == "uncertainty" else f"import regharness_{plugin}.parameters\n"
    heavy = "{'torch', 'sklearn', 'numba', 'scipy', 'pandas'}"
    code = f"import sys, regharness_{plugin}\n{parameters}assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
