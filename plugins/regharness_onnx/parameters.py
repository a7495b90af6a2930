"""Own the parameters of ``onnx``. Imports no onnxruntime."""

from __future__ import annotations

import importlib.util
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from regharness import InputFile, Parameters
from regharness_networks.parameters import NetworkParameters

Package = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]


class Provider(Parameters):
    """An execution provider and its options."""

    name: str = Field(min_length=1, description="Such as CUDAExecutionProvider, or that of a plugin library.")
    options: dict[str, str | int | float | bool] = Field(default={}, description="Handed to the provider.")
    device: Literal["cpu", "gpu", "npu"] | None = Field(
        default=None, description="Of a plugin library that offers several kinds of device, which."
    )


class OnnxParameters(NetworkParameters):
    """Parameters of ``onnx``."""

    path: InputFile = Field(description="An .onnx file; external data must lie in its folder.")
    providers: list[str | Provider] = Field(
        default=[],
        description="Execution providers in order of preference; each must run, unless CPUExecutionProvider is "
        "listed after it. As the run's device says if left out.",
    )
    libraries: list[Package | InputFile] = Field(
        default=[],
        description="Plugin libraries of execution providers that are not built in: an installed package that has "
        "get_library_path(), such as onnxruntime_ep_webgpu, or a file with its folder, such as ./libmine.so. Those "
        "of WebGPU, OpenVINO and TensorRT for RTX are found by themselves. They are run.",
    )
    custom_ops: InputFile | None = Field(default=None, description="Library of custom operators. It is run.")
    external_data: list[InputFile] = Field(
        default=[],
        validate_default=True,
        description="Filled in, whatever is given: the files of external data, which count as part of the model.",
    )

    @field_validator("external_data", mode="before")
    @classmethod
    def _find_external_data(cls, given: Any, info: ValidationInfo) -> Any:
        path = info.data.get("path")
        # Without onnx nothing can run either, and the catalog says what to install.
        if path is None or importlib.util.find_spec("onnx") is None:
            return given
        from regharness_onnx.graph import external_data

        return external_data(path)
