"""Shift by changing the input sequence and keeping its label. Chooses no example."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from regharness import Dataset, SequenceBatch
from regharness.interfaces import ShiftOperator
from regharness.sequences import N, gc_content

COMPLEMENT = np.array([3, 2, 1, 0, N], np.uint8)


class ReverseComplement(ShiftOperator):
    """Give each sequence as its other strand, with the label kept.

    Enhancers act in either orientation, so their label is meant to hold; promoters are directional, and for
    them the label is kept only as an approximation. One severity. N stays N.
    """

    severities = (1,)
    shift_type = "input"

    def apply(self, dataset: Dataset, severity: int, rng: np.random.Generator) -> SequenceBatch:
        """Reverse and complement every sequence."""
        return replace(dataset.test, sequence=np.ascontiguousarray(COMPLEMENT[dataset.test.sequence[:, ::-1]]))


class SequencingError(ShiftOperator):
    """Misread bases at random, with labels kept.

    Severity 1-5 substitutes each base by one of the three others with probability .001 .005 .02 .05 .1, from
    a good short-read run to a poor long-read one. N is never misread. The covariate ``gc_content``, where there
    is one, follows the sequences that change.
    """

    shift_type = "input"
    rates = (0.001, 0.005, 0.02, 0.05, 0.1)

    def apply(self, dataset: Dataset, severity: int, rng: np.random.Generator) -> SequenceBatch:
        """Misread the test sequences."""
        test = dataset.test
        misread = (rng.random(test.sequence.shape) < self.rates[severity - 1]) & (test.sequence != N)
        # One, two or three bases further round the alphabet: never the same base.
        other = (test.sequence + rng.integers(1, 4, test.sequence.shape)) % 4
        sequence = np.where(misread, other, test.sequence).astype(np.uint8)
        covariates = dict(test.covariates)
        if "gc_content" in covariates:
            changed = misread.any(axis=1)
            covariates["gc_content"] = covariates["gc_content"].copy()
            covariates["gc_content"][changed] = gc_content(sequence[changed])
        return replace(test, sequence=sequence, covariates=covariates)
