"""Join boosted trees on motif features to the harness. Scans no sequence itself and grows no tree itself."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from regharness import Prediction, RunContext, SequenceBatch
from regharness.errors import CellError
from regharness.interfaces import ModelAdapter
from regharness.sequences import gc_content
from regharness_baselines.forests import Forest, best_trees
from regharness_motifs.library import load_motifs
from regharness_motifs.parameters import MotifVariant
from regharness_motifs.scanning import occupancy_features
from regharness_motifs.variation import variant

FILE = "forest.safetensors"
PATIENCE = 30
"""Rounds without a better calibration loss after which boosting ends."""
LEAST_ERROR = 1e-6
"""Of a squared error, relative to their mean: the logarithm of zero is not finite."""


class MotifTrees(ModelAdapter):
    """Gradient-boosted trees on the occupancy of motifs and GC content, which give a mean and an aleatoric variance.

    The mean is boosted for squared error (Friedman, Ann. Stat. 29:1189, 2001), with histograms of the features and a
    random share of them a split. The variance is boosted on the squared errors of the training split for the gamma
    deviance with a log link, the likelihood of a normal variance (Smyth, J. R. Stat. Soc. B 51:47, 1989). Both keep
    the number of trees that is best on the calibration split, where the variance is then scaled so that the mean of
    z^2 is 1: errors on examples that the trees were grown on are too small.

    Parameters
    ----------
    motifs, motif_variant, trees, learning_rate, leaves, feature_share
        As of `regharness_baselines.parameters.MotifTreesParameters`.
    """

    def __init__(
        self,
        motifs: str | Path,
        motif_variant: MotifVariant,
        trees: int,
        learning_rate: float,
        leaves: int,
        feature_share: float,
    ) -> None:
        self._motifs = variant(load_motifs(motifs), motif_variant)
        self._settings = {
            "max_iter": trees,
            "learning_rate": learning_rate,
            "max_leaf_nodes": leaves,
            "max_features": feature_share,
        }

    def fit(self, train: SequenceBatch, calibration: SequenceBatch, context: RunContext) -> None:
        """Grow trees for the mean of each output, and then for its variance; `context.seed` draws the features."""
        assert train.target is not None
        assert calibration.target is not None
        rng = context.rng("trees")
        x, x_held = self._features(train.sequence), self._features(calibration.sequence)
        means, variances, scales = [], [], []
        outputs = train.target.shape[1]
        for output in range(outputs):
            y, held = (batch.target[:, output].astype(np.float64) for batch in (train, calibration))
            means.append(self._boosted("squared_error", x, y, x_held, held, rng))
            mean = best_trees(means[-1:])
            squared, squared_held = (
                np.square(target - mean.predict(at)[:, 0]) for at, target in ((x, y), (x_held, held))
            )
            if not (squared.any() and squared_held.any()):
                raise CellError("the trees make no error, and so tell nothing of their variance")
            variances.append(self._boosted("gamma", x, _positive(squared), x_held, _positive(squared_held), rng))
            log_variance = best_trees(variances[-1:]).predict(x_held)[:, 0]
            scales.append(np.log(np.mean(squared_held / np.exp(log_variance))))
            context.progress((output + 1) / outputs)
        forest = best_trees([*means, *variances])
        self._forest = replace(forest, baseline=forest.baseline + np.array([0.0] * outputs + scales))

    def predict(self, batch: SequenceBatch, context: RunContext) -> Prediction:
        """Predict mean and aleatoric variance."""
        mean, log_variance = np.split(self._forest.predict(self._features(batch.sequence)), 2, axis=1)
        return Prediction(mean.astype(np.float32), aleatoric_variance=np.exp(log_variance).astype(np.float32))

    def save(self, folder: Path) -> None:
        """Write the trees' arrays as safetensors."""
        arrays = {field.name: getattr(self._forest, field.name) for field in fields(Forest)}
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / FILE)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        self._forest = Forest(**load_file(folder / FILE))

    def _boosted(
        self,
        loss: str,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        x_held: NDArray[np.float64],
        y_held: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> HistGradientBoostingRegressor:
        boosted = HistGradientBoostingRegressor(
            loss=loss,
            early_stopping=True,
            n_iter_no_change=PATIENCE,
            random_state=int(rng.integers(2**31)),
            **self._settings,
        )
        # Threads would add up histograms in an order of their own.
        with threadpool_limits(1):
            return boosted.fit(x, y, X_val=x_held, y_val=y_held)

    def _features(self, sequence: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Occupancy of each motif, then GC content; a sequence without a known base counts as half G and C."""
        gc = np.nan_to_num(gc_content(sequence), nan=0.5)
        return np.column_stack([occupancy_features(sequence, self._motifs).astype(np.float64), gc])


def _positive(squared: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(squared, LEAST_ERROR * squared.mean())
