"""Join regressions to the harness: features of sequences in, predictions out. Solves nothing itself."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from regharness import Prediction, RunContext, SequenceBatch
from regharness.interfaces import ModelAdapter
from regharness.sequences import gc_content
from regharness_baselines.gapped import GappedKmerKernel
from regharness_baselines.kmers import count_kmers
from regharness_baselines.regression import Regression, Scatter, chunks, fit

FILE = "regression.safetensors"
LANDMARKS = "landmarks.safetensors"
CHUNK = 2048
PENALTIES = tuple(10.0 ** np.arange(-3.0, 3.5, 0.5))
LEAST_EIGENVALUE = 1e-10
"""Of the landmarks' kernel, relative to the greatest: below it there are rounding errors."""


class LinearModel(ModelAdapter):
    """Regress the targets on features of the sequence.

    Predictions have the residual variance as aleatoric and that of the fitted coefficients as epistemic
    variance. The calibration split is not used.
    """

    penalties: tuple[float, ...] = (0.0,)

    @abstractmethod
    def features(self, sequence: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Features ``(example, feature)`` of ``(example, position)`` codes."""

    def fit(self, train: SequenceBatch, calibration: SequenceBatch, context: RunContext) -> None:
        """Gather sums over `train` and solve."""
        assert train.target is not None
        parts = list(chunks(len(train), CHUNK))
        total = sum(self.features(train.sequence[part]).sum(axis=0) for part in parts)
        scatter = Scatter(total / len(train), train.target.mean(axis=0, dtype=np.float64))
        for done, part in enumerate(parts, 1):
            scatter.add(self.features(train.sequence[part]), train.target[part])
            context.progress(done / (len(parts) + 1))
        self._regression = fit(scatter, self.penalties)
        context.progress(1.0)

    def predict(self, batch: SequenceBatch, context: RunContext) -> Prediction:
        """Predict mean, aleatoric and epistemic variance."""
        shape = len(batch), len(self._regression.target_mean)
        mean, epistemic = np.empty(shape, np.float32), np.empty(shape, np.float32)
        for part in chunks(len(batch), CHUNK):
            mean[part], epistemic[part] = self._regression.predict(self.features(batch.sequence[part]))
        noise = np.broadcast_to(self._regression.noise_variance, shape).astype(np.float32)
        return Prediction(mean, aleatoric_variance=noise, epistemic_variance=epistemic)

    def save(self, folder: Path) -> None:
        """Write the regression's arrays as safetensors."""
        arrays = {field.name: getattr(self._regression, field.name) for field in fields(Regression)}
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / FILE)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        self._regression = Regression(**load_file(folder / FILE))


class KmerRidge(LinearModel):
    """Ridge regression on counts of all k-mers up to a length, both strands as one.

    The penalty is chosen on the training split, for each output, by generalised cross-validation.

    Parameters
    ----------
    k
        Longest k-mer.
    """

    penalties = PENALTIES

    def __init__(self, k: int) -> None:
        self._k = k

    def features(self, sequence: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Counts of k-mers."""
        return count_kmers(sequence, self._k)


class GappedKmer(LinearModel):
    """Gaussian process regression with the normalised gapped k-mer kernel and a free intercept.

    Every sequence is projected onto landmarks, training sequences drawn at random (Nystroem's method: Williams &
    Seeger, NIPS 13:682, 2000), where the process is ridge regression; its penalty is chosen as that of `KmerRidge`.
    What a sequence has beyond the landmarks keeps its prior variance (Quinonero-Candela & Rasmussen, JMLR 6:1939,
    2005). What the residuals have of that, mostly those of sequences that are no landmarks, is in the residual
    variance already, so that only the excess over it is epistemic. With every training sequence a landmark the process
    is exact.

    Parameters
    ----------
    length, k, landmarks
        As of `regharness_baselines.parameters.GappedKmerParameters`.
    """

    penalties = PENALTIES

    def __init__(self, length: int, k: int, landmarks: int) -> None:
        self._length, self._k, self._number = length, k, landmarks

    def fit(self, train: SequenceBatch, calibration: SequenceBatch, context: RunContext) -> None:
        """Draw landmarks, and fit on the projections."""
        order = context.rng("landmarks").permutation(len(train))
        chosen, others = np.split(order, [self._number])
        self._landmarks = np.ascontiguousarray(train.sequence[np.sort(chosen)])
        self._kernel = GappedKmerKernel(self._landmarks, self._length, self._k)
        value, vector = np.linalg.eigh(self._kernel(self._landmarks))
        kept = value > LEAST_EIGENVALUE * value[-1]
        self._projection = np.ascontiguousarray(vector[:, kept] / np.sqrt(value[kept]))
        # Of what no landmark has the fit must learn nothing, and so leave its coefficient the prior.
        self._usual = np.array([np.inf])
        super().fit(train, calibration, context)
        self._usual = np.array([self._left_in_residuals(train.sequence[others[:CHUNK]], len(others))])

    def features(self, sequence: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Coordinates along the landmarks, and in the last column the excess of what is left over what usually is."""
        projected, left = self._project(sequence)
        return np.column_stack([projected, np.sqrt(np.maximum(left - self._usual, 0.0))])

    def save(self, folder: Path) -> None:
        """Write the regression and the landmarks as safetensors."""
        super().save(folder)
        arrays = {"landmarks": self._landmarks, "projection": self._projection, "usual": self._usual}
        save_file(arrays, folder / LANDMARKS)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote, and tabulate the kernel again."""
        super().load(folder)
        stored = load_file(folder / LANDMARKS)
        self._landmarks, self._projection, self._usual = (stored[n] for n in ("landmarks", "projection", "usual"))
        self._kernel = GappedKmerKernel(self._landmarks, self._length, self._k)

    def _left_in_residuals(self, sample: NDArray[np.uint8], others: int) -> float:
        """What is left beyond the landmarks of a training sequence, on average over the freedom of the residuals.

        The residual sum of squares of sequences with variances v and leverages h is the sum of (1 - h) v. Landmarks
        have nothing left, and little freedom. `sample` stands for the `others`, which are none.
        """
        if not others:
            return 0.0
        projected, left = self._project(sample)
        free = others * self._freedom(projected)
        whole = free.mean() + self._freedom(self._project(self._landmarks)[0]).sum()
        return float((free * left).mean() / whole)

    def _freedom(self, projected: NDArray[np.float64]) -> NDArray[np.float64]:
        """One less the leverage of training sequences ``(example,)``, on average over the outputs."""
        at = np.column_stack([projected, np.zeros(len(projected))])
        components = (at - self._regression.feature_mean) @ self._regression.rotation
        leverage = self._regression.mean_spread + np.square(components) @ self._regression.spread.mean(axis=1)
        return np.maximum(1.0 - leverage, 0.0)

    def _project(self, sequence: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Coordinates ``(example, component)``, and the share ``(example,)`` of the kernel beyond them."""
        projected = self._kernel(sequence) @ self._projection
        return projected, 1.0 - np.square(projected).sum(axis=1)


class GCLinear(LinearModel):
    """Ordinary least squares on GC content, the share of G and C among known bases."""

    def features(self, sequence: NDArray[np.uint8]) -> NDArray[np.float64]:
        """GC content, in one column; a sequence without a known base counts as half G and C."""
        return np.nan_to_num(gc_content(sequence), nan=0.5)[:, None]


class TrainingMean(LinearModel):
    """The training mean, with the training variance: what knowing nothing of the sequence gives."""

    def features(self, sequence: NDArray[np.uint8]) -> NDArray[np.float64]:
        """No feature."""
        return np.zeros((len(sequence), 0))
