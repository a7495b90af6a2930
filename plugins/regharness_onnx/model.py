"""Run ONNX graphs on execution providers. Encodes nothing, chooses no provider."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from regharness.errors import CellError
from regharness_networks.adapter import FileModel, Network, Tensor
from regharness_networks.batches import OutOfMemory
from regharness_networks.floors import check_floor
from regharness_networks.inputs import InputTensor
from regharness_onnx.parameters import OnnxParameters, Provider
from regharness_onnx.providers import (
    CPU,
    MEMORY,
    add_providers,
    check_names,
    default_providers,
    first_line,
    is_short_of_memory,
    needed,
    register_libraries,
)

TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(uint8)": np.uint8,
}


class OnnxModel(FileModel):
    """An ONNX graph.

    Parameters
    ----------
    **parameters
        As of `OnnxParameters`.
    """

    layout = "NCL"

    def __init__(self, **parameters: Any) -> None:
        self._given = OnnxParameters.model_construct(**parameters)
        super().__init__(self._given)

    def open(self, device: str) -> Network:
        """Start a session on the providers that were asked for."""
        return Session(self._given, device)


class Session(Network):
    """A session of ONNX Runtime, on one thread.

    Where the first provider that runs computes in memory of its own, inputs are put there, outputs are made there,
    and both are copied once.

    Parameters
    ----------
    p, device
        What to load; `device` says where if no provider is listed.
    """

    def __init__(self, p: OnnxParameters, device: str) -> None:
        check_floor("onnx")
        wanted = [Provider(name=one) if isinstance(one, str) else one for one in p.providers]
        wanted = wanted or default_providers(device)
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        if p.custom_ops is not None:
            _register_custom(options, p.custom_ops)
        libraries = register_libraries(p, wanted)
        if not p.libraries:
            # What a library brings is not known where it finds no device.
            check_names(wanted)
        self._session = _session(p.path, options, add_providers(wanted, options))
        active = self._session.get_providers()
        for name in needed(wanted):
            if name not in active:
                raise CellError(f"{name} could not be started; ONNX Runtime would run {', '.join(active)} instead")
        self.accelerated = active[0] != CPU
        self._memory = MEMORY.get(active[0])
        self._index = next((int(one.options.get("device_id", 0)) for one in wanted if one.name == active[0]), 0)
        self.inputs = tuple(
            InputTensor(
                one.name, tuple(size if isinstance(size, int) else None for size in one.shape), _dtype(one.type)
            )
            for one in self._session.get_inputs()
        )
        self._outputs = [one.name for one in self._session.get_outputs()]
        self.execution = {"providers": ", ".join(active), "onnxruntime": ort.__version__, "threads": "1"}
        if libraries:
            self.execution["libraries"] = ", ".join(f"{name} {version}" for name, version in libraries.items())

    def run(self, inputs: dict[str, Tensor]) -> list[tuple[str, Tensor]]:
        """Outputs by name, in order."""
        try:
            values = self._session.run(None, inputs) if self._memory is None else self._bound(inputs)
        except Exception as error:
            if is_short_of_memory(error):
                raise OutOfMemory from None
            raise CellError(f"ONNX Runtime: {first_line(error)}") from None
        return list(zip(self._outputs, values, strict=True))

    def _bound(self, inputs: dict[str, Tensor]) -> list[Tensor]:
        binding = self._session.io_binding()
        for name, value in inputs.items():
            placed = ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(value), self._memory, self._index)
            binding.bind_ortvalue_input(name, placed)
        for name in self._outputs:
            binding.bind_output(name, self._memory, self._index)
        self._session.run_with_iobinding(binding)
        found: list[Tensor] = binding.copy_outputs_to_cpu()
        return found


def _register_custom(options: ort.SessionOptions, library: Path) -> None:
    try:
        options.register_custom_ops_library(str(library))
    except Exception as error:
        raise CellError(
            f"{library.name} cannot be loaded as a library of custom operators: {first_line(error)}"
        ) from None


def _session(
    path: Path, options: ort.SessionOptions, providers: list[tuple[str, dict[str, str]]] | None
) -> ort.InferenceSession:
    try:
        # Of its own accord ONNX Runtime would try other providers, and print that it does.
        if providers is None:
            return ort.InferenceSession(str(path), options, enable_fallback=0)
        return ort.InferenceSession(str(path), options, providers=providers, enable_fallback=0)
    except Exception as error:
        line = first_line(error)
        remedy = "; 'custom_ops' names the library of custom operators" if "not a registered" in line else ""
        raise CellError(f"ONNX Runtime cannot load {path.name}: {line}{remedy}") from None


def _dtype(name: str) -> np.dtype[Any]:
    if name not in TYPES:
        raise CellError(f"the graph takes {name}, which is no number that an input can be")
    return np.dtype(TYPES[name])
