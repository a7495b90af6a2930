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
    # Sums of bytes, and one comparison for two (0 wraps around): several times as quick as sums of booleans.
    known = (sequence != N).view(np.uint8).sum(axis=1, dtype=np.uint32)
    strong = (sequence - np.uint8(1) < 2).view(np.uint8).sum(axis=1, dtype=np.uint32)
    share: NDArray[np.float64] = np.divide(strong, known, out=np.full(len(sequence), np.nan), where=known > 0)
    return share


def cpg_ratio(sequence: NDArray[np.uint8]) -> NDArray[np.float64]:
    """CpG pairs over those expected of the sequence's own bases (Gardiner-Garden & Frommer, JMB 196:261, 1987).

    Parameters
    ----------
    sequence
        ``(example, position)`` uint8 codes A C G T N = 0..4.

    Returns
    -------
    numpy.ndarray
        ``(example,)`` float64, number of CpG x number of known bases / (number of C x number of G); NaN where
        a sequence lacks C or G.
    """
    found = ((sequence[:, :-1] == 1) & (sequence[:, 1:] == 2)).sum(axis=1)
    known = (sequence != N).sum(axis=1)
    expected = (sequence == 1).sum(axis=1) * (sequence == 2).sum(axis=1)
    ratio: NDArray[np.float64] = np.divide(
        found * known, expected, out=np.full(len(sequence), np.nan), where=expected > 0
    )
    return ratio
