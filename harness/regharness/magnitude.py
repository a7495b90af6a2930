"""Measure how far a shift has moved a test set. Shifts nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regharness import dims
from regharness.interfaces import Dataset, SequenceBatch
from regharness.sequences import N, gc_content

LONG_NAMES = {
    dims.GC_MOVED: "mean GC content, less that of the identity test set",
    dims.EFFECTIVE_SIZE: "equally weighted examples that the test set is worth",
    dims.ORACLE_CORRELATION: "correlation of the truth with what the unshifted mechanism gives the same sequences",
    dims.TARGET_SD: "standard deviation of the target",
    dims.NOISE_SD: "root mean square of the measurement's noise",
}
BY_OUTPUT = (dims.ORACLE_CORRELATION, dims.TARGET_SD, dims.NOISE_SD)


def achieved(dataset: Dataset, shifted: SequenceBatch) -> dict[str, NDArray[np.float64]]:
    """Measure a shifted test set against the one it was made from.

    Parameters
    ----------
    dataset
        The unshifted data.
    shifted
        The shifted test set.

    Returns
    -------
    dict
        ``gc_moved`` and ``effective_sample_size``, scalars; ``oracle_correlation``, ``target_sd`` and
        ``noise_sd``, ``(output,)``. NaN where the data do not know: the noise of a measurement, or the truth.
    """
    outputs = len(shifted.outputs)
    noise = np.full(outputs, np.nan)
    if shifted.noise_variance is not None:
        known = np.isfinite(shifted.noise_variance)
        total = np.where(known, shifted.noise_variance, 0.0).sum(axis=0, dtype=np.float64)
        np.divide(total, known.sum(axis=0), out=noise, where=known.any(axis=0))
    target = np.asarray(shifted.target, np.float64)
    return {
        dims.GC_MOVED: np.array(_gc_moved(dataset.test, shifted)),
        dims.EFFECTIVE_SIZE: np.array(shifted.effective_size or float(len(shifted))),
        dims.ORACLE_CORRELATION: _oracle_correlation(dataset.mechanism, shifted),
        dims.TARGET_SD: target.std(axis=0),
        dims.NOISE_SD: np.sqrt(noise),
    }


def _gc_moved(before: SequenceBatch, after: SequenceBatch) -> float:
    if after.sequence is before.sequence:
        return 0.0 if (before.sequence != N).any() else float("nan")
    return _mean_gc(after) - _mean_gc(before)


def _mean_gc(batch: SequenceBatch) -> float:
    gc = gc_content(batch.sequence)
    known = gc[np.isfinite(gc)]
    return float(known.mean()) if len(known) else float("nan")


def _oracle_correlation(mechanism: Any, shifted: SequenceBatch) -> NDArray[np.float64]:
    found = np.full(len(shifted.outputs), np.nan)
    if shifted.truth is None or not hasattr(mechanism, "activity"):
        return found
    before = np.asarray(mechanism.activity(shifted.sequence), np.float64)
    for j, (one, two) in enumerate(zip(before.T, shifted.truth.T.astype(np.float64), strict=True)):
        if one.std() > 0 and two.std() > 0:
            found[j] = np.corrcoef(one, two)[0, 1]
    return found


@dataclass
class Spread:
    """Count, means and sums of centred products of a few series, merged as blocks come (Chan et al. 1982)."""

    n: float = 0.0
    mean: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))
    product: NDArray[np.float64] = field(default_factory=lambda: np.zeros((1, 1)))

    def add(self, series: NDArray[np.float64]) -> None:
        """Add a block ``(series, example)``, one example at least."""
        n = series.shape[1]
        mean = series.mean(axis=1)
        centred = series - mean[:, None]
        apart = mean - self.mean
        both = self.n + n
        self.product = self.product + centred @ centred.T + np.outer(apart, apart) * (self.n * n / both)
        self.mean = self.mean + apart * (n / both)
        self.n = both


class Moved:
    """What `achieved` says of a test set, from blocks of it."""

    def __init__(self) -> None:
        self._size = 0.0
        self._gc = [np.zeros(2), np.zeros(2)]
        self._noise: NDArray[np.float64] | None = None
        self._spread: list[Spread] = []

    def add(self, dataset: Dataset, shifted: SequenceBatch) -> None:
        """Add a shifted block, of one example at least; the test set of `dataset` is that block unshifted."""
        for sums, batch in zip(self._gc, (shifted, dataset.test), strict=True):
            gc = gc_content(batch.sequence)
            known = gc[np.isfinite(gc)]
            sums += known.sum(), len(known)
        outputs = len(shifted.outputs)
        if self._noise is None:
            self._noise, self._spread = np.zeros((2, outputs)), [Spread() for _ in range(outputs)]
        if shifted.noise_variance is not None:
            finite = np.isfinite(shifted.noise_variance)
            self._noise[0] += np.where(finite, shifted.noise_variance, 0.0).sum(axis=0, dtype=np.float64)
            self._noise[1] += finite.sum(axis=0)
        series: list[Any] = [shifted.target]
        if shifted.truth is not None and hasattr(dataset.mechanism, "activity"):
            series += [np.asarray(dataset.mechanism.activity(shifted.sequence)), shifted.truth]
        for j, spread in enumerate(self._spread):
            spread.add(np.array([one[:, j] for one in series], np.float64))
        self._size += shifted.effective_size or float(len(shifted))

    def found(self) -> dict[str, NDArray[np.float64]]:
        """As `achieved` of all blocks at once, to rounding."""
        assert self._noise is not None
        with np.errstate(invalid="ignore", divide="ignore"):
            mean_gc = [sums[0] / sums[1] for sums in self._gc]
            noise = np.sqrt(self._noise[0] / self._noise[1])
        return {
            dims.GC_MOVED: np.array(mean_gc[0] - mean_gc[1]),
            dims.EFFECTIVE_SIZE: np.array(self._size),
            dims.ORACLE_CORRELATION: np.array([_correlation(spread.product) for spread in self._spread]),
            dims.TARGET_SD: np.array([np.sqrt(spread.product[0, 0] / spread.n) for spread in self._spread]),
            dims.NOISE_SD: noise,
        }


def _correlation(product: NDArray[np.float64]) -> float:
    if len(product) < 3 or not (product[1, 1] > 0 and product[2, 2] > 0):
        return float("nan")
    return float(product[1, 2] / np.sqrt(product[1, 1] * product[2, 2]))
