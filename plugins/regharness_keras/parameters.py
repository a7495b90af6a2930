"""Own the parameters of ``keras``. Imports no Keras."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from regharness import InputFile
from regharness_networks.parameters import NetworkParameters


class KerasParameters(NetworkParameters):
    """Parameters of ``keras``."""

    path: InputFile = Field(description="A .keras file, the saved_model.pb of a SavedModel, or .weights.h5.")
    builder: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][\w.]*(:[A-Za-z_]\w*)?$",
        description="Of .weights.h5, what builds the network: package.module:name, or name in 'code'.",
    )
    code: InputFile | None = Field(
        default=None,
        description="Python file that defines 'builder', or a .keras file's own layers and functions. It is run.",
    )
    arguments: dict[str, Any] = Field(default={}, description="Keywords that 'builder' is called with.")
    backend: Literal["tensorflow", "torch", "jax"] = Field(
        default="tensorflow", description="What Keras computes with; one for all Keras models of a process."
    )
    endpoint: str = Field(default="serving_default", description="Of a SavedModel, which of its signatures to call.")
    variables: list[InputFile] = Field(
        default=[],
        validate_default=True,
        description="Filled in, whatever is given: the variables beside a SavedModel, which count as part of it.",
    )

    @field_validator("variables", mode="before")
    @classmethod
    def _find_variables(cls, given: Any, info: ValidationInfo) -> Any:
        path = info.data.get("path")
        if path is None or path.name != "saved_model.pb":
            return given
        return sorted((path.parent / "variables").glob("variables.*"))

    @model_validator(mode="after")
    def _whole(self) -> KerasParameters:
        weights = self.path.name.endswith(".weights.h5")
        if weights != (self.builder is not None):
            raise ValueError("'builder' goes with a .weights.h5 file, which needs it")
        if self.code is not None and self.builder is None and self.path.suffix != ".keras":
            raise ValueError("'code' goes with 'builder', or with a .keras file")
        if self.builder is not None and (":" in self.builder) == (self.code is not None):
            raise ValueError("'builder' is package.module:name, or with 'code' a name alone")
        if self.endpoint != "serving_default" and self.path.name != "saved_model.pb":
            raise ValueError("'endpoint' goes with the saved_model.pb of a SavedModel")
        if self.arguments and self.builder is None:
            raise ValueError("'arguments' go with 'builder'")
        return self
