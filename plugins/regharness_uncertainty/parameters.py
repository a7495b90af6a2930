"""Own the parameters of methods that sample, retrain or recalibrate a model. Imports no numerical library."""

from __future__ import annotations

from itertools import pairwise

from pydantic import Field, field_validator

from regharness import Parameters


class DropoutParameters(Parameters):
    """Parameters of ``mc_dropout``."""

    samples: int = Field(
        default=30, ge=2, description="How often every example is predicted, with other units dropped."
    )


class DistillationParameters(Parameters):
    """Parameters of ``ensemble_distillation``."""

    members: int = Field(default=5, ge=2, description="Models in the ensemble that teaches.")
    extra: int = Field(
        default=1,
        ge=0,
        description="Mutated copies of every training sequence that the ensemble labels, beside the sequence itself.",
    )
    mutation_rate: float = Field(
        default=0.05, gt=0, le=1, description="Share of a copy's bases that are drawn again, each from the other three."
    )


class RecalibrationParameters(Parameters):
    """Parameters of ``quantile_recalibration``."""

    levels: tuple[float, ...] = Field(
        default=(0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975),
        min_length=1,
        description="Levels of the quantiles that are given, from low to high, between 0 and 1.",
    )

    @field_validator("levels")
    @classmethod
    def _rise(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0.0 < level < 1.0 for level in levels):
            raise ValueError("a level is between 0 and 1")
        if not all(one < two for one, two in pairwise(levels)):
            raise ValueError("levels rise from low to high, each once")
        return levels


class ConformalisedQuantilesParameters(Parameters):
    """Parameters of ``conformalised_quantiles``."""

    alpha: float = Field(default=0.1, gt=0, lt=1, description="Share of measurements that may lie outside.")
