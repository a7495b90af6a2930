"""Own what is chosen once for a process: Keras's backend, its threads, and what it takes of a GPU. Loads no model."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from regharness.errors import CellError
from regharness_networks.floors import check_floor

BACKEND = "KERAS_BACKEND"
DEFAULTS = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # Sums in one order, so that numbers do not depend on the processor; and no notice that they might.
    "TF_ENABLE_ONEDNN_OPTS": "0",
    # Of cuDNN's algorithms, those that give the same bits twice.
    "TF_CUDNN_DETERMINISTIC": "1",
    # JAX takes three quarters of a GPU at once if left alone.
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}


def keras_with(backend: str) -> Any:
    """Keras with this backend, which is chosen once for a process, when Keras is first imported.

    Raises
    ------
    CellError
        For a backend that is not installed, or not the one that this process has; and for a Keras too old.
    """
    if importlib.util.find_spec(backend) is None:
        raise CellError(f"the Keras backend {backend} is not installed (pip install {backend})")
    check_floor("keras")
    if "keras" not in sys.modules:
        os.environ[BACKEND] = backend
        for name, value in DEFAULTS.items():
            os.environ.setdefault(name, value)
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
    """Give TensorFlow one thread, of a GPU only the memory that it needs, and float32 that is float32."""
    import tensorflow as tf

    # That every model is traced anew for the batches that it is given is no news.
    tf.get_logger().setLevel("ERROR")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_tensor_float_32_execution(False)
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)


@contextmanager
def restrained(backend: str) -> Iterator[None]:
    """The same for the other backends, whose settings are put back afterwards."""
    if backend == "torch":
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
                yield
        finally:
            torch.set_num_threads(before)
    elif backend == "jax":
        import jax

        with jax.default_matmul_precision("float32"):
            yield
    else:
        yield


def place_of(backend: str, device: str) -> str:
    """Keras's name of a run's device.

    Raises
    ------
    CellError
        For a device that is not there.
    """
    kind, _, index = device.partition(":")
    there = _gpus(backend)
    if kind == "cpu" or (kind == "auto" and not there):
        # Keras's variables of integers, such as the state of a Dropout, cannot be on PyTorch's cpu:0, which is a copy.
        return "cpu" if backend == "torch" else "cpu:0"
    if kind not in ("auto", "cuda") or int(index or 0) >= there:
        raise CellError(f"the device '{device}' is not there; Keras with {backend} finds {there} GPUs")
    return f"{'cuda' if backend == 'torch' else 'gpu'}:{index or 0}"


def _gpus(backend: str) -> int:
    if backend == "tensorflow":
        import tensorflow as tf

        return len(tf.config.list_physical_devices("GPU"))
    if backend == "torch":
        import torch

        return int(torch.cuda.device_count())
    import jax

    return sum(one.platform == "gpu" for one in jax.devices())


def free_memory(backend: str, place: str) -> int | None:
    """Bytes that are free on a GPU; None for a processor, and for TensorFlow, which cannot tell."""
    index = int(place.partition(":")[2] or 0)
    if place.startswith("cpu") or backend == "tensorflow":
        return None
    if backend == "torch":
        import torch

        return int(torch.cuda.mem_get_info(index)[0])
    import jax

    told = jax.devices("gpu")[index].memory_stats() or {}
    return int(told["bytes_limit"] - told["bytes_in_use"]) if "bytes_limit" in told else None
