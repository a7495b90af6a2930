"""Own the Keras reference models by name. Trains nothing itself; imports Keras once it is known with which backend."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from regharness.capabilities import Exported
from regharness_keras.process import keras_with, place_of
from regharness_keras.reference_parameters import (
    BackendParameters,
    KerasBiLSTMParameters,
    KerasCNNParameters,
    KerasTransformerParameters,
)
from regharness_reference.adapter import ReferenceModel, Shape

if TYPE_CHECKING:
    from regharness_keras.architectures import Body
    from regharness_keras.learner import KerasLearner


class KerasReference(ReferenceModel):
    """A reference model in Keras, with a Gaussian head.

    Parameters
    ----------
    **parameters
        As of the class's `checked`.
    """

    checked: ClassVar[type[BackendParameters]]
    export_formats: ClassVar[tuple[str, ...]] = ("keras",)
    _learner: KerasLearner | None

    def __init__(self, **parameters: Any) -> None:
        self._given = self.checked.model_construct(**parameters)
        super().__init__(self._given)

    @abstractmethod
    def body(self) -> Body:
        """What describes a sequence; Keras has its backend."""

    def build(self, shape: Shape, seed: int, device: str) -> KerasLearner:
        """Make the network, untrained."""
        p = self._given
        keras_with(p.backend)
        from regharness_keras.learner import KerasLearner

        groups = 1 if p.robust is None else p.robust.number(shape.outputs)
        return KerasLearner(self.body(), shape, p, groups, seed, place_of(p.backend, device))

    def export(self, path: Path, format: str, outputs: tuple[str, ...]) -> Exported:
        """Write a .keras file of Keras's own layers, in target units."""
        assert self._learner is not None, "fit or load first"
        from regharness_keras.export import written

        return written(self._learner.parts, self._scales, self._given, path, outputs)


class KerasCNN(KerasReference):
    """Two convolutions, a hidden layer and a head, trained from scratch."""

    checked = KerasCNNParameters
    _given: KerasCNNParameters

    def body(self) -> Body:
        """Two convolutions."""
        from regharness_keras.architectures import cnn

        return cnn(self._given.filters)


class KerasBiLSTM(KerasReference):
    """A convolution, an LSTM in both directions, a hidden layer and a head, trained from scratch."""

    checked = KerasBiLSTMParameters
    _given: KerasBiLSTMParameters

    def body(self) -> Body:
        """A convolution and an LSTM."""
        from regharness_keras.architectures import bilstm

        return bilstm(self._given.filters, self._given.units)


class KerasTransformer(KerasReference):
    """A convolution, encoder layers, a hidden layer and a head, trained from scratch."""

    checked = KerasTransformerParameters
    _given: KerasTransformerParameters

    def body(self) -> Body:
        """A convolution and encoder layers."""
        from regharness_keras.architectures import transformer

        p = self._given
        return transformer(p.width, p.attention_heads, p.layers)
