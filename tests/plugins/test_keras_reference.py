"""The reference models in Keras: their contract, their losses against numpy, that they learn, and their files."""

import logging
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import regharness as rh
from regharness import InputError
from regharness.capabilities import LastLayer, Samples
from regharness.errors import CellError
from regharness.testing import ModelAdapterContract, make_dataset
from regharness_reference import heads
from regharness_reference.parameters import GroupDRO, VREx

pytest.importorskip("keras")
pytest.importorskip("tensorflow")

CONTEXT = rh.RunContext(seed=1, device="cpu")
SMALL = {
    "keras_cnn": {"filters": 8},
    "keras_bilstm": {"filters": 8, "units": 4},
    "keras_transformer": {"width": 8, "attention_heads": 2, "layers": 1},
}


def made(name="keras_cnn", **parameters):
    return rh.model(name, **{"epochs": 1, "batch_size": 48, **SMALL[name], **parameters})


def fitted(data, name="keras_cnn", context=CONTEXT, **parameters):
    model = made(name, **parameters)
    model.fit(data.train, data.calibration, context)
    return model


FITTED = {}


class Small(ModelAdapterContract):
    name = "keras_cnn"
    parameters = {}  # noqa: RUF012

    def make_model(self):
        return made(self.name, **self.parameters)

    def fitted(self, seed=0):
        """The tests look at a model and leave it as it is, so those of one class share it, but for those of seeds."""
        if seed:
            return super().fitted(seed)
        if type(self) not in FITTED:
            FITTED[type(self)] = super().fitted()
        return FITTED[type(self)]


class TestCNN(Small):
    parameters = {"prior": "gc"}  # noqa: RUF012


class TestBiLSTM(Small):
    name = "keras_bilstm"
    parameters = {"prior": "motif_features", "motif_variant": "subset"}  # noqa: RUF012


class TestTransformer(Small):
    name = "keras_transformer"


@pytest.fixture(scope="module")
def losses():
    """The losses, once Keras has its backend."""
    from regharness_keras.process import keras_with

    keras_with("tensorflow")
    from regharness_keras import losses

    return losses


def numbers(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_at_beta_zero_the_loss_is_what_a_fit_is_judged_by(losses):
    values, target = numbers(64, 2, 2), numbers(64, 2)
    found = float(np.mean(losses.gaussian(values, target, 0.0)))
    assert found == pytest.approx(heads.loss("gaussian", values, (), target), rel=1e-5)


def test_the_loss_of_one_example_by_hand(losses):
    # Variance 4, error 2, beta 1/2: sqrt(4) x (ln 4 + 4/4) / 2.
    values = np.array([[[1.0, np.log(4.0)]]], np.float32)
    found = float(losses.gaussian(values, np.array([[3.0]], np.float32), 0.5)[0, 0])
    assert found == pytest.approx(np.log(4.0) + 1.0, rel=1e-6)


def test_a_weight_multiplies_the_gradient_of_the_mean_and_leaves_that_of_the_variance(losses):
    import tensorflow as tf

    def gradient(weight):
        values = tf.constant([[[1.0, 0.3]]])
        with tf.GradientTape() as tape:
            tape.watch(values)
            loss = losses.gaussian(values, tf.constant([[3.0]]), 0.5, weight)
        return tape.gradient(loss, values).numpy()[0, 0]

    np.testing.assert_allclose(gradient(tf.constant([[2.5]])), gradient(None) * [2.5, 1.0], rtol=1e-5)


def risks(terms, group):
    return np.array([terms[group == g].mean() for g in np.unique(group)])


def test_vrex_adds_the_variance_of_the_losses_of_groups_that_are_there(losses):
    terms, group = numbers(30, 2), np.arange(30) % 3
    found = float(losses.Reduction(VREx(method="vrex", penalty=4.0), 5)(terms, group))
    assert found == pytest.approx(terms.mean() + 4.0 * risks(terms, group).var(), rel=1e-5)


def test_group_dro_raises_shares_by_the_exponential_of_the_groups_losses(losses):
    terms, group = numbers(30, 2), np.arange(30) % 3
    found = float(losses.Reduction(GroupDRO(method="group_dro", step=0.7), 3)(terms, group))
    risk = risks(terms, group)
    share = np.exp(0.7 * risk) / np.exp(0.7 * risk).sum()
    assert found == pytest.approx((share * risk).sum(), rel=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_it_learns_a_planted_motif(name):
    data = make_dataset(train=2000, calibration=300, test=500)
    larger = {"keras_transformer": {"width": 16}}.get(name, {"filters": 16})
    p = fitted(data, name, epochs=6, batch_size=32, **larger).predict(data.test.inputs(), CONTEXT)
    found = rh.evaluate(data.test.target, p.mean, p.aleatoric_variance, ["pearson_r", "coverage_90"])
    # GC content alone explains an SD of 0.16 of 0.54: a correlation of 0.3.
    assert found["pearson_r"] > 0.5
    assert 0.8 < found["coverage_90"] < 0.98


@pytest.mark.parametrize(
    "options",
    [
        {"robust": {"method": "group_dro"}, "evolution": {"longest": 4}},
        {"robust": {"method": "vrex", "groups": "cell_type"}, "noise_aware": True},
    ],
)
def test_options_of_training_change_what_is_learnt(options):
    data = make_dataset(train=128, outputs=("a", "b"))
    data = replace(
        data, train=replace(data.train, noise_variance=np.abs(numbers(128, 2)), target=data.train.target.copy())
    )
    means = [fitted(data, **given).predict(data.test.inputs(), CONTEXT).mean for given in ({}, options)]
    assert np.isfinite(means[1]).all()
    assert not np.array_equal(*means)


def test_other_seeds_give_other_weights():
    data = make_dataset(train=64)
    means = [
        fitted(data, context=rh.RunContext(seed=seed, device="cpu")).predict(data.test.inputs(), CONTEXT).mean
        for seed in (1, 2)
    ]
    assert not np.array_equal(*means)


def test_fitting_leaves_the_global_generators_alone():
    import keras

    keras.utils.set_random_seed(7)
    expected = keras.random.uniform((3,)).numpy(), np.random.random(3)  # noqa: NPY002
    keras.utils.set_random_seed(7)
    fitted(make_dataset(train=64))
    found = keras.random.uniform((3,)).numpy(), np.random.random(3)  # noqa: NPY002
    np.testing.assert_array_equal(found, expected)


def test_the_mean_is_linear_in_the_last_layer():
    data = make_dataset(outputs=("a", "b"))
    model = fitted(data, prior="gc")
    assert isinstance(model, LastLayer)
    layer = np.column_stack([model.last_layer(data.test.inputs(), CONTEXT), np.ones(len(data.test))])
    mean = model.predict(data.test.inputs(), CONTEXT).mean
    fit, *_ = np.linalg.lstsq(layer, mean, rcond=None)
    # Fewer units than examples, so that a line through all of them is no accident.
    assert layer.shape[1] < len(data.test)
    np.testing.assert_allclose(layer @ fit, mean, atol=1e-4)


def test_samples_differ_and_one_of_an_example_does_not_depend_on_the_others():
    data = make_dataset()
    model = fitted(data)
    assert isinstance(model, Samples)
    rows = np.array([5, 2, 40])
    one, two = (p.mean for p in model.samples(data.test.inputs(), CONTEXT, 2))
    assert not np.array_equal(one, two)
    some = next(iter(model.samples(data.test.select(rows).inputs(), CONTEXT, 1))).mean
    np.testing.assert_allclose(some, one[rows], rtol=1e-4, atol=1e-5)


def test_tensorflow_does_not_warn_of_networks_that_are_compiled_one_after_the_other(losses, caplog):
    from regharness_keras.stepping import forward

    logger = logging.getLogger("tensorflow")
    logger.addHandler(caplog.handler)
    try:
        for _ in range(12):
            assert forward("tensorflow", lambda given: given["x"] + 1.0)({"x": np.zeros((2, 1), np.float32)}).sum() == 2
    finally:
        logger.removeHandler(caplog.handler)
    assert not caplog.records


def test_a_diverging_fit_says_what_to_try():
    data = make_dataset(train=64)
    data.train.target[0] = np.float32(np.nan)
    with pytest.raises(CellError, match="the loss became nan in epoch 1; try a lower learning_rate"):
        fitted(data)


def test_a_head_that_keras_does_not_have_is_refused():
    with pytest.raises(InputError, match="unknown key 'head'"):
        rh.model("keras_cnn", head="quantile")


ELSEWHERE = """
import sys
import numpy as np
import regharness as rh
from regharness.testing import make_dataset

data, context = make_dataset(train=64), rh.RunContext(seed=1, device="cpu")
means = []
for _ in range(2):
    parameters = {"epochs": 1, "filters": 4, "units": 3, "prior": "gc", "robust": {"method": "vrex"}}
    model = rh.model("keras_bilstm", backend="torch", **parameters)
    model.fit(data.train, data.calibration, context)
    means.append(model.predict(data.test.inputs(), context).mean)

import keras

given, file = np.load(sys.argv[1]), keras.saving.load_model(sys.argv[2], safe_mode=True)
found = file.predict_on_batch({"sequence": given["sequence"], "features": given["features"]})
np.savez(sys.argv[3], one=means[0], two=means[1], backend=keras.config.backend(), **found)
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A model that was exported, and what another process finds with PyTorch as backend: of its file, and by itself."""
    pytest.importorskip("torch")
    folder, data = tmp_path_factory.mktemp("elsewhere"), make_dataset(outputs=("a", "b"))
    model = fitted(data, prior="gc")
    model.export(folder / "model.keras", "keras", ("a", "b"))
    one_hot = np.eye(5, dtype=np.float32)[data.test.sequence][:, :, :4]
    gc = data.test.covariates["gc_content"].astype(np.float32)[:, None]
    np.savez(folder / "given.npz", sequence=one_hot, features=gc)
    words = [str(folder / name) for name in ("given.npz", "model.keras", "found.npz")]
    done = subprocess.run([sys.executable, "-c", ELSEWHERE, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return model.predict(data.test.inputs(), CONTEXT), np.load(folder / "found.npz")


def test_its_file_predicts_the_same_by_keras_alone_in_another_process_and_backend(elsewhere):
    p, found = elsewhere
    np.testing.assert_allclose(found["mean"], p.mean, atol=1e-5)
    np.testing.assert_allclose(found["variance"], p.aleatoric_variance, atol=1e-5)


def test_it_trains_with_pytorch_as_backend_and_equal_seeds_give_equal_bits(elsewhere):
    _, found = elsewhere
    assert str(found["backend"]) == "torch"
    assert np.isfinite(found["one"]).all()
    np.testing.assert_array_equal(found["one"], found["two"])
