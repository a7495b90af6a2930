"""Shift by counting elements again under poorer conditions, on data whose counts are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from regharness import Dataset, InputError
from regharness.graded import GradedShift


class CountShift(GradedShift):
    """Measure the test set again through its own assay; sequences and truth stay."""

    shift_type = "noise"
    needs = frozenset({"counts"})
    by_block = True

    def condition(self, level: float) -> Mapping[str, Any]:
        """What the assay is told, of the keywords of `regharness.interfaces.CountAssay.recount`."""
        raise NotImplementedError

    def shifted(self, dataset: Dataset, level: float, rng: np.random.Generator) -> Dataset:
        """Count again."""
        if dataset.assay is None:
            raise InputError(f"{type(self).__name__} needs counts, and the data have none")
        return replace(dataset, test=dataset.assay.recount(dataset.test, rng, **self.condition(level)))


class BarcodeCount(CountShift):
    """Measure every element through fewer barcodes.

    Noise shift: with few barcodes, each one's own effect no longer averages out. Elements that have fewer keep
    what they have. On real data the barcodes are drawn from those that were counted.
    """

    needs = frozenset({"counts", "barcodes"})
    levels = (10.0, 6.0, 4.0, 2.0, 1.0)
    level_meaning = "barcodes an element"
    level_range: ClassVar = (1.0, 1e6)

    def __init__(self, levels: Sequence[float] | None = None) -> None:
        super().__init__(levels)
        odd = [level for level in self.levels if level != int(level)]
        if odd:
            raise InputError(f"levels: {odd[0]:g} is no whole number of barcodes")

    def condition(self, level: float) -> Mapping[str, Any]:
        """So many barcodes."""
        return {"barcodes": int(level)}


class SequencingDepth(CountShift):
    """Sequence the library less deeply.

    Noise shift: every read is kept with this probability (binomial thinning).
    """

    levels = (0.5, 0.25, 0.1, 0.05, 0.02)
    level_meaning = "share of the reads that are kept"
    level_range: ClassVar = (1e-6, 1.0)

    def condition(self, level: float) -> Mapping[str, Any]:
        """A part of the reads."""
        return {"depth": level}


class BarcodeDispersion(CountShift):
    """Let barcodes of one element differ more in expression.

    Noise shift: RNA counts vary between barcodes with this dispersion. On real data every barcode's RNA is
    multiplied by a gamma variable of mean 1 and this variance (1 is the Bayesian bootstrap of barcodes).
    """

    needs = frozenset({"counts", "barcodes"})
    levels = (0.2, 0.4, 0.8, 1.6, 3.2)
    level_meaning = "phi: squared coefficient of variation of expression between barcodes"
    level_range: ClassVar = (0.0, 5.0)

    def condition(self, level: float) -> Mapping[str, Any]:
        """A greater dispersion."""
        return {"dispersion": level}
