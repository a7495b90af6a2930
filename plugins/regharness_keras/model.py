"""Run Keras 3 models. Encodes nothing."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from regharness.errors import CellError
from regharness_keras.parameters import KerasParameters
from regharness_networks.adapter import FileModel, InputTensor, Network, OutOfMemory, Tensor
from regharness_networks.building import named

BACKEND = "KERAS_BACKEND"


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
        return KerasNetwork(self._given, device)


class KerasNetwork(Network):
    """A model, and the device that it runs on.

    Parameters
    ----------
    p, device
        What to load, and where.
    """

    def __init__(self, p: KerasParameters, device: str) -> None:
        keras = _keras(p.backend)
        self._place = _place(p.backend, device)
        with keras.device(self._place):
            self._model = _loaded(p, keras)
        if not getattr(self._model, "inputs", None):
            raise CellError(f"{p.path.name} does not say what it takes: save a Functional or a built Sequential model")
        self._names = [one.name for one in self._model.outputs]
        self.inputs = tuple(
            InputTensor(one.name, tuple(one.shape), np.dtype(keras.backend.standardize_dtype(one.dtype)))
            for one in self._model.inputs
        )
        self._keras = keras
        self.execution = {"device": self._place, "keras": keras.__version__, "backend": p.backend}

    def run(self, inputs: dict[str, Tensor]) -> list[tuple[str, Tensor]]:
        """Outputs by name, in order."""
        given = [inputs[one.name] for one in self.inputs]
        try:
            with self._keras.device(self._place):
                found = self._model.predict_on_batch(given[0] if len(given) == 1 else given)
        except Exception as error:
            if "OOM" in str(error) or type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError"):
                raise OutOfMemory from None
            raise CellError(f"Keras: {str(error).strip().splitlines()[0][:300]}") from None
        if isinstance(found, dict):
            return [(name, np.asarray(value)) for name, value in found.items()]
        values = found if isinstance(found, list | tuple) else [found]
        return list(zip(self._names, map(np.asarray, values), strict=True))


def _keras(backend: str) -> Any:
    """Keras with this backend, which is chosen once for a process, when Keras is first imported."""
    if importlib.util.find_spec(backend) is None:
        raise CellError(f"the Keras backend {backend} is not installed (pip install {backend})")
    if "keras" not in sys.modules:
        os.environ[BACKEND] = backend
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        # Sums in one order, so that numbers do not depend on the processor; and no notice that they might.
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
        if backend == "tensorflow":
            _restrained_tensorflow()
    import keras

    if keras.config.backend() != backend:
        raise CellError(
            f"Keras runs with {keras.config.backend()} in this process and cannot change to {backend}; "
            "evaluate these models in two runs"
        )
    return keras


def _restrained_tensorflow() -> None:
    """Give TensorFlow one thread, and of a GPU only the memory that it needs."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)


def _place(backend: str, device: str) -> str:
    """Keras's name of a device."""
    kind, _, index = device.partition(":")
    if backend == "tensorflow":
        import tensorflow as tf

        there = len(tf.config.list_physical_devices("GPU"))
    elif backend == "torch":
        import torch

        there = torch.cuda.device_count()
    else:
        import jax

        there = sum(one.platform == "gpu" for one in jax.devices())
    if kind == "cpu" or (kind == "auto" and not there):
        return "cpu:0"
    if kind not in ("auto", "cuda") or int(index or 0) >= there:
        raise CellError(f"the device '{device}' is not there; Keras with {backend} finds {there} GPUs")
    return f"{'cuda' if backend == 'torch' else 'gpu'}:{index or 0}"


def _loaded(p: KerasParameters, keras: Any) -> Any:
    path = p.path
    if p.builder is not None:
        return _weighted(p, named(p.builder, p.code))
    if path.name == "saved_model.pb":
        return _saved_model(path.parent, keras, p.backend)
    if path.suffix != ".keras":
        remedy = (
            "; with the Keras that wrote it: keras.models.load_model(...).save('model.keras')"
            if path.suffix in (".h5", ".hdf5")
            else ""
        )
        raise CellError(f"{path.name} is no .keras file, saved_model.pb or .weights.h5{remedy}")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise CellError(f"Keras cannot load {path.name}: {str(error).strip().splitlines()[0][:300]}") from None


def _saved_model(folder: Path, keras: Any, backend: str) -> Any:
    """The serving signature of a SavedModel, as a model with the inputs that it states."""
    if backend != "tensorflow":
        raise CellError("a SavedModel needs the backend tensorflow")
    import tensorflow as tf

    try:
        layer = keras.layers.TFSMLayer(folder, call_endpoint="serving_default")
        signature = tf.saved_model.load(folder).signatures["serving_default"]
    except Exception as error:
        raise CellError(f"Keras cannot load {folder.name}: {str(error).strip().splitlines()[0][:300]}") from None
    stated = signature.structured_input_signature[1]
    if len(stated) != 1:
        raise CellError(f"the SavedModel {folder.name} takes {', '.join(stated)}; one input can be given")
    ((name, spec),) = stated.items()
    given = keras.Input(batch_shape=tuple(spec.shape), dtype=spec.dtype.name, name=name)
    return keras.Model(given, layer(given))


def _weighted(p: KerasParameters, build: Callable[..., Any]) -> Any:
    model = build(**p.arguments)
    try:
        model.load_weights(p.path)
    except Exception as error:
        raise CellError(
            f"{p.path.name} does not fit what '{p.builder}' builds: {str(error).strip().splitlines()[0][:300]}"
        ) from None
    return model
