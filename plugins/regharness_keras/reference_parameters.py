"""Own the parameters of the Keras reference models. Imports no Keras."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from regharness_reference.parameters import (
    BiLSTMParameters,
    CNNParameters,
    ReferenceParameters,
    TransformerParameters,
)


class BackendParameters(ReferenceParameters):
    """What Keras computes with."""

    backend: Literal["tensorflow", "torch"] = Field(
        default="tensorflow",
        description="What Keras computes with; one for all Keras models of a process.",
    )


class KerasCNNParameters(BackendParameters, CNNParameters):
    """Parameters of ``keras_cnn``."""


class KerasBiLSTMParameters(BackendParameters, BiLSTMParameters):
    """Parameters of ``keras_bilstm``."""


class KerasTransformerParameters(BackendParameters, TransformerParameters):
    """Parameters of ``keras_transformer``."""
