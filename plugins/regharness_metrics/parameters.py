"""Own the parameters of the metrics that take any. Computes nothing."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from regharness import InputError, Parameters


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


class RegretParameters(Parameters):
    """Parameters of `regret_at_k`."""

    k: int = Field(default=10, ge=1, description="How many elements are tested.")


class EnrichmentParameters(Parameters):
    """Parameters of `enrichment_at_k`."""

    percent: float = Field(
        default=5.0, gt=0, le=100, description="Share of the elements that count as most active, in percent."
    )


class AutomationParameters(Parameters):
    """Parameters of `automated_fraction` and `automated_risk`."""

    risk: float = Field(
        default=0.5, gt=0, description="Highest mean squared error of the automated examples on identity."
    )
    relative: bool = Field(
        default=True,
        description="Whether `risk` is a share of the mean squared error of all examples on identity, "
        "not a number of squared target units.",
    )


class WithinGroupParameters(Parameters):
    """Parameters of `within_group`."""

    of: str = Field(default="pearson_r", description="Metric of one test set to compute inside each group.")
    covariate: str = Field(default="element", description="Covariate whose values tell the groups.")
    least: int = Field(default=10, ge=1, description="Fewest examples of a group that counts.")

    @field_validator("of")
    @classmethod
    def _of_one_test_set(cls, of: str, info: ValidationInfo) -> str:
        try:
            inner = (info.context or {})["catalog"].create("metric", of)
        except InputError as error:
            raise ValueError("; ".join(f"{p.message} ({p.help})" for p in error.problems)) from None
        if hasattr(inner, "compare") or hasattr(inner, "score_against"):
            raise ValueError(f"'{of}' compares shifts, so it has no score inside a group (name another metric)")
        return of
