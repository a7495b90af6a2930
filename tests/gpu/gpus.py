"""Which GPUs the frameworks find here."""

import importlib.util

WEBGPU = "WebGpuExecutionProvider"


def cuda() -> bool:
    if importlib.util.find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


def gpu_providers() -> list[str]:
    """GPU providers of ONNX Runtime that can run here."""
    if importlib.util.find_spec("onnxruntime") is None:
        return []
    import onnxruntime as ort

    from regharness_onnx.parameters import OnnxParameters, Provider
    from regharness_onnx.providers import register_libraries

    register_libraries(OnnxParameters.model_construct(libraries=[]), [Provider(name=WEBGPU)])
    plugged = {one.ep_name for one in ort.get_ep_devices() if one.device.metadata.get("is_virtual") != "1"}
    built_in = set(ort.get_available_providers())
    return [name for name in ("CUDAExecutionProvider", WEBGPU) if name in plugged | (built_in - {WEBGPU})]
