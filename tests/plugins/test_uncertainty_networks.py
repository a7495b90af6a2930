"""Dropout and the last layer: what theory says of a linear model, whose variances have closed forms."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, DotProduct

import regharness as rh
from regharness import InputError, Prediction
from regharness.catalog import load_catalog
from regharness.errors import CellError
from regharness.interfaces import ModelAdapter
from regharness.testing import ModelAdapterContract, make_dataset

CPU = rh.RunContext(device="cpu")
KEPT = 0.8


def shares(batch):
    """Shares of A, C and G: ``(example, 3)``."""
    return np.stack([(batch.sequence == code).mean(axis=1) for code in range(3)], axis=1)


class Linear(ModelAdapter):
    """Least squares on shares of bases, with a residual variance that grows with GC content if asked for."""

    def __init__(self, growing=False):
        self.growing = growing

    def fit(self, train, calibration, context):
        x = np.column_stack([np.ones(len(train)), shares(train)])
        weights = np.linalg.lstsq(x, train.target, rcond=None)[0]
        self.learnt = {"weights": weights, "residual": (train.target - x @ weights).var(axis=0)}

    def predict(self, batch, context):
        return self.dropped(batch, np.ones(3))

    def dropped(self, batch, kept):
        x = shares(batch)
        mean = self.learnt["weights"][0] + (x * kept) @ self.learnt["weights"][1:]
        factor = np.exp(4 * (x[:, 1] + x[:, 2] - 0.5)) if self.growing else np.ones(len(x))
        variance = factor[:, None] * self.learnt["residual"]
        return Prediction(mean.astype(np.float32), aleatoric_variance=variance.astype(np.float32))

    def save(self, folder):
        save_file(self.learnt, folder / "linear.safetensors")

    def load(self, folder):
        self.learnt = load_file(folder / "linear.safetensors")


class Dropping(Linear):
    """Keeps each share with a probability."""

    def samples(self, batch, context, number):
        rng = context.rng("samples")
        for _ in range(number):
            yield self.dropped(batch, (rng.random(3) < KEPT) / KEPT)


class Open(Linear):
    """Shows what its mean is linear in."""

    def last_layer(self, batch, context):
        return shares(batch)


def wrapped(name, make, **parameters):
    return load_catalog().create("uncertainty", name, parameters).wrap(make)


def fitted(model, data, seed=0):
    model.fit(data.train, data.calibration, rh.RunContext(seed=seed))
    return model


class TestDropout(ModelAdapterContract):
    def make_model(self):
        return wrapped("mc_dropout", Dropping, samples=3)


class TestLastLayer(ModelAdapterContract):
    def make_model(self):
        return wrapped("last_layer_laplace", Open)


def test_samples_of_a_linear_model_have_the_moments_that_theory_gives():
    data = make_dataset(train=100, outputs=("a", "b"))
    inner = Dropping()
    found = fitted(wrapped("mc_dropout", lambda: inner, samples=4000), data).predict(data.test.inputs(), CPU)
    plain = inner.predict(data.test, CPU)
    # A product of w x and a Bernoulli of p, over p, has the variance (w x)^2 (1 - p) / p.
    parts = shares(data.test)[:, :, None] * inner.learnt["weights"][1:]
    expected = np.square(parts).sum(axis=1) * (1 - KEPT) / KEPT
    np.testing.assert_allclose(found.epistemic_variance, expected, rtol=0.1)
    assert np.abs(found.mean - plain.mean).max() < 5 * np.sqrt(expected.max() / 4000)
    np.testing.assert_allclose(found.aleatoric_variance, plain.aleatoric_variance, rtol=1e-5)


def test_the_epistemic_variance_of_samples_is_divided_by_their_number():
    class Twice(Dropping):
        def samples(self, batch, context, number):
            assert number == 2
            shape = (len(batch), 1)
            for mean, variance in ((1001.0, 1.0), (1002.0, 4.0)):
                yield Prediction(np.full(shape, mean, np.float32), np.full(shape, variance, np.float32))

    data = make_dataset()
    found = fitted(wrapped("mc_dropout", Twice, samples=2), data).predict(data.test.inputs(), CPU)
    assert (found.mean[0, 0], found.aleatoric_variance[0, 0], found.epistemic_variance[0, 0]) == (1001.5, 2.5, 0.25)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("mc_dropout", Linear, "needs a network with dropout that can be left on, and Linear is none"),
        ("last_layer_laplace", Linear, "gives the features of its last layer, and Linear is none"),
        ("last_layer_laplace", lambda: rh.model("mean"), "needs a network that is trained here"),
    ],
)
def test_a_model_that_does_not_offer_what_a_method_needs_is_refused(name, make, message):
    with pytest.raises(InputError, match=message):
        wrapped(name, make)


def test_a_last_layer_that_comes_fitted_is_refused():
    class Fitted(Open):
        trainable = False

    with pytest.raises(InputError, match="needs a network that is trained here"):
        wrapped("last_layer_laplace", Fitted)


def standardised(data):
    x = {name: shares(getattr(data, name)) for name in ("train", "calibration", "test")}
    mean, sd = x["train"].mean(axis=0), x["train"].std(axis=0)
    return {name: (value - mean) / sd for name, value in x.items()}


def gaussian_process(data, tau, noise):
    """A Gaussian process whose functions are linear, with weights of the precision tau."""
    kernel = ConstantKernel(1 / tau, "fixed") * DotProduct(1.0, "fixed")
    return GaussianProcessRegressor(kernel, alpha=noise, optimizer=None).fit(
        standardised(data)["train"], data.train.target[:, 0]
    )


def test_the_epistemic_variance_is_that_of_a_gaussian_process_with_a_linear_kernel():
    data = make_dataset(train=40, calibration=200)
    inner = Open()
    found = fitted(wrapped("last_layer_laplace", lambda: inner), data).predict(data.test.inputs(), CPU)
    noise = float(inner.learnt["residual"][0])
    x = standardised(data)
    error = data.calibration.target - inner.predict(data.calibration, CPU).mean
    likelihood, expected = [], []
    for tau in 10 ** np.arange(-4, 4.5, 0.5) / data.train.target.var(dtype=float):
        process = gaussian_process(data, tau, noise)
        total = noise + process.predict(x["calibration"], return_std=True)[1][:, None] ** 2
        likelihood.append(-np.sum(np.log(total) + error**2 / total))
        expected.append(process.predict(x["test"], return_std=True)[1] ** 2)
    np.testing.assert_allclose(found.epistemic_variance[:, 0], expected[np.argmax(likelihood)], rtol=1e-4)


def test_with_many_examples_it_is_the_variance_of_weighted_least_squares():
    # More examples than are in memory at a time.
    data = make_dataset(train=10_000, outputs=("a", "b"))
    inner = Open(growing=True)
    found = fitted(wrapped("last_layer_laplace", lambda: inner), data).predict(data.test.inputs(), CPU)
    noise = inner.predict(data.train, CPU).aleatoric_variance
    x, new = (np.column_stack([np.ones(len(part)), shares(part)]) for part in (data.train, data.test))
    for output in range(2):
        covariance = np.linalg.inv(x.T @ (x / noise[:, [output]]))
        expected = np.einsum("ef,fg,eg->e", new, covariance, new)
        # N is part of the length, so shares sum to less than one here and there: two weights are all but collinear.
        np.testing.assert_allclose(found.epistemic_variance[:, output], expected, rtol=0.02)


def test_the_last_layers_variance_falls_with_more_training_data_and_the_noises_does_not():
    few, many = (
        fitted(wrapped("last_layer_laplace", Open), data).predict(data.test.inputs(), CPU)
        for data in (make_dataset(train=n) for n in (100, 10_000))
    )
    assert np.median(many.epistemic_variance) < np.median(few.epistemic_variance) / 20
    assert np.median(many.aleatoric_variance) == pytest.approx(np.median(few.aleatoric_variance), rel=0.35)


def test_the_last_layer_leaves_mean_and_noise_as_they_were():
    data = make_dataset()
    inner = Open()
    found = fitted(wrapped("last_layer_laplace", lambda: inner), data).predict(data.test.inputs(), CPU)
    plain = inner.predict(data.test, CPU)
    np.testing.assert_array_equal(found.mean, plain.mean)
    np.testing.assert_array_equal(found.aleatoric_variance, plain.aleatoric_variance)


def test_the_last_layer_of_a_network_without_a_variance_has_no_noise_to_weigh_by():
    class Bare(Open):
        def predict(self, batch, context):
            return Prediction(super().predict(batch, context).mean)

    with pytest.raises(CellError, match="needs a network that gives an aleatoric variance"):
        fitted(wrapped("last_layer_laplace", Bare), make_dataset())


def test_a_feature_that_is_constant_in_training_says_nothing():
    class Dead(Open):
        def last_layer(self, batch, context):
            return np.column_stack([shares(batch), np.full(len(batch), 0.3)])

    data = make_dataset()
    one, two = (
        fitted(wrapped("last_layer_laplace", make), data).predict(data.test.inputs(), CPU) for make in (Open, Dead)
    )
    np.testing.assert_allclose(two.epistemic_variance, one.epistemic_variance, rtol=1e-5)


@pytest.mark.slow
def test_with_more_training_data_an_ensemble_is_surer_of_its_mean_and_as_sure_of_the_noise():
    pytest.importorskip("torch")
    parts = []
    for size in (500, 4000):
        options = {"train": size, "calibration": 500, "test": 500, "length": 60, "cell_types": ["K562"]}
        data = rh.data("simulated_mpra", **options, barcodes=3.0).generate(0)
        # Given where motifs are, the network can learn all but the noise, which three barcodes make large.
        ensemble = (
            load_catalog()
            .create("uncertainty", "deep_ensemble", {"members": 3})
            .wrap(lambda: rh.model("torch_cnn", epochs=6, filters=16, prior="motif_features"))
        )
        ensemble.fit(data.train, data.calibration, CPU)
        p = ensemble.predict(data.test.inputs(), CPU)
        noise = data.test.noise_variance.mean()
        parts.append((p.epistemic_variance.mean(), p.aleatoric_variance.mean() / noise))
    (few, noise_of_few), (many, noise_of_many) = parts
    assert many < few / 2
    assert noise_of_many == pytest.approx(1.0, abs=0.15)
    assert noise_of_few == pytest.approx(1.0, abs=0.3)
