"""Adjust p-values for how many were looked at. Tests nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regharness.errors import InputError

Array = NDArray[np.float64]


def holm(p_values: Array) -> Array:
    """Adjust p-values so that the chance of any false positive is kept (Holm, Scand. J. Stat. 6, 1979).

    Parameters
    ----------
    p_values
        Any shape, in [0, 1]; all are one family. NaN is a test that was not made: it stays, and does not count.

    Returns
    -------
    numpy.ndarray
        float64, of that shape, none below its p-value: significant at level alpha where at most alpha.

    Raises
    ------
    InputError
        For a p-value outside [0, 1].
    """
    adjusted, made = _checked(p_values)
    raw = adjusted[made]
    order = np.argsort(raw, kind="stable")
    steps = np.minimum(np.maximum.accumulate(raw[order] * np.arange(raw.size, 0, -1)), 1.0)
    found = np.empty_like(raw)
    found[order] = steps
    adjusted[made] = found
    return adjusted


def benjamini_hochberg(p_values: Array) -> Array:
    """Adjust p-values so that the share of false ones among positives is kept (Benjamini & Hochberg 1995).

    Parameters
    ----------
    p_values
        As `holm` takes them.

    Returns
    -------
    numpy.ndarray
        float64, of that shape.

    Raises
    ------
    InputError
        For a p-value outside [0, 1].
    """
    from scipy.stats import false_discovery_control

    adjusted, made = _checked(p_values)
    if made.any():
        adjusted[made] = false_discovery_control(adjusted[made], method="bh")
    return adjusted


def _checked(p_values: Array) -> tuple[Array, NDArray[np.bool_]]:
    p = np.array(p_values, dtype=np.float64)
    made = ~np.isnan(p)
    if ((p[made] < 0.0) | (p[made] > 1.0)).any():
        raise InputError("a p-value is outside 0 to 1", help="give the p-values themselves, not their logarithms")
    return p, made
