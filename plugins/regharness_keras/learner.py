"""Train and run a reference network in Keras. Knows no architecture and no data set.

To be imported once Keras has its backend, as `regharness_keras.process` sees to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from regharness_keras import losses
from regharness_keras.architectures import Body, made
from regharness_keras.process import restrained
from regharness_keras.reference_parameters import BackendParameters
from regharness_keras.stepping import Arrays, Compute, descent, forward
from regharness_networks.parameters import NetworkParameters
from regharness_networks.tensors import code_table, one_hot
from regharness_reference.adapter import Shape
from regharness_reference.batches import TrainingBatch
from regharness_reference.training import INFERENCE_BATCH, Codes, Floats, Learner, Weights

TABLE = code_table(NetworkParameters())


class KerasLearner(Learner):
    """A network of Keras, trained with AdamW.

    Units are dropped by numbers of NumPy's, which are an input of the network, so that no generator of a framework
    is needed.

    Parameters
    ----------
    body
        What describes a sequence.
    shape
        What the network is built for.
    p
        How it is trained.
    groups
        Groups that robust training tells apart.
    seed, place
        Of its first weights and of dropout; Keras's name of the device.
    """

    def __init__(self, body: Body, shape: Shape, p: BackendParameters, groups: int, seed: int, place: str) -> None:
        self._p, self._seed, self._place = p, seed, place
        with keras.device(place):
            self.parts = made(body, shape, seed)
            optimiser = keras.optimizers.AdamW(
                p.learning_rate, weight_decay=p.weight_decay, epsilon=1e-8, global_clipnorm=p.clip_norm
            )
            self._reduced = losses.Reduction(p.robust, groups)
            self._step = descent(p.backend, self._loss, self.parts.variables, optimiser)
        self._optimiser = optimiser
        self._values = forward(p.backend, self._head_of)
        self._hidden = forward(p.backend, self._units_of)
        self._rng = np.random.default_rng(seed)
        self.execution = {"device": place, "keras": keras.__version__, "backend": p.backend}

    @contextmanager
    def training(self) -> Iterator[None]:
        """Seed dropout."""
        self._rng = np.random.default_rng(self._seed)
        with restrained(self._p.backend):
            yield

    def step(self, batch: TrainingBatch, rate: float) -> float:
        """Take one step of AdamW, with the gradient shortened to its longest length."""
        given = self._given(batch.sequence, batch.features)
        given["kept"] = _kept(self._p.dropout, (len(batch.sequence), self.parts.units), self._rng)
        given["target"] = batch.target
        given |= {} if batch.weight is None else {"weight": batch.weight}
        given |= {} if batch.group is None else {"group": batch.group}
        with keras.device(self._place):
            self._optimiser.learning_rate = rate
            return float(self._step(given))

    def values(self, sequence: Codes, features: Floats) -> Floats:
        """What the head gives: ``(example, output, value)``."""
        return self._each(self._values, sequence, features, {"kept": np.ones((1, self.parts.units), np.float32)})

    def drawn(self, sequence: Codes, features: Floats, rng: np.random.Generator) -> Floats:
        """The same with units dropped, the same ones for every example."""
        kept = _kept(self._p.dropout, (1, self.parts.units), rng)
        return self._each(self._values, sequence, features, {"kept": kept})

    def hidden(self, sequence: Codes, features: Floats) -> Floats:
        """Units of the last hidden layer, and features."""
        return np.concatenate([self._each(self._hidden, sequence, features, {}), features], axis=1)

    def weights(self) -> dict[str, NDArray[np.generic]]:
        """A copy of all that is learnt, by layer and variable."""
        return {one.path: np.array(ops.convert_to_numpy(one)) for one in self.parts.variables}

    def restore(self, weights: Weights) -> None:
        """Assign them."""
        with keras.device(self._place):
            for one in self.parts.variables:
                one.assign(weights[one.path])

    def _loss(self, given: dict[str, Any]) -> Any:
        terms = losses.gaussian(self._head_of(given), given["target"], self._p.beta, given.get("weight"))
        return self._reduced(terms, given.get("group"))

    def _head_of(self, given: dict[str, Any]) -> Any:
        return ops.stack(self.parts.head([self._units_of(given) * given["kept"], *_features(given)]), axis=2)

    def _units_of(self, given: dict[str, Any]) -> Any:
        return self.parts.describe([given["sequence"], *_features(given)])

    def _each(self, compute: Compute, sequence: Codes, features: Floats, more: Arrays) -> Floats:
        found = []
        with restrained(self._p.backend), keras.device(self._place):
            for start in range(0, len(sequence), INFERENCE_BATCH):
                rows = slice(start, start + INFERENCE_BATCH)
                found.append(compute(self._given(sequence[rows], features[rows]) | more))
        return np.concatenate(found)

    def _given(self, sequence: Codes, features: Floats) -> Arrays:
        """One-hot sequences, and features where there are any."""
        given: Arrays = {"sequence": one_hot(np.ascontiguousarray(sequence), TABLE, "NLC")}
        return given | ({"features": features} if features.shape[1] else {})


def _features(given: dict[str, Any]) -> list[Any]:
    return [given["features"]] if "features" in given else []


def _kept(rate: float, shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """What units ``(example, unit)`` are multiplied by: 0 for a share of them, and more than 1 for the others."""
    return ((rng.random(shape) >= rate) / (1.0 - rate)).astype(np.float32)
