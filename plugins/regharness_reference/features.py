"""Compute what a structural prior says of each sequence. Learns nothing, imports no framework."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regharness.sequences import gc_content
from regharness_motifs.library import BUILTIN, MotifSet, load_motifs
from regharness_motifs.scanning import occupancy_features
from regharness_motifs.variation import variant
from regharness_reference.parameters import ReferenceParameters


def prior_library(p: ReferenceParameters) -> MotifSet | None:
    """The motifs of the prior; None where it has none."""
    return variant(load_motifs(p.motifs or BUILTIN), p.motif_variant) if p.prior == "motif_features" else None


def prior_features(
    p: ReferenceParameters, library: MotifSet | None, sequence: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Features ``(example, feature)`` float32: none, GC content among known bases, or motif occupancy.

    A sequence without a known base counts as half G and C.
    """
    if library is not None:
        return occupancy_features(sequence, library)
    if p.prior == "gc":
        gc = np.nan_to_num(gc_content(sequence), nan=0.5)
        return gc[:, None].astype(np.float32)
    return np.zeros((len(sequence), 0), np.float32)
