"""Distil an ensemble: one network learns what the ensemble says, variances included. Knows no kind of model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from regharness import InputError, Prediction, RunContext, SequenceBatch
from regharness.errors import CellError
from regharness.interfaces import ModelAdapter, UncertaintyMethod
from regharness.sequences import gc_content
from regharness_uncertainty.ensemble import Ensemble
from regharness_uncertainty.wrapping import Values, Wrapped

VARIANCES = ("aleatoric_variance", "epistemic_variance")
LEAST = 1e-6
"""Share of the mean variance below which a variance counts as no smaller, so that its logarithm is finite."""


class EnsembleDistillation(UncertaintyMethod):
    """Fit an ensemble, then one model that predicts what the ensemble predicts.

    Parameters
    ----------
    members
        Models in the ensemble.
    extra
        Mutated copies of every training sequence that the ensemble labels, beside the sequence itself.
    mutation_rate
        Share of a copy's bases that are drawn again.
    """

    def __init__(self, members: int, extra: int, mutation_rate: float) -> None:
        self.members, self.extra, self.mutation_rate = members, extra, mutation_rate

    def wrap(self, make: Callable[[], ModelAdapter]) -> ModelAdapter:
        """Make the student; the members of the ensemble are made when it is fitted."""
        student = make()
        if not student.trainable:
            raise InputError(
                "ensemble_distillation needs a model that is trained: copies of one that comes fitted are all alike"
            )
        if student.needs:
            raise InputError(
                f"ensemble_distillation teaches sequences that nobody measured, and {type(student).__name__} needs "
                f"{', '.join(sorted(student.needs))}",
                help="deep_ensemble takes it",
            )
        return DistilledModel(student, lambda: [make() for _ in range(self.members)], self.extra, self.mutation_rate)


class DistilledModel(Wrapped):
    """One model that has learnt an ensemble's mean and the logarithms of its variances.

    After Malinin, Mlodozeniec & Gales (ICLR 2020) and, for networks of DNA, Zhou et al. (DEGU, bioRxiv
    2024.11.13.623485). The ensemble is fitted on the training set; the student, of the same kind, learns with three
    outputs for each of the task's: the ensemble's mean, log aleatoric and log epistemic variance, of the training
    sequences and of mutated copies of them, whose measurements nobody knows. It stops early, if it does, by what the
    ensemble says of the calibration sequences. Where members have no aleatoric variance, that part is left out. What
    the student says of its own variance tells how well it follows the ensemble, and is left out too.

    A mean of logarithms falls short of the logarithm of the mean, so each variance is multiplied by a factor, of each
    output, that makes its mean on the calibration sequences that of the ensemble (Duan, JASA 78:605, 1983). No
    measurement of the calibration split is used but by the members themselves.

    Fitting costs that of the members and of one more model on ``1 + extra`` training sets; stored are the student and
    the factors alone, and predicting costs as much as with one model.

    Parameters
    ----------
    student
        Unfitted model.
    make_members
        Makes the unfitted members.
    extra, mutation_rate
        As of `EnsembleDistillation`.
    """

    file = "ensemble_distillation.safetensors"
    unchanged = ()

    def __init__(
        self,
        student: ModelAdapter,
        make_members: Callable[[], list[ModelAdapter]],
        extra: int,
        mutation_rate: float,
    ) -> None:
        super().__init__(student)
        self._make_members, self._extra, self._rate = make_members, extra, mutation_rate

    def fit(self, train: SequenceBatch, calibration: SequenceBatch, context: RunContext) -> None:
        """Fit the ensemble, let it label sequences, and fit the student on them."""
        members = self._make_members()
        work = len(members) + 1 + self._extra
        teacher = Ensemble(members)
        taught = len(members) / work
        teacher.fit(train, calibration, replace(context, progress=lambda share: context.progress(share * taught)))
        rng = context.rng("mutated copies")
        copies = [_mutated(train, number, self._rate, rng) for number in range(1, self._extra + 1)]
        batch = _joined([train.inputs(), *copies])
        labels = teacher.predict(batch, context)
        held = teacher.predict(calibration.inputs(), context)
        seed = int(context.rng("student").integers(2**31))
        self._inner.fit(
            _labelled(batch, labels),
            _labelled(calibration.inputs(), held),
            replace(context, seed=seed, progress=lambda share: context.progress(taught + share * (1.0 - taught))),
        )
        self._learnt = {name: np.ones(len(train.outputs)) for name in _given(labels)}
        found = self.predict(calibration.inputs(), context)
        self._learnt = {
            name: getattr(held, name).mean(axis=0, dtype=np.float64)
            / getattr(found, name).mean(axis=0, dtype=np.float64)
            for name in self._learnt
        }

    def predict(self, batch: SequenceBatch, context: RunContext) -> Prediction:
        """What the student says the ensemble would."""
        parts = [name for name in VARIANCES if name in self._learnt]
        asked = replace(batch.inputs(), outputs=_names(batch.outputs, parts))
        found = np.split(self._inner.predict(asked, context).mean, 1 + len(parts), axis=1)
        variances = {
            name: (np.exp(log.astype(np.float64)) * self._learnt[name]).astype(np.float32)
            for name, log in zip(parts, found[1:], strict=True)
        }
        return Prediction(found[0], **variances)


def _given(prediction: Prediction) -> list[str]:
    return [name for name in VARIANCES if getattr(prediction, name) is not None]


def _names(outputs: tuple[str, ...], parts: list[str]) -> tuple[str, ...]:
    """Of the student's outputs, by part and then by output."""
    return tuple(f"{part} of {output}" for part in ("mean", *(f"log {name}" for name in parts)) for output in outputs)


def _labelled(batch: SequenceBatch, prediction: Prediction) -> SequenceBatch:
    """Examples whose target is what the ensemble says: mean and log variances, side by side."""
    parts = _given(prediction)
    target = [prediction.mean, *(_log(getattr(prediction, name), name, batch.outputs) for name in parts)]
    return replace(batch, outputs=_names(batch.outputs, parts), target=np.concatenate(target, axis=1))


def _log(variance: NDArray[np.float32], name: str, outputs: tuple[str, ...]) -> NDArray[np.float32]:
    least = LEAST * variance.mean(axis=0, dtype=np.float64)
    for output, level in zip(outputs, least, strict=True):
        if not level > 0:
            raise CellError(f"the {name.replace('_', ' ')} of {output} is zero throughout: the members are all alike")
    logarithm: Values = np.log(np.maximum(variance, least))
    return logarithm.astype(np.float32)


def _mutated(batch: SequenceBatch, number: int, rate: float, rng: np.random.Generator) -> SequenceBatch:
    """A copy of the examples in which a share of the known bases is another one, uniformly drawn."""
    sequence = batch.sequence
    step = rng.integers(1, 4, sequence.shape, dtype=np.uint8)
    hit = (rng.random(sequence.shape, dtype=np.float32) < rate) & (sequence < 4)
    changed = np.where(hit, (sequence + step) % 4, sequence).astype(np.uint8)
    covariates = dict(batch.covariates)
    if "gc_content" in covariates:
        covariates["gc_content"] = gc_content(changed)
    ids = np.array([f"{name}~mutated{number}" for name in batch.ids])
    return replace(batch.inputs(), ids=ids, sequence=changed, covariates=covariates)


def _joined(batches: list[SequenceBatch]) -> SequenceBatch:
    """One batch after the other; none has targets."""
    covariates = {name: np.concatenate([one.covariates[name] for one in batches]) for name in batches[0].covariates}
    return replace(
        batches[0],
        ids=np.concatenate([one.ids for one in batches]),
        sequence=np.concatenate([one.sequence for one in batches]),
        covariates=covariates,
        effective_size=None,
    )
