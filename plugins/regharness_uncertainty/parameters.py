"""Own the parameters of methods that sample, retrain or recalibrate a model. Imports no numerical library."""

from __future__ import annotations

from pydantic import Field

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
