"""Shift how elements are represented in the library, and so how well each is measured. Changes no activity."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from regharness import Dataset
from regharness.graded import GradedShift


class LibraryGCSkew(GradedShift):
    """Measure the test set in a library where elements of unusual GC content are rare.

    Noise shift, heteroscedastic: elements have ``2^-(g ((GC - 0.5) / 0.15)^2)`` of the usual barcodes and
    reads, so that their measurement is the noisier the further their GC content is from one half. A model can
    know that from the sequence.
    """

    shift_type = "noise"
    needs = frozenset({"mechanism"})
    by_block = True
    levels = (1.0, 1.5, 2.0, 3.0, 4.0)
    level_meaning = "g: halvings of barcodes and reads at a GC content of 0.35 or 0.65"
    level_range: ClassVar = (0.0, 20.0)

    def shifted(self, dataset: Dataset, level: float, rng: np.random.Generator) -> Dataset:
        """Measure the test sequences again."""
        moved = replace(dataset.mechanism, gc_representation=level)
        return replace(dataset, test=moved.label(dataset.test, rng), mechanism=moved, assay=moved)
