"""Models as ONNX graphs. Importing this package does not import onnxruntime."""

from regharness import Component, hookimpl


@hookimpl
def regharness_model_adapters() -> dict[str, Component]:
    """Offer ``onnx``."""
    return {
        "onnx": Component(
            "regharness_onnx.model:OnnxModel",
            parameters="regharness_onnx.parameters:OnnxParameters",
            summary="An ONNX graph, on any execution provider of ONNX Runtime.",
            citation="ONNX Runtime developers, https://onnxruntime.ai",
            requires=("onnxruntime", "onnx"),
            extra="regharness[onnx]",
        )
    }
