"""Users' networks of PyTorch, sampled by their own dropout layers."""

import numpy as np
import pytest

import regharness as rh
from regharness.catalog import load_catalog
from regharness.errors import CellError
from regharness.testing import make_dataset

torch = pytest.importorskip("torch")

CPU = rh.RunContext(device="cpu")
NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self, rate=0.5, kind="Dropout"):
        super().__init__()
        self.conv = nn.Conv1d(4, 16, 5, padding=2)
        self.norm = nn.BatchNorm1d(16)
        self.drop = getattr(nn, kind)(rate)
        self.out = nn.Linear(16, 2)

    def forward(self, sequence):
        return self.out(self.drop(self.norm(self.conv(sequence))).mean(2))
"""


@pytest.fixture
def model(tmp_path):
    """Makes a network from a file, with arguments of its module."""
    (tmp_path / "net.py").write_text(NET)
    scope = {}
    exec(NET, scope)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(scope["Net"]().state_dict(), tmp_path / "net.pt")

    def make(**arguments):
        return rh.model(
            "torch", path=tmp_path / "net.pt", module="Net", code=tmp_path / "net.py", arguments=arguments, batch_size=7
        )

    return make


@pytest.fixture(scope="module")
def test():
    return make_dataset(test=20, outputs=("a", "b")).test.inputs()


def means(model, batch, number=2):
    return np.stack([p.mean for p in model.samples(batch, CPU, number)])


@pytest.mark.parametrize("kind", ["Dropout", "Dropout1d"])
def test_samples_differ_and_their_mean_is_near_the_prediction(model, test, kind):
    network = model(kind=kind)
    drawn = means(network, test, 300)
    spread = drawn.std(axis=0)
    assert (spread > 0).all()
    # All behind the dropout is linear, so that the mean over its draws is the prediction.
    assert (np.abs(drawn.mean(axis=0) - network.predict(test, CPU).mean) < 5 * spread / np.sqrt(300)).all()


def test_a_sample_of_an_example_does_not_depend_on_the_others(model, test):
    rows = np.array([5, 2, 13])
    np.testing.assert_allclose(means(model(), test.select(rows)), means(model(), test)[:, rows], rtol=1e-4, atol=1e-5)


def test_predictions_after_sampling_are_as_before(model, test):
    network = model()
    before = network.predict(test, CPU).mean
    means(network, test)
    np.testing.assert_array_equal(network.predict(test, CPU).mean, before)


def test_mc_dropout_gives_a_network_that_comes_fitted_an_epistemic_variance(model, test):
    wrapped = load_catalog().create("uncertainty", "mc_dropout", {"samples": 5}).wrap(model)
    assert not wrapped.trainable
    assert (wrapped.predict(test, CPU).epistemic_variance > 0).all()


def test_a_network_without_dropout_says_so(model, test):
    with pytest.raises(CellError, match=r"no dropout layer \(torch.nn.Dropout\) with a rate above 0"):
        means(model(rate=0.0), test)
