"""The model ``variant_effect``: what another model predicts of a variant less what it predicts of the reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import regharness as rh
from regharness import InputError, Prediction, RunContext, SequenceBatch
from regharness.errors import CellError
from regharness.interfaces import ALPHABET, ModelAdapter
from regharness_mpra.parameters import ModelUse

COVARIATES = ("offset", "ref", "alt")
DELETED = "-"


class VariantEffect(ModelAdapter):
    """Make a predictor of variant effects of any model of activity.

    The mean is that of the sequence with the variant less that of the same sequence with the reference base in its
    place, so what the model knows of the element alone cancels. A deleted base is put back before its place, and the
    last position dropped, which is padding. A model that learns is fitted to the effects as they are. Variances and
    quantiles are left out: those of a difference do not follow from those of its parts. An uncertainty method around
    this model gives some.

    Parameters
    ----------
    model
        The model inside, ``{use: NAME, with: {...}}``. It sees sequences and no covariates when it predicts.

    Raises
    ------
    InputError
        When the model needs the truth, which no reference has.
    """

    def __init__(self, model: ModelUse) -> None:
        self._inner = rh.model(model.use, **model.with_)
        if "truth" in self._inner.needs:
            raise InputError(f"variant_effect: '{model.use}' needs the truth, and a reference sequence has none")
        self.trainable = self._inner.trainable
        self.needs = self._inner.needs

    def fit(self, train: SequenceBatch, calibration: SequenceBatch, context: RunContext) -> None:
        """Fit the model inside to the effects."""
        self._inner.fit(train, calibration, context)

    def predict(self, batch: SequenceBatch, context: RunContext) -> Prediction:
        """Predict variants, and each reference once."""
        seen = replace(batch.inputs(), covariates={})
        codes, first, which = np.unique(references(batch), axis=0, return_index=True, return_inverse=True)
        before = self._inner.predict(replace(seen.select(first), sequence=codes), context).mean
        return Prediction(self._inner.predict(seen, context).mean - before[which.reshape(-1)])

    def save(self, folder: Path) -> None:
        """Write what the model inside learnt."""
        self._inner.save(folder)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        self._inner.load(folder)

    def execution(self) -> Mapping[str, str]:
        """What the model inside ran on."""
        return self._inner.execution()


def references(batch: SequenceBatch) -> NDArray[np.uint8]:
    """``(example, position)`` codes of the sequences without their variants.

    Raises
    ------
    CellError
        When the batch does not say where its variants are, or most are not where it says.
    """
    lacking = [name for name in COVARIATES if name not in batch.covariates]
    if lacking:
        raise CellError(f"variant_effect needs the covariates {', '.join(COVARIATES)}; there is no {lacking[0]}")
    offset, ref, alt = (batch.covariates[name] for name in COVARIATES)
    rows, deleted = np.arange(len(batch)), alt == DELETED
    code = {letter: index for index, letter in enumerate(ALPHABET)} | {DELETED: ALPHABET.index("N")}
    found, stated = batch.sequence[rows, offset], np.array([code[letter] for letter in alt.tolist()], np.uint8)
    elsewhere = ~deleted & (found != stated) & (found != ALPHABET.index("N"))
    if 2 * elsewhere.sum() > len(batch):
        raise CellError(
            f"{elsewhere.sum()} of {len(batch)} variants are not where 'offset' says: the shift has moved them"
        )
    whole = batch.sequence.copy()
    for row in np.flatnonzero(deleted):
        whole[row, offset[row] + 1 :] = batch.sequence[row, offset[row] : -1]
    whole[rows, offset] = [code[letter] for letter in ref.tolist()]
    return whole
