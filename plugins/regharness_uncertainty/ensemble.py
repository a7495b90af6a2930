"""Deep ensembles: several models of one kind, and how much they disagree. Knows no kind of model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from regharness import InputError, Prediction, RunContext, SequenceBatch
from regharness.interfaces import ModelAdapter, UncertaintyMethod
from regharness.quantiles import declared_levels
from regharness_uncertainty.mixture import mixed


class DeepEnsemble(UncertaintyMethod):
    """Fit several models that differ in their seeds, and average them.

    Epistemic variance is what the members disagree on. What none of them has learnt yet, they agree on: it is part of
    the error, and so of the aleatoric variance that they learn, which then falls with more training data as well.

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
    """The `mixture` of several models (Lakshminarayanan et al. 2017).

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
        return mixed(batch, lambda part: [member.predict(part, context) for member in self._members])

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
