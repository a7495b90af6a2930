"""Predict with a network from a file, whatever its framework. Loads none itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regharness import Prediction, RunContext, SequenceBatch
from regharness.errors import CellError, unknown_name
from regharness.interfaces import ModelAdapter
from regharness.sequences import gc_content
from regharness_networks.heads import average, joined, predicted
from regharness_networks.parameters import ExtraInput, NetworkParameters
from regharness_networks.tensors import Codes, code_table, fitted, one_hot, other_strand

Tensor = NDArray[np.generic]
SEQUENCE = "sequence"


@dataclass(frozen=True)
class InputTensor:
    """An input of a network: its name, its shape with None for any size, and its type as numpy has it."""

    name: str
    shape: tuple[int | None, ...] | None
    dtype: np.dtype[Any]


class OutOfMemory(Exception):
    """The device has no memory for a batch of this size."""


class Network:
    """A network that is loaded on a device.

    Attributes
    ----------
    inputs
        What it takes, in order.
    execution
        What runs it, for provenance.
    """

    inputs: tuple[InputTensor, ...]
    execution: Mapping[str, str]

    @abstractmethod
    def run(self, inputs: dict[str, Tensor]) -> list[tuple[str, Tensor]]:
        """Outputs by name, in order; raises `OutOfMemory` where a smaller batch may do."""


class FileModel(ModelAdapter):
    """A network that comes fitted, in a file.

    Attributes
    ----------
    layout
        What the framework usually has.
    """

    trainable = False
    layout = "NLC"

    def __init__(self, parameters: NetworkParameters) -> None:
        self._p = parameters
        self.quantile_levels = tuple(parameters.quantiles)
        self._table = code_table(parameters)
        self._network: Network | None = None
        self._device = ""
        self._batch_size = parameters.batch_size

    @abstractmethod
    def open(self, device: str) -> Network:
        """Load the network onto a device: ``auto``, ``cpu``, ``cuda:0``, ..."""

    def predict(self, batch: SequenceBatch, context: RunContext) -> Prediction:
        """Predict every example, in batches; loads the network at the first call."""
        if self._network is None or self._device != context.device:
            self._network, self._device = self.open(context.device), context.device
        prediction = self._predict(self._network, batch, batch.sequence)
        if self._p.strands == "mean":
            prediction = average(prediction, self._predict(self._network, batch, other_strand(batch.sequence)))
        return prediction

    def execution(self) -> Mapping[str, str]:
        """What ran the network."""
        return {} if self._network is None else self._network.execution

    def _predict(self, network: Network, batch: SequenceBatch, sequence: Codes) -> Prediction:
        extra = next((one.values for one in self._p.inputs.values() if one.values is not None), None)
        if extra is None:
            return predicted(self._values(network, batch, sequence, None), batch.outputs, self._p)
        parts = []
        for output in batch.outputs:
            if output not in extra:
                message, choices = unknown_name("output", output, extra, listed="'values' know")
                raise CellError(f"{message} ({choices})")
            values = self._values(network, batch, sequence, output)
            one = self._p.model_copy(update={"outputs": [output]})
            parts.append(predicted(values, [output], one))
        variances = [part.aleatoric_variance for part in parts if part.aleatoric_variance is not None]
        quantiles = [part.quantiles for part in parts if part.quantiles is not None]
        return Prediction(
            np.concatenate([part.mean for part in parts], axis=1),
            aleatoric_variance=np.concatenate(variances, axis=1) if variances else None,
            quantiles=np.concatenate(quantiles, axis=1) if quantiles else None,
            quantile_levels=self.quantile_levels,
        )

    def _values(
        self, network: Network, batch: SequenceBatch, sequence: Codes, output: str | None
    ) -> NDArray[np.float64]:
        """``(example, value)`` of all examples."""
        first, others = self._named(network)
        layout, length = self._shape(first)
        sequence = fitted(sequence, self._p.length or length, self._p)
        extra = {one.name: self._extra(one, batch, output) for one in others}
        parts, start = [], 0
        while start < len(sequence):
            rows = slice(start, start + self._batch_size)
            encoded = one_hot(np.ascontiguousarray(sequence[rows]), self._table, layout)
            given: dict[str, Tensor] = {first.name: encoded.astype(first.dtype, copy=False)}
            given |= {name: value[rows] for name, value in extra.items()}
            try:
                tensors = network.run(given)
            except OutOfMemory:
                if self._batch_size == 1:
                    raise CellError("the device has no memory for a single example") from None
                self._batch_size //= 2
                continue
            parts.append(joined(tensors, len(encoded), self._p))
            start += len(encoded)
        return np.concatenate(parts)

    def _named(self, network: Network) -> tuple[InputTensor, list[InputTensor]]:
        """The sequence input, and the others, all of which the description must speak of."""
        wanted = self._p.sequence_input
        names = [one.name for one in network.inputs]
        for name in [*self._p.inputs, *([wanted] if wanted else [])]:
            if name not in names:
                message, choices = unknown_name("input", name, names, listed="the network takes")
                raise CellError(f"{message} ({choices})")
        free = [one for one in network.inputs if one.name not in self._p.inputs]
        sequence = [one for one in free if one.name == wanted] if wanted else free
        if len(sequence) != 1 or len(free) > 1:
            raise CellError(
                f"the network takes {', '.join(names)}; 'sequence_input' names that of the sequence, and 'inputs' says "
                "what the others are given"
            )
        return sequence[0], [one for one in network.inputs if one.name in self._p.inputs]

    def _shape(self, tensor: InputTensor) -> tuple[str, int | None]:
        """Layout and length of the sequence input, by description, file and framework, in that order."""
        if tensor.dtype.kind != "f":
            raise CellError(f"the network takes {tensor.dtype} as '{tensor.name}', not the numbers of encoded bases")
        if tensor.shape is None:
            return self._p.layout or self.layout, self._p.length
        wanted = ", ".join("any" if size is None else str(size) for size in tensor.shape)
        if len(tensor.shape) != 3:
            raise CellError(
                f"the network takes '{tensor.name}' of shape ({wanted}), not three axes for example, position, base"
            )
        four = [axis for axis in (1, 2) if tensor.shape[axis] in (4, None)]
        layout = self._p.layout or ({1: "NCL", 2: "NLC"}[four[0]] if len(four) == 1 else self.layout)
        bases, positions = (1, 2) if layout == "NCL" else (2, 1)
        if tensor.shape[bases] not in (4, None):
            raise CellError(
                f"the network takes '{tensor.name}' of shape ({wanted}), and layout {layout} puts bases on axis {bases}"
            )
        length = tensor.shape[positions]
        if self._p.length and length and self._p.length != length:
            raise CellError(
                f"the network takes '{tensor.name}' of shape ({wanted}), and 'length' says {self._p.length}"
            )
        return layout, length

    def _extra(self, tensor: InputTensor, batch: SequenceBatch, output: str | None) -> Tensor:
        """What a further input is given, one row an example."""
        one: ExtraInput = self._p.inputs[tensor.name]
        if one.use == "gc_content":
            values = np.nan_to_num(gc_content(batch.sequence), nan=0.5)
        elif one.use == "covariate":
            if one.covariate not in batch.numeric_covariates:
                message, choices = unknown_name(
                    "covariate", str(one.covariate), batch.numeric_covariates, listed="numbers"
                )
                raise CellError(f"{message} ({choices})")
            values = batch.covariates[one.covariate]
        else:
            number = one.value if one.values is None else one.values[str(output)]
            values = np.full(len(batch), number)
        axes = 2 if tensor.shape is None else len(tensor.shape)
        return values.astype(tensor.dtype).reshape(len(batch), *[1] * (axes - 1))
