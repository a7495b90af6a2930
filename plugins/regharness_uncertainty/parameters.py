"""Own the parameters of methods that sample, retrain or recalibrate a model. Imports no numerical library."""

from __future__ import annotations

from pydantic import Field

from regharness import Parameters


class DropoutParameters(Parameters):
    """Parameters of ``mc_dropout``."""

    samples: int = Field(
        default=30, ge=2, description="How often every example is predicted, with other units dropped."
    )
