"""Own the parameters of the metrics that take any. Computes nothing."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from regharness import Parameters


class WorstShiftParameters(Parameters):
    """Parameters of `worst_shift`."""

    of: str = Field(default="", description="Metric to compare; empty for the one that the leaderboard ranks by.")


class DegradationParameters(WorstShiftParameters):
    """Parameters of `degradation`."""

    relative: bool = Field(
        default=False,
        description="Divide by the size of the score on identity (or its distance to the target value).",
    )


class ReferenceParameters(WorstShiftParameters):
    """Parameters of `mce` and `relative_mce`."""

    reference: str = Field(default="", description="Name of the reference model; empty for the first of the spec.")


class EffectiveRobustnessParameters(WorstShiftParameters):
    """Parameters of `effective_robustness`."""

    scale: Literal["auto", "log", "arctanh", "linear"] = Field(
        default="auto",
        description="Scale of the line; auto is log for errors above zero, arctanh for correlations, else linear.",
    )


class CoverageGapParameters(Parameters):
    """Parameters of `coverage_gap`."""

    of: str = Field(default="coverage_90", description="Metric with a target value, such as coverage_90.")
    over: Literal["mean", "worst"] = Field(default="mean", description="Mean over the shifts, or the worst of them.")


class SelectiveGainParameters(Parameters):
    """Parameters of `selective_gain`."""

    retained: int = Field(default=80, ge=1, le=99, description="Examples that are kept, in percent.")


class VariantParameters(Parameters):
    """Parameters of `variant_sign_accuracy` and `variant_auroc`."""

    p_value: float = Field(default=1e-5, gt=0, le=1, description="Variants of a p-value below are significant.")
