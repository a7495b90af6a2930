"""Own what can be said of coded sequences without a model. Reads no file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

N = 4
"""Code of an unknown base, and of padding."""


def gc_content(sequence: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Share of G and C among known bases.

    Parameters
    ----------
    sequence
        ``(example, position)`` uint8 codes A C G T N = 0..4.

    Returns
    -------
    numpy.ndarray
        ``(example,)`` float64, 0 to 1; NaN for a sequence of N alone.
    """
    known = (sequence != N).sum(axis=1)
    strong = ((sequence == 1) | (sequence == 2)).sum(axis=1)
    share: NDArray[np.float64] = np.divide(strong, known, out=np.full(len(sequence), np.nan), where=known > 0)
    return share
