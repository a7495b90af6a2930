"""Own the parameters of ``torch``. Imports no torch."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from regharness import InputFile
from regharness_networks.parameters import NetworkParameters


class TorchParameters(NetworkParameters):
    """Parameters of ``torch``."""

    path: InputFile = Field(
        description="Weights: .safetensors, or a state dict (.pt, .pth); with 'trust', a whole program."
    )
    module: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][\w.]*(:[A-Za-z_]\w*)?$",
        description="What builds the network that the weights are for: package.module:Name, or Name in 'code'.",
    )
    code: InputFile | None = Field(default=None, description="Python file that defines 'module'. It is run.")
    arguments: dict[str, Any] = Field(default={}, description="Keywords that 'module' is called with.")
    entry: str | None = Field(
        default=None, description="Where in the file the weights are, if not at its top or under state_dict."
    )
    prefix: str = Field(default="", description="What the names of the weights begin with, to be taken off.")
    trust: bool = Field(
        default=False, description="Load a TorchScript or torch.export program, which can run any code: yours alone."
    )
    precision: Literal["float32", "bfloat16", "float16"] = Field(
        default="float32", description="Numbers that autocast computes with."
    )
    compile: bool = Field(default=False, description="Compile the network first; needs a C++ compiler.")
    deterministic: bool = Field(
        default=True, description="Compute only with algorithms that give the same bits twice, and refuse others."
    )

    @model_validator(mode="after")
    def _whole(self) -> TorchParameters:
        if self.trust == (self.module is not None):
            raise ValueError("give 'module', which builds the network, or 'trust: true' for a program that brings it")
        if self.trust and (self.code or self.arguments or self.prefix or self.entry):
            raise ValueError("'code', 'arguments', 'entry' and 'prefix' go with 'module'")
        if self.module is not None and (":" in self.module) == (self.code is not None):
            raise ValueError("'module' is package.module:Name, or with 'code' a Name alone")
        return self
