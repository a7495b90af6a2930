"""Own which of n scores bounds a new one with a stated probability, in exact arithmetic. Knows no model."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from regharness import InputError
from regharness.errors import CellError


def rank(n: int, alpha: float) -> int:
    """``ceil((n + 1) (1 - alpha))``: the place of the score that a new one exceeds with a probability up to `alpha`.

    Exact for the decimal number that `alpha` is written as; floats are wrong where the product is an integer.

    Parameters
    ----------
    n
        Number of scores.
    alpha
        Between 0 and 1.

    Returns
    -------
    int
        1 to n + 1; beyond n no score is large enough.
    """
    return math.ceil((n + 1) * (1 - _exact(alpha)))


def bound(scores: NDArray[np.float64], alpha: float, what: str) -> NDArray[np.float64]:
    """The `rank`-th smallest of scores ``(example, output)``, for each output.

    Raises
    ------
    CellError
        When `what`, the examples they are of, are too few.
    """
    n, place = len(scores), rank(len(scores), alpha)
    if place > n:
        raise CellError(
            f"an interval of level {1 - alpha:g} needs {math.ceil(1 / _exact(alpha)) - 1:,} calibration examples or "
            f"more, and the {what} has {n:,}"
        )
    smallest: NDArray[np.float64] = np.sort(scores, axis=0)[place - 1]
    return smallest


def share(alpha: float) -> float:
    """`alpha`, if it is one that intervals can have."""
    if not 0.0 < alpha < 1.0:
        raise InputError(f"alpha: {alpha:g} is not between 0 and 1")
    return alpha


def _exact(alpha: float) -> Fraction:
    # The shortest decimal that is this float: 0.1 is meant as a tenth.
    return Fraction(repr(float(alpha)))
