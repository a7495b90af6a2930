"""Own the parameters of the PyTorch reference models. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from regharness_reference.parameters import (
    BiLSTMParameters,
    CNNParameters,
    ReferenceParameters,
    TransformerParameters,
)

LEVELS = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
"""Quantiles of a quantile head unless others are asked for: the median, and ends of intervals of 50 to 95%."""
EVIDENCE_PENALTY = 0.01
"""Of an evidential head unless another is given (Amini et al. 2020)."""

Level = Annotated[float, Field(gt=0.0, lt=1.0)]


class HeadParameters(ReferenceParameters):
    """What the head of a network gives."""

    head: Literal["gaussian", "quantile", "evidential"] = Field(
        default="gaussian",
        description="Mean and variance; quantiles; or a normal-inverse-gamma distribution, with an epistemic variance.",
    )
    quantile_levels: list[Level] | None = Field(
        default=None, description="Of head: quantile, levels from low to high; nine from .025 to .975 if left out."
    )
    evidence_penalty: float | None = Field(
        default=None,
        ge=0.0,
        le=1e6,
        description="Of head: evidential, what evidence costs where it is wrong; 0.01 if left out.",
    )

    @model_validator(mode="after")
    def _head_has_its_own(self) -> HeadParameters:
        if self.quantile_levels is not None:
            if self.head != "quantile":
                raise ValueError("'quantile_levels' goes with head: quantile")
            if len(self.quantile_levels) < 2 or sorted(set(self.quantile_levels)) != self.quantile_levels:
                raise ValueError("give two or more quantile_levels, from low to high")
        if self.evidence_penalty is not None and self.head != "evidential":
            raise ValueError("'evidence_penalty' goes with head: evidential")
        if self.noise_aware and self.head != "gaussian":
            raise ValueError("'noise_aware' goes with head: gaussian; weights would bend other heads' distributions")
        return self

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels of the head's quantiles; empty where it has none."""
        return tuple(self.quantile_levels or LEVELS) if self.head == "quantile" else ()


class TorchCNNParameters(HeadParameters, CNNParameters):
    """Parameters of ``torch_cnn``."""


class TorchBiLSTMParameters(HeadParameters, BiLSTMParameters):
    """Parameters of ``torch_bilstm``."""


class TorchTransformerParameters(HeadParameters, TransformerParameters):
    """Parameters of ``torch_transformer``."""


class TorchLegNetParameters(HeadParameters):
    """Parameters of ``torch_legnet``."""

    filters: list[Annotated[int, Field(ge=4, le=4096)]] = Field(
        default=[48, 48, 48],
        min_length=2,
        max_length=12,
        description="Filters of the first convolution and of each block.",
    )
    kernel: int = Field(default=7, ge=3, le=101, description="Positions that a convolution sees; odd.")
    expansion: int = Field(default=2, ge=1, le=16, description="Times that a block widens inside.")

    @model_validator(mode="after")
    def _kernel_is_odd(self) -> TorchLegNetParameters:
        if self.kernel % 2 == 0:
            raise ValueError("'kernel' is odd, so that it has a middle")
        return self
