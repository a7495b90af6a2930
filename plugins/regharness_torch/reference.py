"""Own the PyTorch reference models by name. Trains nothing itself."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from torch import nn

from regharness import RunContext
from regharness.capabilities import Exported
from regharness_reference.adapter import ReferenceModel, Shape
from regharness_reference.heads import width
from regharness_torch.architectures import CNN, BiLSTM, LegNet, Transformer
from regharness_torch.learner import TorchLearner
from regharness_torch.network import ReferenceNetwork
from regharness_torch.parameters import (
    HeadParameters,
    TorchBiLSTMParameters,
    TorchCNNParameters,
    TorchLegNetParameters,
    TorchTransformerParameters,
)


class TorchReference(ReferenceModel):
    """A reference model in PyTorch.

    Parameters
    ----------
    **parameters
        As of the class's `checked`.
    """

    checked: ClassVar[type[HeadParameters]]
    export_formats = ("onnx", "safetensors")

    def __init__(self, **parameters: Any) -> None:
        p = self.checked.model_construct(**parameters)
        self._given = p
        super().__init__(p, p.head, p.levels)

    @abstractmethod
    def body(self) -> nn.Module:
        """What describes a sequence."""

    def network(self, shape: Shape) -> ReferenceNetwork:
        """The whole network, untrained."""
        p = self._given
        values = width(p.head, p.levels)
        return ReferenceNetwork(self.body(), shape.outputs, shape.features, p.head, values, p.dropout)

    def build(self, shape: Shape, seed: int, device: str) -> TorchLearner:
        """Make the network, untrained, with what trains it."""
        robust = self._given.robust
        groups = 1 if robust is None else robust.number(shape.outputs)
        return TorchLearner(lambda: self.network(shape), self._given, groups, seed, device)

    def export(self, path: Path, format: str, outputs: tuple[str, ...]) -> Exported:
        """Write the network as ONNX, or its weights as safetensors."""
        from regharness_torch.exported import write

        learner = self._on(RunContext(device="cpu"))
        assert isinstance(learner, TorchLearner)
        made = type(self).__name__, self._given, self._shape
        return write(learner.network.eval(), made, self._scales, outputs, path, format)


class TorchCNN(TorchReference):
    """Two convolutions, a hidden layer and a head, trained from scratch."""

    checked = TorchCNNParameters
    _given: TorchCNNParameters

    def body(self) -> nn.Module:
        """Two convolutions."""
        return CNN(self._given.filters)


class TorchBiLSTM(TorchReference):
    """A convolution, an LSTM in both directions, a hidden layer and a head, trained from scratch."""

    checked = TorchBiLSTMParameters
    _given: TorchBiLSTMParameters

    def body(self) -> nn.Module:
        """A convolution and an LSTM."""
        return BiLSTM(self._given.filters, self._given.units)


class TorchTransformer(TorchReference):
    """A convolution, encoder layers, a hidden layer and a head, trained from scratch."""

    checked = TorchTransformerParameters
    _given: TorchTransformerParameters

    def body(self) -> nn.Module:
        """A convolution and encoder layers."""
        p = self._given
        return Transformer(p.width, p.attention_heads, p.layers)


class TorchLegNet(TorchReference):
    """Residual convolutions, a hidden layer and a head, trained from scratch."""

    checked = TorchLegNetParameters
    _given: TorchLegNetParameters

    def body(self) -> nn.Module:
        """Residual blocks."""
        return LegNet(self._given.filters, self._given.kernel, self._given.expansion)
