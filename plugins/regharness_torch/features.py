"""Compute what a structural prior says of each sequence. Learns nothing, imports no torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regharness.sequences import gc_content
from regharness_motifs.library import load_motifs
from regharness_motifs.scanning import occupancy_features
from regharness_torch.parameters import Prior


def prior_features(prior: Prior, motifs: str | Path, sequence: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Features ``(example, feature)`` float32: none, GC content among known bases, or motif occupancy.

    A sequence without a known base counts as half G and C.
    """
    if prior == "motif_features":
        return occupancy_features(sequence, load_motifs(motifs))
    if prior == "gc":
        gc = np.nan_to_num(gc_content(sequence), nan=0.5)
        return gc[:, None].astype(np.float32)
    return np.zeros((len(sequence), 0), np.float32)
