"""Own a short description of sequences by their composition. Learns nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regharness.sequences import cpg_ratio, gc_content


def sequence_features(sequence: NDArray[np.uint8]) -> NDArray[np.float64]:
    """GC content, CpG ratio and the share of each pair of bases: ``(example, 18)``; 0.5 and 1 where undefined."""
    known = (sequence[:, :-1] < 4) & (sequence[:, 1:] < 4)
    pair = np.where(known, 4 * sequence[:, :-1].astype(np.int64) + sequence[:, 1:], 16)
    n = len(sequence)
    counts = np.bincount((17 * np.arange(n)[:, None] + pair).ravel(), minlength=17 * n).reshape(n, 17)[:, :16]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    gc = np.nan_to_num(gc_content(sequence), nan=0.5)
    return np.column_stack([gc, np.nan_to_num(cpg_ratio(sequence), nan=1.0), shares])
