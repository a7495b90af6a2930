"""Measure activity as an MPRA does: barcodes, DNA and RNA counts, replicates. Knows no sequence.

Counts are drawn for a whole element: the sum over its barcodes of log-normal DNA abundances is itself close
to log-normal (Fenton 1960), and gamma-Poisson RNA counts of dispersion phi over n barcodes of uneven
abundance sum to dispersion phi / n_eff, n_eff = n / exp(log_sd^2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BARCODE_SPREAD = 0.24
"""Relative SD of the number of barcodes between elements: 5-95% of 40-92 at a median of 66."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Measurement:
    """What the assay says of each element.

    Attributes
    ----------
    activity
        ``(replicate, example, output)`` float64: log2((RNA + 1) / (DNA + 1)) after scaling to equal depth.
    noise_variance
        ``(example, output)`` float64: variance of the replicates' mean around the truth.
    dna_count, rna_count
        ``(example, output)`` float64, summed over replicates.
    """

    activity: Array
    noise_variance: Array
    dna_count: Array
    rna_count: Array


@dataclass(frozen=True)
class Assay:
    """How elements are measured; the fields are those of `SimulationParameters`."""

    replicates: int
    barcodes: float
    barcode_dropout: float
    dna_median: float
    dna_log_sd: float
    dispersion: float
    barcode_sd: float

    def measure(self, truth: NDArray[np.float32], rng: np.random.Generator) -> Measurement:
        """Draw counts of elements whose noiseless activity is `truth`, ``(example, output)`` log2."""
        shape = truth.shape
        wanted = np.rint(self.barcodes * (1.0 + BARCODE_SPREAD * rng.normal(size=(shape[0], 1))))
        sequenced = rng.binomial(np.maximum(wanted, 1).astype(np.int64), 1.0 - self.barcode_dropout)
        barcodes = np.broadcast_to(np.maximum(sequenced, 1), shape).astype(np.float64)
        effective = np.maximum(barcodes / np.exp(self.dna_log_sd**2), 1.0)
        abundance = self._abundance(barcodes, rng)
        shared = rng.normal(size=shape) * self.barcode_sd / np.sqrt(effective)
        dispersion = self.dispersion / effective
        draws = (self.replicates, *shape)
        dna = rng.poisson(np.broadcast_to(abundance, draws))
        expected = abundance * 2.0 ** (truth + shared)
        rna = rng.poisson(_gamma(expected, dispersion, draws, rng))
        activity = np.log2((rna + 1.0) / (dna + 1.0))
        relative = 1.0 / (abundance + 1.0) + 1.0 / (expected + 1.0) + dispersion
        variance = relative / (np.log(2.0) ** 2 * self.replicates) + self.barcode_sd**2 / effective
        return Measurement(activity, variance, dna.sum(axis=0).astype(float), rna.sum(axis=0).astype(float))

    def _abundance(self, barcodes: Array, rng: np.random.Generator) -> Array:
        """Expected DNA count of each element: log-normal with the moments of a sum over its barcodes."""
        mean = barcodes * self.dna_median * np.exp(self.dna_log_sd**2 / 2.0)
        log_variance = np.log1p(np.expm1(self.dna_log_sd**2) / barcodes)
        return mean * np.exp(rng.normal(size=barcodes.shape) * np.sqrt(log_variance) - log_variance / 2.0)


def _gamma(expected: Array, dispersion: Array, draws: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Gamma rates with mean `expected` and squared coefficient of variation `dispersion`."""
    if not dispersion.any():
        return np.broadcast_to(expected, draws)
    return rng.gamma(np.broadcast_to(1.0 / dispersion, draws), expected * dispersion)
