"""Own boosted trees as plain arrays, taken from scikit-learn so that they are stored without a pickle. Trains none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor


@dataclass(frozen=True)
class Forest:
    """Regression trees of one or more outputs; an output is its baseline plus a leaf of each of its trees.

    Attributes
    ----------
    feature
        ``(node,)`` int32, what a node compares; -1 is a leaf.
    threshold
        ``(node,)`` float64: features up to it go to the first child.
    children
        ``(node, side)`` int32 nodes; of a leaf without meaning.
    value
        ``(node,)`` float64, what a leaf adds.
    roots
        ``(tree,)`` int32 nodes, output after output.
    starts
        ``(output + 1,)`` int32: the trees of output o are ``starts[o]:starts[o + 1]``.
    baseline
        ``(output,)`` float64.
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    children: NDArray[np.int32]
    value: NDArray[np.float64]
    roots: NDArray[np.int32]
    starts: NDArray[np.int32]
    baseline: NDArray[np.float64]

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """``(example, output)`` of ``(example, feature)``, which is free of NaN; of a log link, the logarithm."""
        total = np.tile(self.baseline, (len(features), 1))
        _add(features, self.feature, self.threshold, self.children, self.value, self.roots, self.starts, total)
        return total


def best_trees(boosted: Sequence[HistGradientBoostingRegressor]) -> Forest:
    """Take the trees of regressors, one an output, up to the iteration of each that validated best.

    Parameters
    ----------
    boosted
        Fitted with early stopping, on numbers without NaN.
    """
    trees = [[stage[0].nodes for stage in one._predictors[: int(np.argmax(one.validation_score_))]] for one in boosted]
    flat = [tree for output in trees for tree in output]
    roots = np.cumsum([0, *map(len, flat)])[:-1] if flat else np.zeros(0)
    parts = {
        name: np.concatenate([tree[name] for tree in flat] or [np.zeros(0)])
        for name in ("feature_idx", "num_threshold", "left", "right", "value", "is_leaf")
    }
    # Children count from their tree's root.
    offset = np.repeat(roots, [len(tree) for tree in flat])
    return Forest(
        feature=np.where(parts["is_leaf"] == 1, -1, parts["feature_idx"]).astype(np.int32),
        threshold=parts["num_threshold"].astype(np.float64),
        children=(np.stack([parts["left"], parts["right"]], axis=1) + offset[:, None]).astype(np.int32),
        value=parts["value"].astype(np.float64),
        roots=roots.astype(np.int32),
        starts=np.cumsum([0, *map(len, trees)]).astype(np.int32),
        baseline=np.array([one._baseline_prediction.item() for one in boosted]),
    )


@numba.njit(cache=True, nogil=True)
def _add(features, feature, threshold, children, value, roots, starts, total):  # type: ignore[no-untyped-def]
    for i in range(len(features)):
        for output in range(total.shape[1]):
            for tree in range(starts[output], starts[output + 1]):
                node = roots[tree]
                while feature[node] >= 0:
                    side = 0 if features[i, feature[node]] <= threshold[node] else 1
                    node = children[node, side]
                total[i, output] += value[node]
