"""Join reference models to the harness: standardise, train, predict, save. Owns no architecture and no framework."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from regharness import Prediction, RunContext, SequenceBatch
from regharness.errors import CellError
from regharness.interfaces import ModelAdapter
from regharness_motifs.library import MotifSet
from regharness_reference.batches import Batches
from regharness_reference.features import prior_features, prior_library
from regharness_reference.heads import Head, loss, predicted
from regharness_reference.parameters import ReferenceParameters
from regharness_reference.scales import PREFIX, Scales
from regharness_reference.training import Learner, fit_network

FILE = "network.safetensors"
NETWORK = "network."


@dataclass(frozen=True)
class Shape:
    """What a network is built for: positions, outputs, and features of the prior."""

    length: int
    outputs: int
    features: int


class ReferenceModel(ModelAdapter):
    """A network that is trained here, from scratch.

    Targets are standardised inside. The epoch that is best on the calibration split is kept.

    Parameters
    ----------
    p
        How it is built and trained.
    head, levels
        What it gives for each output; levels of quantiles.
    """

    def __init__(
        self, parameters: ReferenceParameters, head: Head = "gaussian", levels: tuple[float, ...] = ()
    ) -> None:
        self._p, self._head, self.quantile_levels = parameters, head, levels
        self._learner: Learner | None = None
        self._device = ""

    @abstractmethod
    def build(self, shape: Shape, seed: int, device: str) -> Learner:
        """Make an untrained network on a device; `seed` decides its first weights and what is random in training."""

    def fit(self, train: SequenceBatch, calibration: SequenceBatch, context: RunContext) -> None:
        """Train from scratch; `context.seed` decides initialisation, order, augmentation and dropout."""
        assert train.target is not None
        assert calibration.target is not None
        features = self._features(train.sequence)
        self._scales = Scales.of(train.target, features)
        self._shape = Shape(train.sequence.shape[1], len(train.outputs), features.shape[1])
        learner = self._learner = self._built(context)
        held = self._scales.features(self._features(calibration.sequence))
        target = self._scales.targets(calibration.target)
        fit_network(
            learner,
            Batches(train, self._scales.features(features), self._scales, self._p),
            lambda: loss(self._head, learner.values(calibration.sequence, held), self.quantile_levels, target),
            self._p,
            context.rng("training"),
            context.progress,
        )

    def predict(self, batch: SequenceBatch, context: RunContext) -> Prediction:
        """Predict in target units."""
        learner, features = self._ready(batch, context)
        return self._prediction(learner.values(batch.sequence, features))

    def samples(self, batch: SequenceBatch, context: RunContext, number: int) -> Iterator[Prediction]:
        """Predict with units dropped as in training; one draw of units a sample, for all examples."""
        if not self._p.dropout:
            raise CellError("a network trained with dropout: 0 has no random parts to sample")
        learner, features = self._ready(batch, context)
        rng = context.rng("samples")
        for _ in range(number):
            yield self._prediction(learner.drawn(batch.sequence, features, rng))

    def last_layer(self, batch: SequenceBatch, context: RunContext) -> NDArray[np.float64]:
        """What the mean is linear in: units of the last hidden layer, and features of the prior."""
        if self._head == "quantile":
            raise CellError("the mean of a quantile head is not linear in the last layer; give it head: gaussian")
        learner, features = self._ready(batch, context)
        return learner.hidden(batch.sequence, features).astype(np.float64)

    def save(self, folder: Path) -> None:
        """Write weights and scales as safetensors, shapes as its metadata."""
        assert self._learner is not None
        arrays = {NETWORK + name: value for name, value in self._learner.weights().items()} | self._scales.arrays()
        whole = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
        save_file(whole, folder / FILE, {"shape": json.dumps(asdict(self._shape))})

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        with safe_open(folder / FILE, framework="numpy") as stored:
            self._shape = Shape(**json.loads(stored.metadata()["shape"]))
            arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        self._scales = Scales.from_arrays(arrays)
        self._learner = self._built(RunContext(device="cpu"))
        self._learner.restore({n.removeprefix(NETWORK): v for n, v in arrays.items() if not n.startswith(PREFIX)})

    def execution(self) -> Mapping[str, str]:
        """Device, version and threads."""
        return {} if self._learner is None else self._learner.execution

    def _built(self, context: RunContext) -> Learner:
        self._device = context.device
        return self.build(self._shape, context.seed, context.device)

    def _ready(self, batch: SequenceBatch, context: RunContext) -> tuple[Learner, NDArray[np.float32]]:
        """The network on the device that is asked for, and standardised features."""
        if batch.sequence.shape[1] != self._shape.length:
            raise CellError(f"the network was trained on {self._shape.length} bp and got {batch.sequence.shape[1]} bp")
        return self._on(context), self._scales.features(self._features(batch.sequence))

    def _on(self, context: RunContext) -> Learner:
        """The trained network, on the device that is asked for."""
        assert self._learner is not None, "fit or load first"
        if self._device != context.device:
            weights = self._learner.weights()
            self._learner = self._built(context)
            self._learner.restore(weights)
        return self._learner

    def _prediction(self, values: NDArray[np.float32]) -> Prediction:
        return predicted(self._head, values, self.quantile_levels, self._scales)

    def _features(self, sequence: NDArray[np.uint8]) -> NDArray[np.float32]:
        return prior_features(self._p, self._library, sequence)

    @cached_property
    def _library(self) -> MotifSet | None:
        return prior_library(self._p)
