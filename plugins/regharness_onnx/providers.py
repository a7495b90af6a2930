"""Own execution providers: which are there, which plugin library brings one, where its memory is. Runs no graph."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import re
from pathlib import Path

import onnxruntime as ort

from regharness.errors import CellError, unknown_name
from regharness_networks.batches import is_out_of_memory
from regharness_onnx.parameters import OnnxParameters, Provider

CPU = "CPUExecutionProvider"
PACKAGES = {
    "CUDAExecutionProvider": "onnxruntime-gpu",
    "TensorrtExecutionProvider": "onnxruntime-gpu",
    "ROCMExecutionProvider": "onnxruntime-rocm",
    "MIGraphXExecutionProvider": "onnxruntime-migraphx",
    "DmlExecutionProvider": "onnxruntime-directml",
    "CoreMLExecutionProvider": "onnxruntime on macOS",
}
"""What brings a provider that is built in; packages of the name onnxruntime... exclude each other."""
PLUGINS = {
    "WebGpuExecutionProvider": "onnxruntime_ep_webgpu",
    "OpenVINOExecutionProvider": "onnxruntime_ep_openvino",
    "NvTensorRTRTXExecutionProvider": "onnxruntime_ep_nv_tensorrt_rtx",
}
"""Packages of plugin libraries, which go beside onnxruntime; they are loaded when their provider is asked for."""
MEMORY = {
    "CUDAExecutionProvider": "cuda",
    "TensorrtExecutionProvider": "cuda",
    "DmlExecutionProvider": "dml",
    "WebGpuExecutionProvider": "webgpu",
}
"""ONNX Runtime's name of the memory that a provider computes in, for those whose inputs can be put there."""


def default_providers(device: str) -> list[Provider]:
    """The provider of a run's device; ``auto`` is CUDA where it can run, else the CPU."""
    kind, _, index = device.partition(":")
    if kind == "cuda" or (kind == "auto" and "CUDAExecutionProvider" in ort.get_available_providers()):
        cuda = Provider(name="CUDAExecutionProvider", options={"device_id": index or "0"})
        return [cuda] if kind == "cuda" else [cuda, Provider(name=CPU)]
    if kind in ("cpu", "auto"):
        return [Provider(name=CPU)]
    raise CellError(f"for the device '{device}' list the 'providers' of the ONNX model")


def needed(wanted: list[Provider]) -> list[str]:
    """Names of the providers that must run: those that no CPU is listed after."""
    names = [one.name for one in wanted]
    last = max((place for place, name in enumerate(names) if name == CPU), default=-1)
    return names[last + 1 :]


def register_libraries(p: OnnxParameters, wanted: list[Provider]) -> dict[str, str]:
    """Load the plugin libraries that are listed, and those known to bring what is wanted; gives their versions.

    Raises
    ------
    CellError
        For a library that cannot be loaded.
    """
    there = ort.get_available_providers()
    known = [PLUGINS[one.name] for one in wanted if one.name in PLUGINS and one.name not in there]
    versions = {}
    for library in dict.fromkeys([*p.libraries, *(name for name in known if importlib.util.find_spec(name))]):
        name = library.name if isinstance(library, Path) else library
        try:
            path = library if isinstance(library, Path) else importlib.import_module(library).get_library_path()
            ort.register_execution_provider_library(name, str(path))
        except ModuleNotFoundError:
            raise CellError(f"no package {name}; pip install {name.replace('_', '-')}") from None
        except Exception as error:
            if "already" not in str(error):
                raise CellError(f"the provider library {name} cannot be loaded: {first_line(error)}") from None
        versions[name] = _version(name)
    return versions


def add_providers(wanted: list[Provider], options: ort.SessionOptions) -> list[tuple[str, dict[str, str]]] | None:
    """Providers to start a session with; None where the options carry them, as those of plugin libraries must.

    Raises
    ------
    CellError
        For a provider that is not there, unless the CPU is listed after it.
    """
    there = ort.get_available_providers()
    devices = {name: _devices(one) for one in wanted if (name := one.name) not in there}
    usable = [one for one in wanted if one.name in there or devices[one.name]]
    for one in wanted:
        if one not in usable and one.name in needed(wanted):
            plugged = sorted({device.ep_name for device in ort.get_ep_devices()} - set(there))
            raise CellError(
                f"{one.name} is not there; ONNX Runtime has {', '.join([*there, *plugged])} ({_remedy(one.name)})"
            )
    if not any(devices.get(one.name) for one in usable):
        return [(one.name, _texts(one)) for one in usable]
    for one in usable:
        if one.name in devices:
            options.add_provider_for_devices(devices[one.name][:1], _texts(one))
        elif one.name != CPU:
            options.add_provider(one.name, _texts(one))
    return None


def check_names(wanted: list[Provider]) -> None:
    """Refuse names that nobody knows, for which the CPU would otherwise stand in.

    Raises
    ------
    CellError
        For a name that is misspelt, or that of a provider whose library is not listed.
    """
    known = {*ort.get_all_providers(), *ort.get_available_providers(), *PACKAGES, *PLUGINS}
    known |= {device.ep_name for device in ort.get_ep_devices()}
    for one in wanted:
        if one.name not in known:
            message, choices = unknown_name("execution provider", one.name, known, listed="ONNX Runtime knows")
            raise CellError(f"{message} ({choices}; 'libraries' lists plugin libraries that bring others)")


def _devices(one: Provider) -> list[ort.OrtEpDevice]:
    """What a plugin library offers for a provider, but for devices that are only there to compile for."""
    return [
        device
        for device in ort.get_ep_devices()
        if device.ep_name == one.name
        and device.device.metadata.get("is_virtual") != "1"
        and one.device in (None, device.device.type.name.lower())
    ]


def _remedy(name: str) -> str:
    if name in PACKAGES:
        return (
            f"pip install {PACKAGES[name]}, in place of onnxruntime: onnxruntime and onnxruntime-gpu exclude each other"
        )
    plugin = PLUGINS.get(name)
    if plugin is None:
        return f"'libraries' lists plugin libraries; list {CPU} after it where it need not run"
    if importlib.util.find_spec(plugin) is None:
        return f"pip install {plugin.replace('_', '-')}, beside onnxruntime"
    return f"{plugin} is installed and finds no device here that it can use; list {CPU} after it"


def _texts(one: Provider) -> dict[str, str]:
    return {name: str(value) for name, value in one.options.items()}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name.replace("_", "-"))
    except importlib.metadata.PackageNotFoundError:
        return "a file"


def first_line(error: Exception) -> str:
    """What an error of ONNX Runtime says first, without the place in its source."""
    text = str(error).strip()
    line = text.splitlines()[0] if text else type(error).__name__
    return re.sub(r"/onnxruntime_src/\S+:\d+ ", "", line)[:300]


def is_short_of_memory(error: Exception) -> bool:
    """Whether a smaller batch may do."""
    return is_out_of_memory(error) or "CUDA failure 2" in str(error)
