"""Shift by changing what was measured, on any data: noise, batches, amplification, swapped barcodes.

The truth stays, and so do sequences. What replicates measured is dropped, since it is not changed with the
target.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from regharness import Dataset
from regharness.graded import GradedShift
from regharness.sequences import gc_content

SWAPPED = 0.5
"""Share of a chimeric element's reads that belong to another one."""

Values = NDArray[np.float64]


class MeasurementShift(GradedShift):
    """Change the targets by a number and keep the sequences."""

    shift_type = "noise"

    def measured(self, dataset: Dataset, level: float, rng: np.random.Generator) -> tuple[Values, Values]:
        """Targets and the variance of their noise, ``(example, output)``."""
        raise NotImplementedError

    def shifted(self, dataset: Dataset, level: float, rng: np.random.Generator) -> Dataset:
        """Measure the test set otherwise."""
        test = dataset.test
        target, noise = self.measured(dataset, level, rng)
        known = test.noise_variance is not None
        batch = replace(
            test,
            target=target.astype(np.float32),
            noise_variance=noise.astype(np.float32) if known else None,
            replicates=None,
        )
        return replace(dataset, test=batch)


class AssayNoise(MeasurementShift):
    """Add independent Gaussian noise to every measurement.

    Noise shift. The activity of the simulation has an SD near 0.83.
    """

    levels = (0.15, 0.3, 0.6, 1.0, 1.5)
    level_meaning = "SD of the added noise, in the unit of the target"
    by_block = True
    level_range: ClassVar = (0.0, 1e6)

    def measured(self, dataset: Dataset, level: float, rng: np.random.Generator) -> tuple[Values, Values]:
        """Add noise."""
        target, noise = _given(dataset)
        return target + rng.normal(0.0, level, target.shape), noise + level**2


class BatchOffset(MeasurementShift):
    """Measure the test set in a batch that adds a constant.

    Noise shift, systematic and affine: read the error after affine recalibration (``affine_mse``) beside the
    raw one. The noise around the batch's own values stays as it was.
    """

    levels = (0.1, 0.2, 0.4, 0.7, 1.0)
    level_meaning = "what every target is raised by, in its unit"
    by_block = True
    level_range: ClassVar = (0.0, 1e6)

    def measured(self, dataset: Dataset, level: float, rng: np.random.Generator) -> tuple[Values, Values]:
        """Add the offset."""
        target, noise = _given(dataset)
        return target + level, noise


class BatchGain(MeasurementShift):
    """Measure the test set in a batch of another dynamic range.

    Noise shift, systematic and affine: targets are stretched around their mean, and their noise with them.
    Read the error after affine recalibration (``affine_mse``) beside the raw one.
    """

    levels = (1.1, 1.2, 1.4, 1.7, 2.0)
    level_meaning = "factor on the distance of every target from the mean"
    level_range: ClassVar = (1.0, 100.0)

    def measured(self, dataset: Dataset, level: float, rng: np.random.Generator) -> tuple[Values, Values]:
        """Stretch the targets."""
        target, noise = _given(dataset)
        mean = target.mean(axis=0)
        return mean + level * (target - mean), level**2 * noise


class GCAmplification(MeasurementShift):
    """Lose reads of sequences whose GC content is far from one half, as in amplification by PCR.

    Noise shift, systematic: RNA counts become ``2^-(g ((GC - 0.5) / 0.15)^2)`` of what they were. A sequence
    of N alone counts as half G and C.
    """

    levels = (0.15, 0.3, 0.6, 1.0, 1.5)
    level_meaning = "g: log2 loss at a GC content of 0.35 or 0.65"
    by_block = True
    level_range: ClassVar = (0.0, 100.0)

    def measured(self, dataset: Dataset, level: float, rng: np.random.Generator) -> tuple[Values, Values]:
        """Lose reads."""
        target, noise = _given(dataset)
        gc = np.nan_to_num(gc_content(dataset.test.sequence), nan=0.5)
        return target - (level * ((gc - 0.5) / 0.15) ** 2)[:, None], noise


class BarcodeChimera(MeasurementShift):
    """Let barcodes of some elements be counted for another element, as template switching does.

    Noise shift. The chosen elements take half of their reads from another one, drawn at random: their target
    becomes ``log2((2^own + 2^other) / 2)``, and the noise of both is propagated.
    """

    levels = (0.05, 0.1, 0.2, 0.4, 0.8)
    level_meaning = "share of the elements that are chimeric"
    level_range: ClassVar = (0.0, 1.0)

    def measured(self, dataset: Dataset, level: float, rng: np.random.Generator) -> tuple[Values, Values]:
        """Mix counts."""
        target, noise = _given(dataset)
        n = len(target)
        # Ranked numbers, so that a milder severity would choose a part of the same elements.
        chimeric = rng.permutation(n) < round(level * n)
        other = (np.arange(n) + rng.integers(1, max(n, 2), n)) % n
        # Half of log2's sum, kept from overflowing by the larger of the two.
        top = np.maximum(target, target[other])
        own_part, other_part = np.exp2(target - top), np.exp2(target[other] - top)
        mixed = top + np.log2(SWAPPED * own_part + (1.0 - SWAPPED) * other_part)
        share = SWAPPED * own_part / (SWAPPED * own_part + (1.0 - SWAPPED) * other_part)
        propagated = share**2 * noise + (1.0 - share) ** 2 * noise[other]
        which = chimeric[:, None]
        return np.where(which, mixed, target), np.where(which, propagated, noise)


def _given(dataset: Dataset) -> tuple[Values, Values]:
    """Targets of the test set and the variance of their noise, zero where none is known of."""
    test = dataset.test
    assert test.target is not None
    target = test.target.astype(np.float64)
    noise = np.zeros_like(target) if test.noise_variance is None else test.noise_variance.astype(np.float64)
    return target, noise
