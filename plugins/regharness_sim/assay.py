"""Measure activity as an MPRA does: barcodes, DNA and RNA counts, replicates, batches. Knows no sequence.

Counts are drawn for a whole element: the sum over its barcodes of log-normal DNA abundances is itself close
to log-normal (Fenton 1960), and gamma-Poisson RNA counts of dispersion phi over n barcodes of uneven
abundance sum to dispersion phi / n_eff.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, polygamma

from regharness_sim.count_moments import log2_moments

BARCODE_SPREAD = 0.24
"""Relative SD of the number of barcodes between elements: 5-95% of 40-92 at a median of 66."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Measurement:
    """What the assay says of each element.

    Attributes
    ----------
    activity
        ``(example, output, replicate)`` float64: log2((RNA + 1) / (DNA + 1)) after scaling to equal depth.
    noise_variance
        ``(example, output)`` float64: expected squared distance of the replicates' mean from the truth.
    dna_count, rna_count
        ``(example, output, replicate)`` int64, summed over barcodes.
    batch
        ``(example,)`` int64: the batch that the element was measured in; None where there is one.
    """

    activity: Array
    noise_variance: Array
    dna_count: NDArray[np.int64]
    rna_count: NDArray[np.int64]
    batch: NDArray[np.int64] | None


@dataclass(frozen=True)
class Assay:
    """How elements are measured; most fields are those of `SimulationParameters`.

    Attributes
    ----------
    expression_dispersion
        Squared coefficient of variation of expression between barcodes, beyond what `barcode_sd` says; it is
        the barcodes' own, so replicates share it.
    batch_offset, batch_gain
        ``(batch, output)``: added to the activity, and what the truth is multiplied by; their means over
        batches are 0 and 1.
    """

    replicates: int
    barcodes: float
    barcode_dropout: float
    dna_median: float
    dna_log_sd: float
    depth: float
    dispersion: float
    barcode_sd: float
    batch_offset: Array
    batch_gain: Array
    expression_dispersion: float = 0.0

    def measure(
        self, truth: Array, donors: Array, rng: np.random.Generator, representation: Array | None = None
    ) -> Measurement:
        """Draw counts of elements.

        Parameters
        ----------
        truth
            ``(example, output)``, noiseless activity, log2.
        donors
            ``(example, output, replicate)``: how far each replicate's donor departs from it, log2.
        rng
            Draws the counts.
        representation
            ``(example,)``: barcodes and reads of each element in the library, relative to the usual.
        """
        n, outputs = truth.shape
        share = np.ones(n) if representation is None else representation
        wanted = np.rint(share * self.barcodes * (1.0 + BARCODE_SPREAD * rng.normal(size=n)))
        sequenced = rng.binomial(np.maximum(wanted, 1).astype(np.int64), 1.0 - self.barcode_dropout)
        barcodes = np.maximum(sequenced, 1).astype(np.float64)[:, None]
        effective = self._effective(barcodes)
        abundance = self._abundance(barcodes, (n, outputs), rng) * self.depth
        shared_sd = self.barcode_sd / np.sqrt(effective)
        shared = rng.normal(size=truth.shape) * shared_sd
        offset = np.zeros_like(effective)
        if self.expression_dispersion:
            # The mean over barcodes of gamma variables is one of a larger shape.
            shape = effective / self.expression_dispersion
            shared = shared + np.log2(
                np.maximum(rng.standard_gamma(np.broadcast_to(shape, truth.shape)), 1e-300) / shape
            )
            offset = (digamma(shape) - np.log(shape)) / np.log(2.0)
            shared_sd = np.sqrt(shared_sd**2 + polygamma(1, shape) / np.log(2.0) ** 2)
        dispersion = np.broadcast_to(self.dispersion / effective, truth.shape)
        draws = (n, outputs, self.replicates)
        dna = rng.poisson(np.broadcast_to(abundance[..., None], draws))
        expected = (abundance * 2.0 ** (truth + shared))[..., None] * 2.0**donors
        rna = rng.poisson(_gamma(expected, dispersion[..., None], rng))
        activity = np.log2((rna + 1.0) / (dna + 1.0))
        variance = self._variance(truth, abundance, dispersion, shared_sd, offset)
        batch = None
        if len(self.batch_offset) > 1:
            batch = rng.integers(0, len(self.batch_offset), n)
            activity += (self.batch_offset[batch] + (self.batch_gain[batch] - 1.0) * truth)[..., None]
            variance += self.batch_offset.var(axis=0) + self.batch_gain.var(axis=0) * truth**2
        return Measurement(activity, variance, dna, rna, batch)

    def _effective(self, barcodes: Array) -> Array:
        """Barcodes of equal abundance that uneven ones are worth: 1 of one, n / exp(log_sd^2) of many (Kish)."""
        return barcodes / (1.0 + np.expm1(self.dna_log_sd**2) * (barcodes - 1.0) / barcodes)

    def _abundance(self, barcodes: Array, shape: tuple[int, int], rng: np.random.Generator) -> Array:
        """Expected DNA count of each element: log-normal with the moments of a sum over its barcodes."""
        mean = barcodes * self.dna_median * np.exp(self.dna_log_sd**2 / 2.0)
        log_variance = np.log1p(np.expm1(self.dna_log_sd**2) / barcodes)
        return mean * np.exp(rng.normal(size=shape) * np.sqrt(log_variance) - log_variance / 2.0)

    def _variance(self, truth: Array, abundance: Array, dispersion: Array, shared_sd: Array, offset: Array) -> Array:
        """Expected squared distance from the truth: spread of the counts, of the barcodes' effect, and bias.

        The barcodes' effect, of mean `offset`, is integrated over two points, one SD to either side of it
        (Gauss-Hermite).
        """
        dna_mean, dna_variance = log2_moments(abundance, np.zeros_like(abundance))
        low, low_variance = log2_moments(abundance * 2.0 ** (truth + offset - shared_sd), dispersion)
        high, high_variance = log2_moments(abundance * 2.0 ** (truth + offset + shared_sd), dispersion)
        counting = (dna_variance + (low_variance + high_variance) / 2.0) / self.replicates
        bias = (low + high) / 2.0 - dna_mean - truth
        return counting + ((high - low) / 2.0) ** 2 + bias**2


def _gamma(expected: Array, dispersion: Array, rng: np.random.Generator) -> Array:
    """Gamma rates with mean `expected` and squared coefficient of variation `dispersion`."""
    if not dispersion.any():
        return expected
    return rng.standard_gamma(np.broadcast_to(1.0 / dispersion, expected.shape)) * (expected * dispersion)
