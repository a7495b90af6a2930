"""Compute what a structural prior says of each sequence. Learns nothing, imports no framework."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

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


def described_features(p: ReferenceParameters, folder: Path) -> dict[str, Any]:
    """What the features of an exported network's prior are, as networks from files describe an input.

    A user's motifs are copied into `folder`, where the network's file lies.
    """
    if p.prior == "gc":
        return {"use": "gc_content"}
    described: dict[str, Any] = {"use": "motif_features", "motif_variant": p.motif_variant}
    if p.motifs is None:
        return described
    return described | {"motifs": shutil.copy(p.motifs, folder) if isinstance(p.motifs, Path) else p.motifs}
