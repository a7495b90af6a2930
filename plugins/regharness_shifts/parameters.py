"""Own the parameters of the shift operators."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from regharness import Parameters


class GCQuantileParameters(Parameters):
    """Parameters of ``gc_quantile``."""

    direction: Literal["high", "low"] = Field(default="high", description="The GC-rich tail, or the GC-poor one.")


class HeldOutGroupParameters(Parameters):
    """Parameters of ``held_out_group``."""

    group: str = Field(description="A group that the task's data hold out, such as chromosome.")
