"""Run Keras 3 models. Encodes nothing, loads nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from regharness.errors import CellError
from regharness_keras.loading import first_line, loaded
from regharness_keras.parameters import KerasParameters
from regharness_keras.process import free_memory, keras_with, place_of, restrained
from regharness_networks.adapter import FileModel, Network, Tensor
from regharness_networks.batches import OutOfMemory, is_out_of_memory
from regharness_networks.inputs import InputTensor
from regharness_networks.outputs import named_outputs


class KerasModel(FileModel):
    """A Keras 3 model.

    Files are loaded in Keras's safe mode: a Lambda layer, or any other code in them, is refused.

    Parameters
    ----------
    **parameters
        As of `KerasParameters`.
    """

    layout = "NLC"

    def __init__(self, **parameters: Any) -> None:
        self._given = KerasParameters.model_construct(**parameters)
        super().__init__(self._given)

    def open(self, device: str) -> Network:
        """Load the model with its backend."""
        if self._given.path.name == "saved_model.pb":
            from regharness_keras.saved_model import SavedModel

            return SavedModel(self._given, device)
        return KerasNetwork(self._given, device)


class KerasNetwork(Network):
    """A model, and the device that it runs on.

    Parameters
    ----------
    p, device
        What to load, and where.
    """

    def __init__(self, p: KerasParameters, device: str) -> None:
        self._keras, self._backend = keras_with(p.backend), p.backend
        self._place = place_of(p.backend, device)
        with restrained(self._backend), self._keras.device(self._place):
            self._model = loaded(p, self._keras)
        self._stated, self.inputs = _inputs(self._model, self._keras)
        self._names = [str(name) for name in getattr(self._model, "output_names", None) or []]
        self.accelerated = not self._place.startswith("cpu")
        self.execution = {"device": self._place, "keras": self._keras.__version__, "backend": p.backend}

    def free_memory(self) -> int | None:
        """Bytes that are free on its accelerator."""
        return free_memory(self._backend, self._place)

    def run(self, inputs: dict[str, Tensor]) -> list[tuple[str, Tensor]]:
        """Outputs by name, in order."""
        given = self._keras.tree.pack_sequence_as(self._stated, [inputs[one.name] for one in self.inputs])
        try:
            with restrained(self._backend), self._keras.device(self._place):
                found = self._model.predict_on_batch(given)
        except Exception as error:
            if is_out_of_memory(error):
                raise OutOfMemory from None
            raise CellError(f"Keras: {first_line(error)}") from None
        return [(name, np.asarray(value)) for name, value in named_outputs(found, self._names)]


def _inputs(model: Any, keras: Any) -> tuple[Any, tuple[InputTensor, ...]]:
    """How a model is given its inputs, and what each of them is.

    A Functional or Sequential model states them; of a subclassed one, Keras stores the shapes that it was built with.
    """
    if getattr(model, "inputs", None):
        # Sequential models know the size of the batch that they were first called on, and take any.
        free = isinstance(model, keras.Sequential)
        stated = model.inputs[0] if free else model.input
        found = [
            InputTensor(
                str(path[-1]) if path and isinstance(path[-1], str) else one.name,
                (None if free else one.shape[0], *one.shape[1:]),
                _number(keras.backend.standardize_dtype(one.dtype)),
            )
            for path, one in keras.tree.flatten_with_path(stated)
        ]
        return stated, tuple(found)
    shapes = (model.get_build_config() or {}).get("input_shape")
    if isinstance(shapes, dict):
        found = [InputTensor(str(name), _shape(one), np.dtype(np.float32)) for name, one in sorted(shapes.items())]
        return dict.fromkeys(sorted(shapes), 0), tuple(found)
    return 0, (InputTensor("sequence", _shape(shapes), np.dtype(np.float32)),)


def _shape(built: Any) -> tuple[int | None, ...] | None:
    if not isinstance(built, list | tuple) or not all(size is None or isinstance(size, int) for size in built):
        return None
    return (None, *built[1:])


def _number(name: str) -> np.dtype[Any]:
    """Keras turns float32 into what a layer computes with, mixed precision among it."""
    return np.dtype(np.float32 if "float" in name else name)
