"""Boosted trees on motif features against scikit-learn, which grows them."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

import regharness as rh
from regharness import InputError
from regharness.errors import CellError
from regharness.seeding import rng_for
from regharness.testing import ModelAdapterContract, make_dataset
from regharness_baselines.forests import best_trees

CONTEXT = rh.RunContext(device="cpu")
GATAA = ">M1 GATAA\n0 100 0 100 100\n0 0 0 0 0\n100 0 0 0 0\n0 0 100 0 0\n"
"""The motif of the data that `make_dataset` draws."""


class TestMotifTrees(ModelAdapterContract):
    def make_model(self):
        return rh.model("motif_trees", trees=20)


def grown(loss, **settings):
    rng = rng_for(0, "trees test")
    x = rng.normal(size=(400, 5))
    y = np.exp(x[:, 0] * x[:, 1] + 0.3 * rng.normal(size=400))
    settings = {"max_iter": 40, "early_stopping": True, "random_state": 0} | settings
    boosted = HistGradientBoostingRegressor(loss=loss, **settings)
    return boosted.fit(x[:300], y[:300], X_val=x[300:], y_val=y[300:]), x


@pytest.mark.parametrize("loss", ["squared_error", "gamma"])
def test_trees_predict_as_scikit_learn_does_at_the_best_iteration(loss):
    boosted, x = grown(loss, learning_rate=0.5)
    best = int(np.argmax(boosted.validation_score_))
    assert 0 < best < boosted.n_iter_
    stages = [boosted._baseline_prediction.item(), *boosted.staged_predict(x)]
    raw = best_trees([boosted]).predict(x)[:, 0]
    np.testing.assert_array_equal(np.exp(raw) if loss == "gamma" else raw, stages[best])


def test_the_trees_of_several_outputs_are_kept_apart():
    boosted = [grown("squared_error", learning_rate=rate)[0] for rate in (0.05, 0.2, 0.5)]
    x = grown("squared_error")[1]
    apart = [best_trees([one]).predict(x) for one in boosted]
    np.testing.assert_array_equal(best_trees(boosted).predict(x), np.hstack(apart))


def test_features_at_the_threshold_and_beyond_all_of_training_go_where_scikit_learn_sends_them():
    boosted, x = grown("squared_error")
    forest = best_trees([boosted])
    at = np.unique(forest.threshold[forest.feature == 0])
    x = np.zeros((len(at) + 2, 5))
    x[:, 0] = [*at, -1e9, 1e9]
    stages = list(boosted.staged_predict(x))
    np.testing.assert_array_equal(forest.predict(x)[:, 0], stages[int(np.argmax(boosted.validation_score_)) - 1])


def test_when_no_tree_helps_the_baseline_is_left():
    rng = rng_for(0, "no tree helps")
    x, y = rng.normal(size=(100, 2)), rng.normal(size=100)
    boosted = HistGradientBoostingRegressor(early_stopping=True, min_samples_leaf=2, max_iter=20)
    boosted.fit(x, y, X_val=x, y_val=-y + 2 * y.mean())
    np.testing.assert_allclose(best_trees([boosted]).predict(x), y.mean())


@pytest.fixture(scope="module")
def simulated():
    return rh.data("simulated_mpra", train=1500, calibration=400, test=600, length=120).generate(0)


def scores(data, **parameters):
    model = rh.model("motif_trees", trees=300, **parameters)
    model.fit(data.train, data.calibration, CONTEXT)
    p = model.predict(data.test.inputs(), CONTEXT)
    metrics = ["pearson_r", "nll", "coverage_90", "z_mean_square"]
    return rh.evaluate(data.test.target[:, 0], p.mean[:, 0], p.aleatoric_variance[:, 0], metrics), p


def test_trees_learn_what_the_motifs_do_and_their_intervals_cover(simulated):
    found, _ = scores(simulated)
    assert found["pearson_r"] > 0.85
    assert 0.86 < found["coverage_90"] < 0.94


def test_the_variance_says_more_than_that_of_all_errors_together(simulated):
    found, p = scores(simulated)
    squared = np.square(simulated.test.target[:, 0] - p.mean[:, 0])
    assert found["nll"] < 0.5 * np.log(2 * np.pi * squared.mean()) + 0.5 - 0.02


def test_decoys_say_next_to_nothing_and_blurred_motifs_less_than_exact_ones(simulated):
    exact, blurred, decoy = (
        scores(simulated, motif_variant=kind)[0]["pearson_r"] for kind in ("exact", "misspecified", "decoy")
    )
    assert decoy < 0.5 < blurred < exact


def test_a_library_of_ones_own_brings_its_motifs(tmp_path):
    (tmp_path / "motif.jaspar").write_text(GATAA)
    data = make_dataset(train=1000, calibration=300, test=300)
    own, other = (
        rh.model("motif_trees", trees=100, motifs=motifs) for motifs in (tmp_path / "motif.jaspar", "builtin")
    )
    errors = []
    for model in (own, other):
        model.fit(data.train, data.calibration, CONTEXT)
        mean = model.predict(data.test.inputs(), CONTEXT).mean
        errors.append(np.square(mean - data.test.target).mean() / data.test.target.var())
    assert errors[0] < 0.5 < errors[1]


def test_on_the_calibration_split_the_mean_squared_z_is_one():
    data = make_dataset()
    model = rh.model("motif_trees", trees=20)
    model.fit(data.train, data.calibration, CONTEXT)
    p = model.predict(data.calibration.inputs(), CONTEXT)
    z2 = np.square(data.calibration.target - p.mean) / p.aleatoric_variance
    np.testing.assert_allclose(z2.mean(axis=0), 1.0, rtol=1e-4)


def test_another_seed_grows_other_trees(simulated):
    means = []
    for seed in (0, 1):
        model = rh.model("motif_trees", trees=20)
        model.fit(simulated.train, simulated.calibration, rh.RunContext(seed=seed))
        means.append(model.predict(simulated.test.inputs(), CONTEXT).mean)
    assert np.abs(means[0] - means[1]).max() > 0.01


def test_targets_that_are_all_alike_have_no_variance_to_learn():
    data = make_dataset()
    for split in (data.train, data.calibration):
        split.target[:] = 1.0
    with pytest.raises(CellError, match="the trees make no error, and so tell nothing of their variance"):
        rh.model("motif_trees", trees=5).fit(data.train, data.calibration, CONTEXT)


def test_a_library_that_is_no_file_is_refused():
    with pytest.raises(InputError, match=r"no file at .*none\.meme"):
        rh.model("motif_trees", motifs="none.meme")
