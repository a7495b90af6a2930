"""Measure how far a shift has moved a test set. Shifts nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from regharness import dims
from regharness.interfaces import Dataset, SequenceBatch
from regharness.sequences import gc_content

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
        dims.GC_MOVED: np.array(_mean_gc(shifted) - _mean_gc(dataset.test)),
        dims.EFFECTIVE_SIZE: np.array(shifted.effective_size or float(len(shifted))),
        dims.ORACLE_CORRELATION: _oracle_correlation(dataset.mechanism, shifted),
        dims.TARGET_SD: target.std(axis=0),
        dims.NOISE_SD: np.sqrt(noise),
    }


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
