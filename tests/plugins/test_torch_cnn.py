"""The PyTorch CNN: its loss against hand values, its contract, and that it learns."""

import numpy as np
import pytest

import regharness as rh
from regharness import InputError
from regharness.errors import CellError
from regharness.testing import ModelAdapterContract, make_dataset

torch = pytest.importorskip("torch")

from regharness_torch.network import one_hot  # noqa: E402
from regharness_torch.training import beta_nll  # noqa: E402

CONTEXT = rh.RunContext(device="cpu")


class Small(ModelAdapterContract):
    prior = "none"

    def make_model(self):
        return rh.model("torch_cnn", prior=self.prior, epochs=2, filters=8, batch_size=32)


class TestWithoutPrior(Small):
    pass


class TestWithGCPrior(Small):
    prior = "gc"


class TestWithMotifPrior(Small):
    prior = "motif_features"


def tensors(*values):
    return [torch.tensor([[value]], requires_grad=True) for value in values]


def test_at_beta_zero_the_loss_is_the_gaussian_likelihood():
    mean, log_variance, target = torch.randn(3, 64, 2, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.GaussianNLLLoss(eps=0)(mean, target, log_variance.exp())
    torch.testing.assert_close(beta_nll(mean, log_variance, target, 0.0), expected)


def test_the_loss_of_one_example_by_hand():
    # Variance 4, error 2, beta 1/2: sqrt(4) x (ln 4 + 4/4) / 2.
    mean, log_variance, target = tensors(1.0, float(np.log(4.0)), 3.0)
    assert beta_nll(mean, log_variance, target, 0.5).item() == pytest.approx(np.log(4.0) + 1.0, rel=1e-6)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_the_gradient_of_the_mean_is_the_error_over_variance_to_one_minus_beta(beta):
    mean, log_variance, target = tensors(1.0, float(np.log(4.0)), 3.0)
    beta_nll(mean, log_variance, target, beta).backward()
    assert mean.grad.item() == pytest.approx(-2.0 / 4.0 ** (1 - beta), rel=1e-5)


def test_one_hot_has_a_row_a_base_and_none_for_n():
    encoded = one_hot(torch.tensor([[0, 1, 2, 3, 4]], dtype=torch.uint8))[0]
    assert encoded.tolist() == np.eye(5)[:4].tolist()


def test_it_learns_a_planted_motif():
    data = make_dataset(train=3000, calibration=300, test=500)
    model = rh.model("torch_cnn", epochs=6, filters=16, batch_size=32)
    model.fit(data.train, data.calibration, CONTEXT)
    p = model.predict(data.test.inputs(), CONTEXT)
    scores = rh.evaluate(data.test.target[:, 0], p.mean[:, 0], p.aleatoric_variance[:, 0], ["pearson_r", "coverage_90"])
    # GC content alone explains an SD of 0.16 of 0.54: a correlation of 0.3.
    assert scores["pearson_r"] > 0.7
    assert 0.8 < scores["coverage_90"] < 0.98


def test_fitting_leaves_the_global_generator_alone():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    data = make_dataset(train=64)
    rh.model("torch_cnn", epochs=1, filters=4).fit(data.train, data.calibration, CONTEXT)
    assert torch.equal(torch.get_rng_state(), before)


def test_progress_rises_to_one():
    data, shares = make_dataset(train=100), []
    model = rh.model("torch_cnn", epochs=2, filters=4, batch_size=25)
    model.fit(data.train, data.calibration, rh.RunContext(device="cpu", progress=shares.append))
    assert shares == [i / 8 for i in range(1, 9)]


def test_another_length_than_trained_is_refused():
    data = make_dataset(train=64)
    model = rh.model("torch_cnn", epochs=1, filters=4)
    model.fit(data.train, data.calibration, CONTEXT)
    with pytest.raises(CellError, match="trained on 40 bp and got 50 bp"):
        model.predict(make_dataset(length=50).test.inputs(), CONTEXT)


@pytest.mark.parametrize(
    ("device", "message"), [("cuda:99", "is not there; PyTorch finds: cpu"), ("gpu", "knows no device")]
)
def test_a_device_that_is_not_there_is_refused(device, message):
    data = make_dataset(train=64)
    with pytest.raises(CellError, match=message):
        rh.model("torch_cnn", epochs=1).fit(data.train, data.calibration, rh.RunContext(device=device))


def test_a_diverging_fit_says_what_to_try():
    data = make_dataset(train=64)
    data.train.target[0] = np.float32(np.nan)
    with pytest.raises(CellError, match="the loss became nan in epoch 1; try a lower learning_rate"):
        rh.model("torch_cnn", epochs=1).fit(data.train, data.calibration, CONTEXT)


def test_a_motif_library_without_its_prior_is_refused():
    with pytest.raises(InputError, match="'motifs' is for 'prior: motif_features'"):
        rh.model("torch_cnn", motifs="builtin")


def test_what_ran_is_told():
    data = make_dataset(train=64)
    model = rh.model("torch_cnn", epochs=1, filters=4)
    model.fit(data.train, data.calibration, CONTEXT)
    assert model.execution() == {"device": "cpu", "torch": torch.__version__, "threads": "1"}
