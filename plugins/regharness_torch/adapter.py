"""Join the network to the harness: standardise, train, predict, save. Owns no architecture and no loss."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file

from regharness import Prediction, RunContext, SequenceBatch
from regharness.errors import CellError
from regharness.interfaces import ModelAdapter
from regharness_torch.features import prior_features
from regharness_torch.network import GaussianCNN
from regharness_torch.parameters import CNNParameters
from regharness_torch.training import Examples, fit_network, predict

FILE = "network.safetensors"


class TorchCNN(ModelAdapter):
    """Small convolutional network that gives a mean and an aleatoric variance for each output.

    Targets are standardised inside. The epoch with the best likelihood on the calibration split is kept.
    PyTorch runs on one thread in this process: small networks gain nothing from more, and lose much on a
    busy machine.

    Parameters
    ----------
    **parameters
        As of `CNNParameters`.
    """

    def __init__(self, **parameters: Any) -> None:
        torch.set_num_threads(1)
        self._p = CNNParameters.model_construct(**parameters)
        self._device = torch.device("cpu")
        self._network: GaussianCNN | None = None

    def fit(self, train: SequenceBatch, calibration: SequenceBatch, context: RunContext) -> None:
        """Train from scratch; `context.seed` decides initialisation, order and dropout."""
        self._device = _device(context.device)
        features = self._features(train.sequence)
        target = train.target
        assert target is not None
        self._scales = {
            "target_mean": target.mean(axis=0, dtype=np.float64),
            "target_sd": _nonzero(target.std(axis=0, dtype=np.float64)),
            "feature_mean": features.mean(axis=0, dtype=np.float64),
            "feature_sd": _nonzero(features.std(axis=0, dtype=np.float64)),
        }
        devices = [self._device] if self._device.type == "cuda" else []
        # Dropout and initialisation draw from the global generators, which are put back afterwards; of cuDNN's
        # algorithms, only some give the same bits twice.
        with (
            torch.random.fork_rng(devices=devices),
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True),
        ):
            torch.manual_seed(context.seed)
            self._length = train.sequence.shape[1]
            self._build(len(train.outputs), features.shape[1])
            assert self._network is not None
            fit_network(
                self._network,
                self._examples(train, features),
                self._examples(calibration, self._features(calibration.sequence)),
                self._p,
                torch.Generator().manual_seed(context.seed),
                context.progress,
            )

    def predict(self, batch: SequenceBatch, context: RunContext) -> Prediction:
        """Predict in target units."""
        assert self._network is not None, "fit or load first"
        if batch.sequence.shape[1] != self._length:
            raise CellError(f"the network was trained on {self._length} bp and got {batch.sequence.shape[1]} bp")
        self._device = _device(context.device)
        self._network.to(self._device)
        features = self._standardised(self._features(batch.sequence))
        sequence = torch.from_numpy(np.ascontiguousarray(batch.sequence)).to(self._device)
        mean, log_variance = predict(self._network, sequence, features)
        scale = self._scales["target_sd"]
        variance = np.exp(log_variance.cpu().numpy().astype(np.float64)) * scale**2
        return Prediction(
            (mean.cpu().numpy() * scale + self._scales["target_mean"]).astype(np.float32),
            aleatoric_variance=variance.astype(np.float32),
        )

    def save(self, folder: Path) -> None:
        """Write weights and scales as safetensors, shapes as its metadata."""
        assert self._network is not None
        tensors = {f"network.{name}": value.cpu().contiguous() for name, value in self._network.state_dict().items()}
        tensors |= {f"scale.{name}": torch.from_numpy(value) for name, value in self._scales.items()}
        shape = {"outputs": len(self._scales["target_sd"]), "length": self._length}
        save_file(tensors, folder / FILE, {"shape": json.dumps(shape)})

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        with safe_open(folder / FILE, framework="pt") as stored:
            shape = json.loads(stored.metadata()["shape"])
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        self._scales = {
            name.removeprefix("scale."): value.numpy() for name, value in tensors.items() if name.startswith("scale.")
        }
        self._length = int(shape["length"])
        self._device = torch.device("cpu")
        with torch.random.fork_rng(devices=[]):
            self._build(int(shape["outputs"]), len(self._scales["feature_sd"]))
        weights = {n.removeprefix("network."): v for n, v in tensors.items() if n.startswith("network.")}
        assert self._network is not None
        self._network.load_state_dict(weights)

    def execution(self) -> Mapping[str, str]:
        """Device, version and threads."""
        return {
            "device": str(self._device),
            "torch": torch.__version__,
            "threads": str(torch.get_num_threads()),
        }

    def _build(self, outputs: int, features: int) -> None:
        self._network = GaussianCNN(self._p.filters, outputs, features, self._p.dropout).to(self._device)

    def _features(self, sequence: NDArray[np.uint8]) -> NDArray[np.float32]:
        return prior_features(self._p.prior, self._p.motifs or "builtin", sequence)

    def _standardised(self, features: NDArray[np.float32]) -> torch.Tensor:
        scaled = (features - self._scales["feature_mean"]) / self._scales["feature_sd"]
        return torch.from_numpy(scaled.astype(np.float32)).to(self._device)

    def _examples(self, batch: SequenceBatch, features: NDArray[np.float32]) -> Examples:
        assert batch.target is not None
        target = (batch.target - self._scales["target_mean"]) / self._scales["target_sd"]
        return Examples(
            torch.from_numpy(np.ascontiguousarray(batch.sequence)).to(self._device),
            self._standardised(features),
            torch.from_numpy(target.astype(np.float32)).to(self._device),
        )


def _device(wanted: str) -> torch.device:
    """The device that a run asks for; ``auto`` is the best there is."""
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise CellError(f"PyTorch knows no device '{wanted}'") from None
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(device.type, False) or (device.index or 0) >= max(torch.cuda.device_count(), 1):
        found = ", ".join(name for name, is_there in there.items() if is_there)
        raise CellError(f"the device '{wanted}' is not there; PyTorch finds: {found}")
    return device


def _nonzero(sd: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(sd > 0, sd, 1.0)
