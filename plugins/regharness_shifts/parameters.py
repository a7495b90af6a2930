"""Own the parameters of the shift operators."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from regharness import Parameters
from regharness.graded import GradedParameters
from regharness.nested import ShiftUse
from regharness.resampling import LEAST_EFFECTIVE


class GCTiltParameters(GradedParameters):
    """Parameters of ``gc_tilt``."""

    direction: Literal["up", "down"] = Field(default="up", description="Towards more, or less.")
    least_effective_size: float = Field(
        default=LEAST_EFFECTIVE, ge=2.0, description="The shift is refused below this many examples' worth."
    )


class CovariateTiltParameters(GCTiltParameters):
    """Parameters of ``covariate_tilt``."""

    covariate: str = Field(description="cpg_ratio, motif_content, or a numeric covariate of the data.")
    motifs: list[str] = Field(default=[], description="Of motif_content: only these built-in motifs, by name.")

    @model_validator(mode="after")
    def _of_motifs(self) -> CovariateTiltParameters:
        if self.motifs and self.covariate != "motif_content":
            raise ValueError("'motifs' goes with covariate: motif_content")
        return self


class GCQuantileParameters(GradedParameters):
    """Parameters of ``gc_quantile``."""

    direction: Literal["high", "low"] = Field(default="high", description="The GC-rich tail, or the GC-poor one.")


class HeldOutGroupParameters(Parameters):
    """Parameters of ``held_out_group``."""

    group: str = Field(description="A group that the task's data hold out, such as chromosome.")


class FillParameters(GradedParameters):
    """Parameters of shifts that hide a part of the sequence."""

    fill: Literal["N", "random"] = Field(
        default="N", description="What is seen in its place: N, or random bases of the sequence's composition."
    )


class AdapterParameters(GradedParameters):
    """Parameters of ``adapter_contamination``."""

    adapter: str = Field(
        default="AGATCGGAAGAGCACACGTCTGAACTCCAGTCACATCACGATCTCGTATGCCGTCTTCTGCTTG",
        pattern="^[ACGT]+$",
        max_length=1000,
        description="The adapter as reads run into it; by default the Illumina TruSeq adapter.",
    )


class ComposeParameters(Parameters):
    """Parameters of ``compose``."""

    shifts: list[ShiftUse] = Field(
        min_length=2, max_length=10, description="Operators in order, each {use, with, severity}."
    )
