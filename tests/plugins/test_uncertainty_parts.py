"""Ensembles and residual variances: what their definitions say, and what theory expects of their parts."""

import numpy as np
import pytest
from scipy.stats import norm

import regharness as rh
from regharness import InputError, Prediction
from regharness.catalog import load_catalog
from regharness.errors import CellError
from regharness.interfaces import ModelAdapter
from regharness.seeding import rng_for
from regharness.sequences import gc_content
from regharness.testing import ModelAdapterContract, make_batch, make_dataset
from regharness_uncertainty import mixture

CPU = rh.RunContext(device="cpu")


class Bootstrapped(ModelAdapter):
    """Least squares on GC content of a resample of the training set: members of an ensemble that must disagree."""

    def __init__(self, variance=True):
        self.with_variance = variance

    def fit(self, train, calibration, context):
        rows = context.rng("bootstrap").integers(0, len(train), len(train))
        x = np.column_stack([np.ones(len(train)), gc_content(train.sequence)])[rows]
        self.slope = np.linalg.lstsq(x, train.target[rows], rcond=None)[0]
        self.residual = (train.target[rows] - x @ self.slope).var(axis=0)

    def predict(self, batch, context):
        mean = (np.column_stack([np.ones(len(batch)), gc_content(batch.sequence)]) @ self.slope).astype(np.float32)
        if not self.with_variance:
            return Prediction(mean)
        return Prediction(mean, aleatoric_variance=np.broadcast_to(self.residual, mean.shape).astype(np.float32))


def wrapped(name, make, **parameters):
    return load_catalog().create("uncertainty", name, parameters).wrap(make)


def ensemble(train, members=10, seed=0, variance=True):
    data = make_dataset(train=train, test=400)
    model = wrapped("deep_ensemble", lambda: Bootstrapped(variance), members=members)
    model.fit(data.train, data.calibration, rh.RunContext(seed=seed))
    return model.predict(data.test.inputs(), CPU)


class TestEnsemble(ModelAdapterContract):
    def make_model(self):
        return wrapped("deep_ensemble", lambda: rh.model("kmer_ridge"), members=2)


class TestResidualVariance(ModelAdapterContract):
    def make_model(self):
        return wrapped("residual_variance", lambda: rh.model("gc_linear"))


def test_epistemic_variance_falls_with_more_data_and_aleatoric_does_not():
    few, many = ensemble(100), ensemble(10_000)
    # The variance of a least-squares line falls with the number of examples.
    assert np.median(many.epistemic_variance) < np.median(few.epistemic_variance) / 20
    assert np.median(many.aleatoric_variance) == pytest.approx(np.median(few.aleatoric_variance), rel=0.35)


def test_a_large_batch_is_asked_for_in_parts_and_answered_as_a_whole(monkeypatch):
    whole = ensemble(100)
    monkeypatch.setattr(mixture, "PART", 150)
    parts = ensemble(100)

    for name in ("mean", "aleatoric_variance", "epistemic_variance"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    assert parts.quantiles is None


def test_parts_are_those_of_the_mixture_of_the_members():
    data = make_dataset(train=100)
    members = []

    def make():
        members.append(Bootstrapped())
        return members[-1]

    model = wrapped("deep_ensemble", make, members=4)
    model.fit(data.train, data.calibration, CPU)
    found = model.predict(data.test.inputs(), CPU)
    means = np.stack([member.predict(data.test, CPU).mean for member in members]).astype(float)
    own = np.stack([member.predict(data.test, CPU).aleatoric_variance for member in members]).astype(float)
    np.testing.assert_allclose(found.mean, means.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found.aleatoric_variance, own.mean(axis=0), rtol=1e-5)
    # The variance of a mixture: mean of (variance + mean^2), less the squared mean.
    whole = (own + means**2).mean(axis=0) - means.mean(axis=0) ** 2
    np.testing.assert_allclose(found.aleatoric_variance + found.epistemic_variance, whole, rtol=1e-4, atol=1e-7)


def test_members_without_a_variance_leave_the_aleatoric_part_unknown():
    found = ensemble(100, variance=False)
    assert found.aleatoric_variance is None
    assert (found.epistemic_variance > 0).any()


def test_an_ensemble_of_a_model_that_comes_fitted_is_refused():
    class Fitted(Bootstrapped):
        trainable = False

    with pytest.raises(InputError, match="copies of one that comes fitted are all alike"):
        wrapped("deep_ensemble", Fitted)


def test_an_ensemble_of_one_is_refused():
    with pytest.raises(InputError, match="an ensemble of 1 is none"):
        wrapped("deep_ensemble", Bootstrapped, members=1)


def heteroscedastic(n, prefix):
    """Errors whose variance is exp(6 (GC - 0.5)), around a truth of zero."""
    batch = make_batch(n, 100, prefix=prefix)
    variance = np.exp(6 * (gc_content(batch.sequence) - 0.5))[:, None]
    target = np.sqrt(variance) * rng_for(0, prefix).normal(size=(n, 1))
    return rh.SequenceBatch(batch.ids, batch.sequence, ("K562",), target.astype(np.float32)), variance


def test_a_variance_that_depends_on_gc_content_is_found():
    (train, _), (calibration, _), (test, variance) = (
        heteroscedastic(n, p) for n, p in ((50, "a"), (4000, "b"), (1000, "c"))
    )
    model = wrapped("residual_variance", lambda: rh.model("mean"))
    model.fit(train, calibration, CPU)
    found = model.predict(test.inputs(), CPU).aleatoric_variance
    assert np.corrcoef(np.log(found[:, 0]), np.log(variance[:, 0]))[0, 1] > 0.8
    assert np.median(found / variance) == pytest.approx(1.0, abs=0.15)


def test_errors_of_one_size_are_not_made_uneven_by_a_small_calibration_split():
    excess = []
    for seed in range(10):
        batch = make_batch(1200, 100, prefix=f"{seed}-")
        target = rng_for(seed, "errors").normal(size=(1200, 1)).astype(np.float32)
        data = rh.SequenceBatch(batch.ids, batch.sequence, ("K562",), target)
        calibration, test = data.select(np.arange(200)), data.select(np.arange(200, 1200))
        model = wrapped("residual_variance", lambda: rh.model("mean"))
        model.fit(test, calibration, CPU)
        variance = model.predict(test.inputs(), CPU).aleatoric_variance
        # How much less likely measurements of variance 1 become: the divergence of two normal distributions.
        excess.append((np.log(variance) + 1 / variance - 1).mean() / 2)
    assert np.mean(excess) < 0.05


def test_z_has_a_mean_square_of_one_on_the_calibration_split():
    (train, _), (calibration, _) = (heteroscedastic(n, p) for n, p in ((50, "a"), (500, "b")))
    model = wrapped("residual_variance", lambda: rh.model("mean"))
    model.fit(train, calibration, CPU)
    found = model.predict(calibration.inputs(), CPU)
    z = (calibration.target - found.mean) / np.sqrt(found.aleatoric_variance)
    assert np.square(z).mean() == pytest.approx(1.0, abs=1e-3)


def test_a_model_without_error_has_no_variance_to_learn():
    class Perfect(ModelAdapter):
        trainable = False

        def predict(self, batch, context):
            return Prediction(np.zeros((len(batch), 1), np.float32))

    batch = make_batch(50)
    zero = rh.SequenceBatch(batch.ids, batch.sequence, ("K562",), np.zeros((50, 1), np.float32))
    with pytest.raises(CellError, match="makes no error on the calibration split"):
        wrapped("residual_variance", Perfect).fit(zero, zero, CPU)


ASKS_FOR_MORE = {"mc_dropout", "last_layer_laplace", "conformalised_quantiles"}
"""Methods that take models which offer more than a mean and a variance."""


def test_a_run_learns_from_the_calibration_split_of_identity_whatever_the_shift(tmp_path):
    (tmp_path / "s.yaml").write_text(
        "name: s\ntasks:\n  - name: t\n"
        "    data: {use: simulated_mpra, with: {train: 200, calibration: 200, test: 100}}\n"
        "    shifts: [{use: assay_noise, severity: 5}, {use: gc_quantile, severity: 1}]\nseeds: [3]\nmodels:\n"
        "  - {name: m, use: mean, uncertainty: {use: split_conformal}}\nmetrics: [mse]\n"
    )
    run = rh.run(tmp_path / "s.yaml", tmp_path / "run")
    assert not run.failures
    data = rh.data("simulated_mpra", train=200, calibration=200, test=100).generate(3)
    errors = np.abs(data.calibration.target - data.train.target.mean(axis=0))
    # The 181st smallest of 200: ceil(201 x 0.9).
    half_width = np.sort(errors, axis=0)[180]
    found = run.cube("t").aleatoric_variance.transpose("output", "shift", ...).values.reshape(2, 3, -1)
    known = ~np.isnan(found)
    assert known.any(axis=2).all()
    np.testing.assert_allclose(
        np.sqrt(found[known]) * norm.ppf(0.95), np.repeat(half_width, known.sum(axis=(1, 2))), rtol=1e-5
    )


def test_every_method_joins_a_run(tmp_path):
    names = [
        name
        for name in load_catalog().names("uncertainty")
        if load_catalog().owner("uncertainty", name).distribution == "regharness" and name not in ASKS_FOR_MORE
    ]
    (tmp_path / "s.yaml").write_text(
        "name: s\ntasks:\n  - name: t\n"
        "    data: {use: simulated_mpra, with: {train: 200, calibration: 200, test: 100}}\n"
        "    shifts: [{use: gc_quantile, severity: 1}]\nmodels:\n"
        + "".join(f"  - {{name: {name}, use: gc_linear, uncertainty: {{use: {name}}}}}\n" for name in names)
        + "metrics: [mse, coverage_90]\n"
    )
    run = rh.run(tmp_path / "s.yaml", tmp_path / "run")
    assert not run.failures
    assert set(run.scores.model.values) == set(names)
    assert len(names) >= 9
