"""Run an endpoint of a TensorFlow SavedModel. Refuses one that reads or writes files or calls Python."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from regharness.errors import CellError, unknown_name
from regharness_keras.loading import first_line
from regharness_keras.parameters import KerasParameters
from regharness_keras.process import keras_with, place_of
from regharness_networks.adapter import Network, Tensor
from regharness_networks.batches import OutOfMemory, is_out_of_memory
from regharness_networks.inputs import InputTensor

REFUSED = frozenset(
    {"PyFunc", "PyFuncStateless", "EagerPyFunc", "ReadFile", "WriteFile", "MatchingFiles", "Save", "SaveSlices"}
)
"""Operations that a network has no need of. Loading a SavedModel runs its initialisers."""


class SavedModel(Network):
    """An endpoint, and the device that it runs on.

    Parameters
    ----------
    p, device
        What to load, and where.
    """

    def __init__(self, p: KerasParameters, device: str) -> None:
        if p.backend != "tensorflow":
            raise CellError("a SavedModel needs the backend tensorflow")
        keras = keras_with("tensorflow")
        import tensorflow as tf

        folder = p.path.parent
        self._tf, self._place = tf, place_of("tensorflow", device)
        bad = sorted(set(_operations(p.path)) & REFUSED)
        if bad:
            raise CellError(f"the SavedModel {folder.name} has the operations {', '.join(bad)}: refused")
        try:
            with tf.device(self._place):
                # Kept, since a signature does not keep its variables.
                self._model = tf.saved_model.load(folder)
        except Exception as error:
            raise CellError(f"TensorFlow cannot load {folder.name}: {first_line(error)}") from None
        signatures = self._model.signatures
        if p.endpoint not in signatures:
            message, choices = unknown_name("endpoint", p.endpoint, signatures, listed="it has")
            raise CellError(f"the SavedModel {folder.name}: {message} ({choices})")
        self._call = signatures[p.endpoint]
        stated = self._call.structured_input_signature[1]
        self.inputs = tuple(
            InputTensor(name, None if one.shape.rank is None else tuple(one.shape), np.dtype(one.dtype.as_numpy_dtype))
            for name, one in stated.items()
        )
        self.accelerated = not self._place.startswith("cpu")
        self.execution = {
            "device": self._place,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
            "backend": "tensorflow",
        }

    def run(self, inputs: dict[str, Tensor]) -> list[tuple[str, Tensor]]:
        """Outputs by name, in the order of their names."""
        try:
            with self._tf.device(self._place):
                found = self._call(**{name: self._tf.constant(value) for name, value in inputs.items()})
                return [(name, found[name].numpy()) for name in sorted(found)]
        except Exception as error:
            if is_out_of_memory(error):
                raise OutOfMemory from None
            raise CellError(f"TensorFlow: {first_line(error)}") from None


def _operations(path: Path) -> Iterator[str]:
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    stored = saved_model_pb2.SavedModel()
    try:
        stored.ParseFromString(path.read_bytes())
    except DecodeError:
        raise CellError(f"{path.name} is no SavedModel, or is cut off") from None
    for graph in stored.meta_graphs:
        yield from (node.op for node in graph.graph_def.node)
        for function in graph.graph_def.library.function:
            yield from (node.op for node in function.node_def)
