"""Deep ensembles: several models of one kind, and how much they disagree. Knows no kind of model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from regharness import InputError, Prediction, RunContext, SequenceBatch
from regharness.interfaces import ModelAdapter, UncertaintyMethod
from regharness.quantiles import declared_levels


class DeepEnsemble(UncertaintyMethod):
    """Fit several models that differ in their seeds, and average them.

    Parameters
    ----------
    members
        How many.
    """

    def __init__(self, members: int = 5) -> None:
        if members < 2:
            raise InputError(f"members: an ensemble of {members} is none")
        self.members = members

    def wrap(self, make: Callable[[], ModelAdapter]) -> ModelAdapter:
        """Make the members."""
        models = [make() for _ in range(self.members)]
        if not models[0].trainable:
            raise InputError(
                "deep_ensemble needs a model that is trained: copies of one that comes fitted are all alike"
            )
        return Ensemble(models)


class Ensemble(ModelAdapter):
    """The mean of several models (Lakshminarayanan et al. 2017).

    Its variance is that of the mixture of theirs, in two parts: the mean of their aleatoric variances, and, as
    epistemic variance, the variance of their means plus the mean of their own epistemic variances. Its quantiles are
    the means of theirs, level by level (Vincent, Psychol. Monogr. 14(5), 1912; Ratcliff, Psychol. Bull. 86:446, 1979).

    Parameters
    ----------
    members
        Unfitted models.
    """

    trainable = True

    def __init__(self, members: list[ModelAdapter]) -> None:
        self._members = members
        self.needs = members[0].needs
        self.quantile_levels = declared_levels(members[0])

    def fit(self, train: SequenceBatch, calibration: SequenceBatch, context: RunContext) -> None:
        """Fit every member on all of `train`, each with a seed of its own."""
        n = len(self._members)
        for number, member in enumerate(self._members):
            seed = int(context.rng(f"member {number}").integers(2**31))
            member.fit(
                train,
                calibration,
                replace(context, seed=seed, progress=lambda share, done=number: context.progress((done + share) / n)),
            )

    def predict(self, batch: SequenceBatch, context: RunContext) -> Prediction:
        """Mean, variance in its two parts, and quantiles where the members have them."""
        found = [member.predict(batch, context) for member in self._members]
        means = np.stack([one.mean for one in found]).astype(np.float64)
        epistemic = means.var(axis=0)
        if all(one.epistemic_variance is not None for one in found):
            epistemic += np.mean([one.epistemic_variance for one in found], axis=0, dtype=np.float64)
        aleatoric = None
        if all(one.aleatoric_variance is not None for one in found):
            aleatoric = np.mean([one.aleatoric_variance for one in found], axis=0, dtype=np.float64).astype(np.float32)
        quantiles = None
        if self.quantile_levels:
            quantiles = np.mean([one.quantiles for one in found], axis=0, dtype=np.float64).astype(np.float32)
        return Prediction(
            means.mean(axis=0).astype(np.float32),
            aleatoric_variance=aleatoric,
            epistemic_variance=epistemic.astype(np.float32),
            quantiles=quantiles,
            quantile_levels=self.quantile_levels,
        )

    def save(self, folder: Path) -> None:
        """Write every member into a folder of its own."""
        for number, member in enumerate(self._members):
            (folder / str(number)).mkdir()
            member.save(folder / str(number))

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        for number, member in enumerate(self._members):
            member.load(folder / str(number))

    def execution(self) -> Mapping[str, str]:
        """What the members ran on."""
        return {**self._members[0].execution(), "members": str(len(self._members))}
