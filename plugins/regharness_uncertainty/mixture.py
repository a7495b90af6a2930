"""Own how several predictions of the same examples become one. Makes none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from regharness import Prediction, SequenceBatch

GIVEN = ("mean", "aleatoric_variance", "epistemic_variance", "quantiles")
PART = 16_384
"""Examples whose predictions are all held at a time; a whole number of what networks take at a time."""


def mixed(batch: SequenceBatch, predict: Callable[[SequenceBatch], Iterable[Prediction]]) -> Prediction:
    """The equal mixture of all that `predict` gives for a batch, asked for `PART` examples at a time."""
    parts = [
        mixture([*predict(batch if len(batch) <= PART else batch.select(slice(start, start + PART)))])
        for start in range(0, max(len(batch), 1), PART)
    ]
    first = parts[0]
    if len(parts) == 1:
        return first
    given = [name for name in GIVEN if getattr(first, name) is not None]
    whole = {name: np.concatenate([getattr(part, name) for part in parts]) for name in given}
    return Prediction(**whole, quantile_levels=first.quantile_levels)


def mixture(found: Sequence[Prediction]) -> Prediction:
    """The equal mixture of predictions, with its variance in two parts.

    Its aleatoric variance is the mean of theirs; its epistemic variance the variance of their means, about their mean
    and divided by their number, plus the mean of their own epistemic variances. Both together are the variance of the
    mixture (Kendall & Gal, NeurIPS 2017). Its quantiles are the means of theirs, level by level (Vincent, Psychol.
    Monogr. 14(5), 1912; Ratcliff, Psychol. Bull. 86:446, 1979). What one of them lacks is left out, but for the
    epistemic variance.

    Parameters
    ----------
    found
        Predictions ``(example, output)`` of the same examples, with quantiles of the same levels.
    """
    means = np.stack([one.mean for one in found]).astype(np.float64)
    epistemic = means.var(axis=0)
    if all(one.epistemic_variance is not None for one in found):
        epistemic += np.mean([one.epistemic_variance for one in found], axis=0, dtype=np.float64)
    averaged = {
        name: np.mean([getattr(one, name) for one in found], axis=0, dtype=np.float64).astype(np.float32)
        for name in ("aleatoric_variance", "quantiles")
        if all(getattr(one, name) is not None for one in found)
    }
    return Prediction(
        means.mean(axis=0).astype(np.float32),
        epistemic_variance=epistemic.astype(np.float32),
        quantile_levels=found[0].quantile_levels if "quantiles" in averaged else (),
        **averaged,
    )
