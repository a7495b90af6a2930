"""Refuse variances that are none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from regharness.errors import InputError


def refuse_negative(variance: NDArray[Any] | None, what: str) -> None:
    """Refuse a variance below zero."""
    if variance is None or not variance.size:
        return
    with np.errstate(invalid="ignore"):
        if variance.min() >= 0 or not (variance < 0).any():
            return
    raise InputError(
        f"{what} is negative in {np.count_nonzero(variance < 0)} places, down to {np.nanmin(variance):g}",
        help="a variance is zero or above, and NaN where missing",
    )
