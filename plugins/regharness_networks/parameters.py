"""Own how a network from a file is described: what it takes, what it gives, how it runs. Imports no framework."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from regharness import Parameters
from regharness_motifs.parameters import MotifLibrary, MotifVariant

Bases = Annotated[str, Field(pattern="^[ACGTacgt]*$", max_length=100_000), AfterValidator(str.upper)]
Layout = Literal["NLC", "NCL", "NLC1", "NL1C", "N1LC", "NCL1", "NC1L", "N1CL"]
"""Axes of a sequence input: N example, L position, C base, 1 an axis of size one."""
Base = Literal["A", "C", "G", "T", "N"]
Level = Annotated[float, Field(gt=0.0, lt=1.0)]


def _is_order(alphabet: str) -> str:
    if sorted(alphabet) != sorted("ACGT"):
        raise ValueError("give A, C, G and T once each, in the order of the model's channels")
    return alphabet


class ExtraInput(Parameters):
    """What a second input of the network is given: a number an example, or several."""

    use: Literal["gc_content", "covariate", "value", "output", "motif_features"] = Field(
        description="GC content, a covariate of the data, a constant, a number for each output, or how much each "
        "motif of a library is bound."
    )
    covariate: str | None = Field(default=None, description="Of use: covariate, its name.")
    value: float | None = Field(default=None, description="Of use: value, the constant.")
    values: dict[str, float] | None = Field(
        default=None,
        description="Of use: output, a number for each output, such as the index of its cell type; the network is "
        "then asked once for each output, and gives one value.",
    )
    integer: bool = Field(
        default=False, description="Give integers, such as the index of a cell type, where the file tells no type."
    )
    motifs: MotifLibrary | None = Field(
        default=None,
        description="Of use: motif_features, the library: builtin, jaspar, a release such as JASPAR2024, or a file.",
    )
    motif_variant: MotifVariant = Field(
        default="exact",
        description="Of use: motif_features, what is made of it: the library as it is, blurred, a half, or decoys.",
    )

    @model_validator(mode="after")
    def _complete(self) -> ExtraInput:
        given = {"covariate": self.covariate, "value": self.value, "output": self.values}
        for use, what in given.items():
            if (what is not None) != (self.use == use):
                name = "values" if use == "output" else use
                raise ValueError(f"'{name}' goes with use: {use}, which needs it")
        if (self.motifs is not None or self.motif_variant != "exact") and self.use != "motif_features":
            raise ValueError("'motifs' and 'motif_variant' go with use: motif_features")
        return self


class NetworkParameters(Parameters):
    """What networks of every framework have in common."""

    layout: Layout | None = Field(
        default=None,
        description="Axes of the sequence input: N example, L position, C base, 1 an axis of size one. If left out, "
        "as the file says, else as the framework has it.",
    )
    alphabet: Annotated[str, AfterValidator(_is_order)] = Field(
        default="ACGT", description="Order of the bases along C."
    )
    unknown: Literal["zero", "uniform"] = Field(
        default="zero", description="What N is encoded as: 0 for all bases, or 0.25."
    )
    tokens: dict[Base, int] | None = Field(
        default=None,
        description="Of a network that takes one number a position and not one for each base: the numbers of A, C, "
        "G, T and N.",
    )
    length: int | None = Field(
        default=None, ge=1, le=10_000_000, description="Positions that it takes; as the file says if left out."
    )
    shorter: Literal["pad", "flank", "refuse"] = Field(
        default="pad", description="Shorter sequences are centred between N, or between flanks, or refused."
    )
    left_flank: Bases = Field(default="", description="Of shorter: flank, what stands before a sequence.")
    right_flank: Bases = Field(default="", description="Of shorter: flank, what stands behind it.")
    longer: Literal["crop", "refuse"] = Field(
        default="refuse", description="Longer sequences are cropped to their middle, or refused."
    )
    strands: Literal["forward", "mean"] = Field(
        default="forward", description="Predict the sequence as it is, or average it with its other strand."
    )
    sequence_input: str | None = Field(default=None, description="Name of the sequence input, where there are more.")
    inputs: dict[str, ExtraInput] = Field(default={}, description="Name of each further input to what it is given.")
    tensors: list[str | int] | None = Field(
        default=None,
        min_length=1,
        description="Output tensors to read, by name or place, in this order; all if left out.",
    )
    outputs: list[str] | None = Field(
        default=None,
        min_length=1,
        description="What the values of an example are, in order; as the task has them if left out. A task may ask "
        "for some of them.",
    )
    head: Literal["mean", "mean_log_variance", "mean_variance", "mean_sd", "evidential", "quantiles"] = Field(
        default="mean",
        description="What it gives for each output: a mean; all means and then what tells of their variances; the "
        "parameters of a normal-inverse-gamma distribution, all gamma, then all nu, alpha and beta; or quantiles, "
        "those of an output together.",
    )
    quantiles: list[Level] = Field(default=[], description="Of head: quantiles, their levels, from low to high.")
    scale: float | dict[str, float] = Field(
        default=1.0, description="Predictions are multiplied by this, for all outputs or each."
    )
    offset: float | dict[str, float] = Field(default=0.0, description="And then raised by this.")
    log2_pseudocount: float | None = Field(
        default=None, ge=0.0, description="And then taken as log2(value + this), variances by the delta method."
    )
    batch_size: int | None = Field(
        default=None,
        ge=1,
        le=65_536,
        description="Examples at a time, halved where memory does not suffice. If left out, 256 on a processor, and on "
        "an accelerator the largest power of two, at most 8192, whose encoded input takes a thousandth of the free "
        "memory.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> NetworkParameters:
        if (self.head == "quantiles") != bool(self.quantiles):
            raise ValueError("'quantiles' goes with head: quantiles, which needs them")
        if self.quantiles and (len(self.quantiles) < 2 or sorted(set(self.quantiles)) != self.quantiles):
            raise ValueError("give two or more quantiles, from low to high")
        factors = self.scale.values() if isinstance(self.scale, dict) else [self.scale]
        if self.quantiles and any(factor < 0 for factor in factors):
            raise ValueError("scale: below zero it would turn quantiles around, and they would have other levels")
        if self.shorter != "flank" and (self.left_flank or self.right_flank):
            raise ValueError("'left_flank' and 'right_flank' go with shorter: flank")
        if self.shorter == "flank" and not (self.left_flank or self.right_flank):
            raise ValueError("shorter: flank needs 'left_flank' or 'right_flank'")
        if self.outputs and len(set(self.outputs)) < len(self.outputs):
            raise ValueError("outputs: a name is given twice")
        if self.tokens is not None and len(self.tokens) != 5:
            raise ValueError("tokens: give numbers of A, C, G, T and N")
        if self.tokens is not None and (self.layout, self.alphabet, self.unknown) != (None, "ACGT", "zero"):
            raise ValueError("'layout', 'alphabet' and 'unknown' are for encoded bases, not for 'tokens'")
        if sum(extra.use == "output" for extra in self.inputs.values()) > 1:
            raise ValueError("inputs: only one can differ between outputs")
        return self
