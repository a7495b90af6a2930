"""Run ONNX graphs on execution providers. Encodes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from regharness.errors import CellError
from regharness_networks.adapter import FileModel, Network, Tensor
from regharness_networks.batches import OutOfMemory
from regharness_networks.inputs import InputTensor
from regharness_onnx.parameters import OnnxParameters, Provider

CPU = "CPUExecutionProvider"
TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(uint8)": np.uint8,
}
PACKAGES = {
    "CUDAExecutionProvider": "onnxruntime-gpu",
    "TensorrtExecutionProvider": "onnxruntime-gpu",
    "ROCMExecutionProvider": "onnxruntime-rocm",
    "MIGraphXExecutionProvider": "onnxruntime-migraphx",
    "OpenVINOExecutionProvider": "onnxruntime-openvino",
    "DmlExecutionProvider": "onnxruntime-directml",
}
"""What brings a provider that is built in; packages of the name onnxruntime... exclude each other."""


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

    Parameters
    ----------
    p, device
        What to load; `device` says where if no provider is listed.
    """

    def __init__(self, p: OnnxParameters, device: str) -> None:
        wanted = [one if isinstance(one, Provider) else Provider(name=one) for one in p.providers] or _default(device)
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        if p.custom_ops is not None:
            options.register_custom_ops_library(str(p.custom_ops))
        listed = _chosen(wanted, p.libraries, options)
        self._session = _session(p.path, options, listed)
        active = self._session.get_providers()
        if listed is not None and wanted[0].name not in active and CPU not in [one.name for one in wanted[1:]]:
            raise CellError(
                f"{wanted[0].name} could not be started; ONNX Runtime would run {', '.join(active)} instead"
            )
        self.inputs = tuple(
            InputTensor(
                one.name, tuple(size if isinstance(size, int) else None for size in one.shape), _dtype(one.type)
            )
            for one in self._session.get_inputs()
        )
        self._outputs = [one.name for one in self._session.get_outputs()]
        self.execution = {
            "providers": ", ".join(active if listed is not None else [wanted[0].name, CPU]),
            "onnxruntime": ort.__version__,
            "threads": "1",
        }

    def run(self, inputs: dict[str, Tensor]) -> list[tuple[str, Tensor]]:
        """Outputs by name, in order."""
        try:
            return list(zip(self._outputs, self._session.run(None, inputs), strict=True))
        except Exception as error:
            if "alloc" in str(error).lower():
                raise OutOfMemory from None
            raise CellError(f"ONNX Runtime: {_first_line(error)}") from None


def _default(device: str) -> list[Provider]:
    """The provider of a run's device; ``auto`` is CUDA where it can run, else the CPU."""
    kind, _, index = device.partition(":")
    if kind == "cuda" or (kind == "auto" and "CUDAExecutionProvider" in ort.get_available_providers()):
        cuda = Provider(name="CUDAExecutionProvider", options={"device_id": index or "0"})
        return [cuda] if kind == "cuda" else [cuda, Provider(name=CPU)]
    if kind in ("cpu", "auto"):
        return [Provider(name=CPU)]
    raise CellError(f"for the device '{device}' list the 'providers' of the ONNX model")


def _chosen(
    wanted: list[Provider], libraries: dict[str, Path], options: ort.SessionOptions
) -> list[tuple[str, dict[str, str]]] | None:
    """Providers to start a session with; None where the options carry those of plugin libraries.

    Raises
    ------
    CellError
        For a provider that is not there, unless the CPU is listed after it.
    """
    for name, library in libraries.items():
        try:
            ort.register_execution_provider_library(name, str(library))
        except Exception as error:
            if "already" not in str(error):
                raise CellError(f"the provider library {library.name} cannot be loaded: {_first_line(error)}") from None
    there = ort.get_available_providers()
    plugged = {device.ep_name for device in ort.get_ep_devices()} - set(there)
    usable = []
    for one in wanted:
        if one.name in there or one.name in plugged:
            usable.append(one)
        elif CPU not in [other.name for other in wanted]:
            package = PACKAGES.get(one.name)
            remedy = (
                f"pip install {package}, in place of onnxruntime: the two exclude each other"
                if package
                else "name its plugin library under 'libraries', or list CPUExecutionProvider after it"
            )
            raise CellError(
                f"{one.name} is not there; ONNX Runtime has {', '.join([*there, *sorted(plugged)])} ({remedy})"
            )
    if usable[0].name in plugged:
        devices = [device for device in ort.get_ep_devices() if device.ep_name == usable[0].name]
        options.add_provider_for_devices(devices[:1], {name: str(value) for name, value in usable[0].options.items()})
        return None
    return [(one.name, {name: str(value) for name, value in one.options.items()}) for one in usable]


def _session(
    path: Path, options: ort.SessionOptions, providers: list[tuple[str, dict[str, str]]] | None
) -> ort.InferenceSession:
    try:
        if providers is None:
            return ort.InferenceSession(str(path), options)
        return ort.InferenceSession(str(path), options, providers=providers)
    except Exception as error:
        line = _first_line(error)
        remedy = "; 'custom_ops' names the library of custom operators" if "not a registered" in line else ""
        raise CellError(f"ONNX Runtime cannot load {path.name}: {line}{remedy}") from None


def _dtype(name: str) -> np.dtype[Any]:
    if name not in TYPES:
        raise CellError(f"the graph takes {name}, which is no number that an input can be")
    return np.dtype(TYPES[name])


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300]
