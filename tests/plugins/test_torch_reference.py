"""The reference models in PyTorch: their contract, that they learn, and what reaches the disk."""

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file

import regharness as rh
from regharness import InputError
from regharness.capabilities import LastLayer, Samples
from regharness.errors import CellError
from regharness.testing import ModelAdapterContract, make_batch, make_dataset

torch = pytest.importorskip("torch")

from regharness_torch.network import LOG_VARIANCE_BOUND, ReferenceNetwork  # noqa: E402

CONTEXT = rh.RunContext(seed=1, device="cpu")
SMALL = {
    "torch_cnn": {"filters": 8},
    "torch_bilstm": {"filters": 8, "units": 4},
    "torch_transformer": {"width": 8, "attention_heads": 2},
    "torch_legnet": {"filters": [8, 8]},
}


def made(name="torch_cnn", **parameters):
    return rh.model(name, **{"epochs": 2, "batch_size": 32, **SMALL[name], **parameters})


def fitted(data, name="torch_cnn", **parameters):
    model = made(name, **parameters)
    model.fit(data.train, data.calibration, CONTEXT)
    return model


def scores_of(model, test, metrics):
    p = model.predict(test.inputs(), CONTEXT)
    return rh.evaluate(test.target[:, 0], p.mean[:, 0], p.aleatoric_variance[:, 0], metrics)


FITTED = {}


class Small(ModelAdapterContract):
    name = "torch_cnn"
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
    pass


class TestCNNWithGCPrior(Small):
    parameters = {"prior": "gc"}  # noqa: RUF012


class TestCNNWithMotifPrior(Small):
    parameters = {"prior": "motif_features"}  # noqa: RUF012


class TestCNNWithQuantileHead(Small):
    parameters = {"head": "quantile", "prior": "gc"}  # noqa: RUF012


class TestCNNWithEvidentialHead(Small):
    parameters = {"head": "evidential", "prior": "gc"}  # noqa: RUF012


class TestBiLSTM(Small):
    name = "torch_bilstm"


class TestTransformer(Small):
    name = "torch_transformer"


class TestLegNet(Small):
    name = "torch_legnet"


@pytest.mark.parametrize("name", SMALL)
def test_it_learns_a_planted_motif(name):
    data = make_dataset(train=2000, calibration=300, test=500)
    larger = {"torch_legnet": {"filters": [16, 16]}, "torch_transformer": {"width": 16}}.get(name, {"filters": 16})
    found = scores_of(fitted(data, name, epochs=6, **larger), data.test, ["pearson_r", "coverage_90"])
    # GC content alone explains an SD of 0.16 of 0.54: a correlation of 0.3.
    assert found["pearson_r"] > 0.5
    assert 0.8 < found["coverage_90"] < 0.98


@pytest.mark.parametrize(
    "options",
    [
        {"robust": {"method": "group_dro"}},
        {"robust": {"method": "vrex"}},
        {"evolution": {"changes": 1, "longest": 4}},
        {"noise_aware": True},
        {"schedule": "cosine", "patience": 2},
    ],
    ids=lambda options: next(iter(options)),
)
def test_it_learns_with_every_option_of_training(options):
    data = make_dataset(train=2000, calibration=300, test=500)
    assert scores_of(fitted(data, epochs=6, **options), data.test, ["pearson_r"])["pearson_r"] > 0.5


def test_the_right_motif_library_helps_and_decoys_do_not():
    data = rh.data("simulated_mpra", train=1500, calibration=300, test=500, length=100).generate(0)
    error = {
        variant: scores_of(fitted(data, prior="motif_features", motif_variant=variant), data.test, ["mse"])["mse"]
        for variant in ("exact", "misspecified", "decoy")
    }
    assert error["exact"] < error["misspecified"] < error["decoy"]


def test_quantiles_of_a_quantile_head_hold_their_shares():
    data = make_dataset(train=2000, calibration=300, test=1000)
    p = fitted(data, epochs=5, head="quantile", quantile_levels=[0.1, 0.5, 0.9]).predict(data.test.inputs(), CONTEXT)
    below = (data.test.target[:, 0, None] <= p.quantiles[:, 0]).mean(axis=0)
    np.testing.assert_allclose(below, [0.1, 0.5, 0.9], atol=0.08)


def test_quantiles_never_cross():
    data = make_dataset()
    p = fitted(data, head="quantile").predict(data.test.inputs(), CONTEXT)
    assert (np.diff(p.quantiles, axis=2) >= 0).all()


def test_an_evidential_head_is_less_sure_far_from_its_training_data():
    data = make_dataset(train=2000, calibration=300, test=300)
    model = fitted(data, epochs=5, head="evidential")
    odd = replace(data.test, sequence=np.ones_like(data.test.sequence))
    known, strange = (model.predict(batch.inputs(), CONTEXT).epistemic_variance for batch in (data.test, odd))
    assert np.median(strange) > np.median(known)


@pytest.mark.parametrize("prior", ["none", "gc", "motif_features"])
def test_predictions_follow_the_unit_of_the_target(prior):
    data = make_dataset(outputs=("a", "b"))
    scale, offset = np.float32([16.0, 0.125]), np.float32([-32.0, 1.0])
    other = [replace(batch, target=batch.target * scale + offset) for batch in (data.train, data.calibration)]
    one = fitted(data, prior=prior).predict(data.test.inputs(), CONTEXT)
    two = fitted(replace(data, train=other[0], calibration=other[1]), prior=prior).predict(data.test.inputs(), CONTEXT)
    np.testing.assert_allclose(two.mean, one.mean * scale + offset, rtol=1e-2, atol=1e-2 * scale.max())
    np.testing.assert_allclose(two.aleatoric_variance, one.aleatoric_variance * scale**2, rtol=0.05)


def test_an_output_that_never_varies_is_predicted_without_nan():
    data = make_dataset()
    data.train.target[:] = 3.0
    prediction = fitted(data, prior="gc").predict(data.test.inputs(), CONTEXT)
    assert np.isfinite(prediction.mean).all()
    assert np.isfinite(prediction.aleatoric_variance).all()


def test_log_variances_stay_within_their_bound_whatever_the_weights():
    class Nothing(torch.nn.Module):
        width = 4

        def forward(self, one_hot):
            return one_hot.mean(dim=2)

    with torch.random.fork_rng(devices=[]):
        network = ReferenceNetwork(Nothing(), 2, 0, "gaussian", 2, 0.0)
    with torch.no_grad():
        network.head.bias.fill_(1e9)
    values = network(torch.zeros(3, 4, 20), torch.zeros(3, 0))
    assert (values[..., 1] == LOG_VARIANCE_BOUND).all()


@pytest.mark.parametrize("length", [1, 7, 8, 9])
@pytest.mark.parametrize("name", SMALL)
def test_sequences_shorter_than_a_filter_are_accepted(name, length):
    rng = np.random.default_rng(0)
    batch = replace(make_batch(64), sequence=rng.integers(0, 4, (64, length)).astype(np.uint8))
    model = made(name, epochs=1)
    model.fit(batch, batch, CONTEXT)
    assert np.isfinite(model.predict(batch.inputs(), CONTEXT).mean).all()


def test_what_is_saved_is_one_safetensors_file(tmp_path):
    fitted(make_dataset(), prior="gc").save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["network.safetensors"]
    stored = load_file(tmp_path / "network.safetensors")
    assert stored["network.body.stem.motifs.weight"].shape == (8, 4, 1, 15)
    assert stored["scale.feature_sd"].shape == (1,)


@pytest.mark.parametrize("name", SMALL)
def test_other_seeds_give_other_weights(name):
    data = make_dataset(train=64)
    means = []
    for seed in (1, 2):
        model = made(name, epochs=1)
        model.fit(data.train, data.calibration, rh.RunContext(seed=seed, device="cpu"))
        means.append(model.predict(data.test.inputs(), CONTEXT).mean)
    assert not np.array_equal(*means)


def test_fitting_leaves_the_global_generator_alone():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    fitted(make_dataset(train=64), epochs=1)
    assert torch.equal(torch.get_rng_state(), before)


def test_progress_rises_to_one():
    data, shares = make_dataset(train=100), []
    model = made(epochs=2, batch_size=25)
    model.fit(data.train, data.calibration, rh.RunContext(device="cpu", progress=shares.append))
    assert shares == [*(i / 8 for i in range(1, 9)), 1.0]


def test_another_length_than_trained_is_refused():
    data = make_dataset(train=64)
    model = fitted(data, epochs=1)
    with pytest.raises(CellError, match="trained on 40 bp and got 50 bp"):
        model.predict(make_dataset(length=50).test.inputs(), CONTEXT)


@pytest.mark.parametrize(
    ("device", "message"), [("cuda:99", "is not there; PyTorch finds: cpu"), ("gpu", "knows no device")]
)
def test_a_device_that_is_not_there_is_refused(device, message):
    data = make_dataset(train=64)
    with pytest.raises(CellError, match=message):
        made().fit(data.train, data.calibration, rh.RunContext(device=device))


def test_a_diverging_fit_says_what_to_try():
    data = make_dataset(train=64)
    data.train.target[0] = np.float32(np.nan)
    with pytest.raises(CellError, match="the loss became nan in epoch 1; try a lower learning_rate"):
        fitted(data, epochs=1)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"motifs": "builtin"}, "'motifs' and 'motif_variant' are for 'prior: motif_features'"),
        ({"motif_variant": "decoy"}, "'motifs' and 'motif_variant' are for 'prior: motif_features'"),
        ({"quantile_levels": [0.1, 0.9]}, "'quantile_levels' goes with head: quantile"),
        ({"head": "quantile", "quantile_levels": [0.9, 0.1]}, "two or more quantile_levels, from low to high"),
        ({"evidence_penalty": 1.0}, "'evidence_penalty' goes with head: evidential"),
        ({"head": "quantile", "noise_aware": True}, "'noise_aware' goes with head: gaussian"),
        ({"robust": {"method": "irm"}}, "group_dro"),
        ({"robust": {"method": "vrex", "groups": "cell_type", "bins": 3}}, "'bins' goes with groups: gc_content"),
    ],
)
def test_parameters_that_do_not_go_together_are_refused(parameters, message):
    with pytest.raises(InputError, match=message):
        rh.model("torch_cnn", **parameters)


def test_a_transformer_whose_heads_do_not_divide_its_width_is_refused():
    with pytest.raises(InputError, match="multiple of 'attention_heads'"):
        rh.model("torch_transformer", width=10, attention_heads=4)


def test_what_ran_is_told():
    assert fitted(make_dataset(train=64), epochs=1).execution() == {
        "device": "cpu",
        "torch": torch.__version__,
        "threads": "1",
    }


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


def test_samples_differ_and_their_mean_is_near_the_prediction():
    data = make_dataset()
    model = fitted(data, dropout=0.2)
    assert isinstance(model, Samples)
    drawn = np.stack([p.mean for p in model.samples(data.test.inputs(), CONTEXT, 200)])
    spread = drawn.std(axis=0)
    assert (spread > 0).all()
    mean = model.predict(data.test.inputs(), CONTEXT).mean
    # Dropout acts on what the mean is linear in, so that the mean over its draws is the prediction.
    assert (np.abs(drawn.mean(axis=0) - mean) < 5 * spread / np.sqrt(200)).all()


def test_a_sample_of_an_example_does_not_depend_on_the_others():
    data = make_dataset()
    model = fitted(data)
    rows = np.array([5, 2, 40])
    whole, some = (
        next(iter(model.samples(batch.inputs(), CONTEXT, 1))).mean for batch in (data.test, data.test.select(rows))
    )
    np.testing.assert_allclose(some, whole[rows], rtol=1e-4, atol=1e-5)


def test_a_network_without_dropout_has_no_samples():
    data = make_dataset(train=64)
    with pytest.raises(CellError, match="dropout: 0 has no random parts"):
        next(fitted(data, epochs=1, dropout=0.0).samples(data.test.inputs(), CONTEXT, 2))


def test_robust_training_over_cell_types_needs_two():
    with pytest.raises(CellError, match="needs two outputs or more"):
        fitted(make_dataset(train=64), robust={"method": "vrex", "groups": "cell_type"})


def test_noise_aware_training_needs_noise_variances():
    data = make_dataset(train=64)
    with pytest.raises(CellError, match="noise_aware needs the noise variance of every output"):
        fitted(replace(data, train=replace(data.train, noise_variance=None)), noise_aware=True)
