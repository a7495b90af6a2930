"""The reference networks in Keras compute what those in PyTorch do, given the same weights."""

import numpy as np
import pytest

import regharness as rh

pytest.importorskip("keras")
pytest.importorskip("tensorflow")
pytest.importorskip("torch")

from regharness_reference.adapter import Shape

SMALL = {
    "cnn": {"filters": 8},
    "bilstm": {"filters": 8, "units": 4},
    "transformer": {"width": 8, "attention_heads": 2, "layers": 1},
}
PARTS = ("before", "asked", "mixed", "between", "wide", "narrow")
LAYERS = {
    "motifs": "body.stem.motifs",
    "grammar": "body.grammar",
    "prior": "prior.0",
    "hidden": "dense",
    "skip": "skip",
    **{
        f"layer_0_{part}": f"body.layers.0.{part}" for part in ("before", "asked", "mixed", "between", "wide", "narrow")
    },
}
"""Layers of Keras, as PyTorch's network names them."""
LSTM = {"kernel": "weight_ih", "recurrent_kernel": "weight_hh", "bias": "bias_ih"}


def of_pytorch(weights):
    """Weights of a network in Keras as PyTorch has them: what a layer is given is the last axis, not the first."""
    found = {}
    for path, value in weights.items():
        layer, *_, part = path.split("/")
        turned = value.transpose(2, 1, 0)[:, :, None] if value.ndim == 3 else value.T
        if "lstm_cell" in path:
            end = "l0_reverse" if "backward" in path else "l0"
            found[f"body.lstm.{LSTM[part]}_{end}"] = turned
            found[f"body.lstm.bias_hh_{end}"] = np.zeros(value.shape[-1], np.float32)
        elif layer in LAYERS:
            found[f"{LAYERS[layer]}.{'bias' if part in ('bias', 'beta') else 'weight'}"] = turned
    for part, name in {"kernel": "weight", "bias": "bias"}.items():
        both = [weights[f"{one}_of_units/{part}"].T for one in ("mean", "log_variance")]
        found[f"head.{name}"] = np.concatenate(both)
    return found


@pytest.mark.parametrize("name", SMALL)
def test_with_the_same_weights_networks_of_both_frameworks_give_the_same(name):
    rng, shape = np.random.default_rng(0), Shape(40, 2, 3)
    sequence = rng.integers(0, 5, (20, 40)).astype(np.uint8)
    features = rng.normal(size=(20, 3)).astype(np.float32)
    one, other = (rh.model(f"{use}_{name}", **SMALL[name]).build(shape, 1, "cpu") for use in ("keras", "torch"))
    weights = {path: rng.normal(0.0, 0.4, value.shape).astype(np.float32) for path, value in one.weights().items()}
    one.restore(weights)
    other.restore(of_pytorch(weights))
    for found, expected in (
        (one.values(sequence, features), other.values(sequence, features)),
        (one.hidden(sequence, features), other.hidden(sequence, features)),
    ):
        assert expected.std() > 0.1
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
