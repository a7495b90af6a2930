"""How the PyTorch models train: which epoch is kept, what is standardised, what reaches the disk."""

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file

import regharness as rh
from regharness.testing import make_batch, make_dataset

torch = pytest.importorskip("torch")

from regharness_torch.network import LOG_VARIANCE_BOUND, GaussianCNN, one_hot  # noqa: E402
from regharness_torch.training import Examples, beta_nll, fit_network, predict  # noqa: E402

CONTEXT = rh.RunContext(seed=1, device="cpu")


def fitted(data, **parameters):
    model = rh.model("torch_cnn", **{"epochs": 2, "filters": 8, "batch_size": 32, **parameters})
    model.fit(data.train, data.calibration, CONTEXT)
    return model


def test_the_kept_epoch_is_the_likeliest_on_the_calibration_split():
    # Fitted to noise with a high rate, later epochs are worse; each is seen by a network that watches progress.
    generator = torch.Generator().manual_seed(0)
    sequence = torch.randint(0, 4, (96, 20), generator=generator, dtype=torch.uint8)
    target, nothing = torch.randn(96, 1, generator=generator), torch.zeros(96, 0)
    train, calibration = (Examples(sequence[r], nothing[r], target[r]) for r in (slice(64), slice(64, None)))
    seen = []

    def likelihood():
        mean, log_variance = predict(network, calibration.sequence, calibration.features)
        network.train()
        return float(beta_nll(mean, log_variance, calibration.target, 0.0))

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = GaussianCNN(8, 1, 0, 0.0)
        parameters = rh.model("torch_cnn", epochs=12, batch_size=16, learning_rate=0.02)._p
        fit_network(
            network,
            train,
            calibration,
            parameters,
            generator,
            lambda share: seen.append(likelihood()) if round(share * 48) % 4 == 0 else None,
        )
    assert min(seen) < seen[-1]
    assert likelihood() == pytest.approx(min(seen), rel=1e-6)


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
    with torch.random.fork_rng(devices=[]):
        network = GaussianCNN(4, 2, 0, 0.0)
    with torch.no_grad():
        network.head.bias.fill_(1e9)
    _, log_variance = network(one_hot(torch.zeros(3, 20, dtype=torch.uint8)), torch.zeros(3, 0))
    assert (log_variance == LOG_VARIANCE_BOUND).all()


@pytest.mark.parametrize("length", [1, 7, 8, 9])
def test_sequences_shorter_than_a_filter_are_accepted(length):
    rng = np.random.default_rng(0)
    batch = replace(make_batch(64), sequence=rng.integers(0, 4, (64, length)).astype(np.uint8))
    model = rh.model("torch_cnn", epochs=1, filters=4)
    model.fit(batch, batch, CONTEXT)
    assert np.isfinite(model.predict(batch.inputs(), CONTEXT).mean).all()


def test_what_is_saved_is_one_safetensors_file(tmp_path):
    fitted(make_dataset(), prior="gc").save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["network.safetensors"]
    stored = load_file(tmp_path / "network.safetensors")
    assert stored["network.motifs.weight"].shape == (8, 4, 1, 15)
    assert stored["scale.feature_sd"].shape == (1,)


def test_other_seeds_give_other_weights():
    data = make_dataset()
    one, two = (rh.model("torch_cnn", epochs=1, filters=4) for _ in range(2))
    one.fit(data.train, data.calibration, rh.RunContext(seed=1, device="cpu"))
    two.fit(data.train, data.calibration, rh.RunContext(seed=2, device="cpu"))
    means = [model.predict(data.test.inputs(), CONTEXT).mean for model in (one, two)]
    assert not np.array_equal(*means)
