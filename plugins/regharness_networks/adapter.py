"""Predict with a network from a file, whatever its framework. Loads none itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from regharness import Prediction, RunContext, SequenceBatch
from regharness.errors import CellError, unknown_name
from regharness.interfaces import ModelAdapter
from regharness_networks.batches import OutOfMemory, first_batch_size
from regharness_networks.extras import extra_values
from regharness_networks.heads import average, joined, predicted
from regharness_networks.inputs import InputTensor, SequenceAxes, sequence_axes, sequence_input
from regharness_networks.parameters import NetworkParameters
from regharness_networks.tensors import Codes, encode, fitted, other_strand

Tensor = NDArray[np.generic]


class Network:
    """A network that is loaded on a device.

    Attributes
    ----------
    inputs
        What it takes, in order.
    execution
        What runs it, for provenance.
    accelerated
        Whether it is on anything but a processor.
    """

    inputs: tuple[InputTensor, ...]
    execution: Mapping[str, str]
    accelerated: bool = False

    def free_memory(self) -> int | None:
        """Bytes that are free on its accelerator; None where the framework does not tell."""
        return None

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
        self._network: Network | None = None
        self._device = ""
        self._batch_size = parameters.batch_size

    @abstractmethod
    def open(self, device: str) -> Network:
        """Load the network onto a device: ``auto``, ``cpu``, ``cuda:0``, ..."""

    def predict(self, batch: SequenceBatch, context: RunContext) -> Prediction:
        """Predict every example, in batches; loads the network at the first call."""
        network = self.opened(context)
        prediction = self._predict(network, batch, batch.sequence)
        if self._p.strands == "mean":
            prediction = average(prediction, self._predict(network, batch, other_strand(batch.sequence)))
        return prediction

    def opened(self, context: RunContext) -> Network:
        """The network on the device that is asked for, loaded at the first call."""
        if self._network is None or self._device != context.device:
            self._network, self._device = self.open(context.device), context.device
        return self._network

    def execution(self) -> Mapping[str, str]:
        """What ran the network."""
        if self._network is None:
            return {}
        size = {} if self._batch_size is None else {"batch_size": str(self._batch_size)}
        return {**self._network.execution, **size}

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
        epistemic = [part.epistemic_variance for part in parts if part.epistemic_variance is not None]
        quantiles = [part.quantiles for part in parts if part.quantiles is not None]
        return Prediction(
            np.concatenate([part.mean for part in parts], axis=1),
            aleatoric_variance=np.concatenate(variances, axis=1) if variances else None,
            epistemic_variance=np.concatenate(epistemic, axis=1) if epistemic else None,
            quantiles=np.concatenate(quantiles, axis=1) if quantiles else None,
            quantile_levels=self.quantile_levels,
        )

    def _values(
        self, network: Network, batch: SequenceBatch, sequence: Codes, output: str | None
    ) -> NDArray[np.float64]:
        """``(example, value)`` of all examples."""
        first, others = sequence_input(network.inputs, self._p)
        axes = sequence_axes(first, self._p, self.layout)
        sequence = fitted(sequence, axes.length, self._p)
        extra = {one.name: extra_values(one, self._p.inputs[one.name], batch, output) for one in others}
        # Embeddings want integers, where nothing says what the network takes.
        dtype = np.dtype(np.int64) if axes.layout == "NL" and first.shape is None else first.dtype
        parts, start = [], 0
        while start < len(sequence):
            size = self._size(network, axes, sequence)
            # A network that takes a fixed number of examples sees the last one again.
            rows = np.arange(start, start + size if axes.examples else min(start + size, len(sequence)))
            rows = np.minimum(rows, len(sequence) - 1)
            given: dict[str, Tensor] = {first.name: encode(sequence[rows], self._p, axes.layout, dtype)}
            given |= {name: value[rows] for name, value in extra.items()}
            try:
                tensors = network.run(given)
            except OutOfMemory:
                if len(rows) == 1 or axes.examples:
                    least = "a single example" if len(rows) == 1 else f"the {size} examples that the network takes"
                    raise CellError(f"the device has no memory for {least}") from None
                self._batch_size = len(rows) // 2
                continue
            parts.append(joined(tensors, len(rows), self._p)[: len(sequence) - start])
            start += len(rows)
        return np.concatenate(parts)

    def _size(self, network: Network, axes: SequenceAxes, sequence: Codes) -> int:
        """Examples at a time: what the network takes, the description says, or memory has shown to suffice."""
        if axes.examples:
            return axes.examples
        if self._batch_size is None:
            example = sequence.shape[1] * 4 * np.dtype(np.float32).itemsize
            self._batch_size = first_batch_size(network.accelerated, network.free_memory(), example)
        return self._batch_size
