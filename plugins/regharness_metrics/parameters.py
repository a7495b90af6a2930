"""Own the parameters of the metrics that take any. Computes nothing."""

from __future__ import annotations

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
