"""What a spec can say of worker processes. Starts none."""

from __future__ import annotations

import re
import sys
from typing import Annotated

from pydantic import AfterValidator, Field

from regharness.parameters import Parameters

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}
LEAST = 2 * 10**8


def as_bytes(text: str) -> int:
    """Bytes of a size such as ``4 GB`` or ``512MiB``."""
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMG]I?)?B\s*", text.upper())
    if found is None:
        raise ValueError(f"a size is a number and a unit, such as '4 GB' or '512 MiB', not '{text}'")
    return int(float(found[1]) * UNITS[found[2] or ""])


def _enough(text: str) -> str:
    if sys.platform != "linux":
        raise ValueError("only Linux can limit the memory of a process")
    if as_bytes(text) < LEAST:
        raise ValueError(f"a worker needs at least 200 MB before it computes anything, not '{text}'")
    return text


class ProcessParameters(Parameters):
    """Worker processes of this machine."""

    workers: int = Field(default=1, ge=1, le=1024, description="How many processes compute.")
    memory: Annotated[str, AfterValidator(_enough)] | None = Field(
        default=None,
        description="Most memory that the data of one worker may take, such as 4 GB; a cell that needs more is tried "
        "again and then fails. Linux only.",
    )
    gpus: list[int | str] = Field(
        default=[], description="GPUs, as CUDA_VISIBLE_DEVICES names them, dealt out to the workers in turn."
    )
