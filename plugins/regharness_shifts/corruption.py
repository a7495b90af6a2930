"""Shift by changing the input sequence and keeping its label. Chooses no example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from regharness import DataInfo, Dataset, InputError, SequenceBatch
from regharness.graded import GradedShift
from regharness.interfaces import ALPHABET, ShiftOperator
from regharness.sequences import N, gc_content

COMPLEMENT = np.array([3, 2, 1, 0, N], np.uint8)
TRUSEQ = "AGATCGGAAGAGCACACGTCTGAACTCCAGTCACATCACGATCTCGTATGCCGTCTTCTGCTTG"
"""Illumina TruSeq adapter with index 1, as a read runs into it; (c) Illumina, Inc., document 1000000002694."""

Codes = NDArray[np.uint8]
Fill = Literal["N", "random"]


class InputShift(GradedShift):
    """Change the test sequences by a number and keep their labels."""

    shift_type = "input"
    label_preserving = True
    by_block = True

    def corrupted(self, sequence: Codes, level: float, rng: np.random.Generator) -> Codes:
        """The changed sequences, of the same shape."""
        raise NotImplementedError

    def shifted(self, dataset: Dataset, level: float, rng: np.random.Generator) -> Dataset:
        """Change the test sequences."""
        return replace(dataset, test=with_sequence(dataset.test, self.corrupted(dataset.test.sequence, level, rng)))


class StretchShift(InputShift):
    """An input shift whose strength is a number of bp, which must be fewer than a sequence has."""

    level_range: ClassVar = (1.0, 100_000.0)

    def __init__(self, levels: Sequence[float] | None = None) -> None:
        super().__init__(levels)
        odd = [level for level in self.levels if level != int(level)]
        if odd:
            raise InputError(f"levels: {odd[0]:g} is no whole number of bp")

    def check(self, info: DataInfo) -> None:
        """Refuse a stretch that leaves nothing of the sequence."""
        for severity in self.severities:
            _refuse_whole(self.levels[severity - 1], info.length)

    def shifted(self, dataset: Dataset, level: float, rng: np.random.Generator) -> Dataset:
        """Change the test sequences; `InputError` when nothing of them would be left."""
        _refuse_whole(level, dataset.test.sequence.shape[1])
        return super().shifted(dataset, level, rng)


class ReverseComplement(ShiftOperator):
    """Give each sequence as its other strand, with the label kept.

    Enhancers act in either orientation, so their label is meant to hold; promoters are directional, and for
    them the label is kept only as an approximation. One severity. N stays N.
    """

    severities = (1,)
    shift_type = "input"
    label_preserving = True
    by_block = True

    def apply(self, dataset: Dataset, severity: int, rng: np.random.Generator) -> SequenceBatch:
        """Reverse and complement every sequence; at severity 0 it is the test set."""
        if severity == 0:
            return dataset.test
        return replace(dataset.test, sequence=np.ascontiguousarray(COMPLEMENT[dataset.test.sequence[:, ::-1]]))


class SequencingError(InputShift):
    """Misread bases at random, with labels kept.

    A base is read as one of the three others, all as likely; severities go from a good short-read run to a
    poor long-read one. N is never misread. The covariate ``gc_content``, where there is one, follows.
    """

    levels = (0.001, 0.005, 0.02, 0.05, 0.1)
    level_meaning = "probability of misreading a base"
    level_range: ClassVar = (0.0, 1.0)

    def corrupted(self, sequence: Codes, level: float, rng: np.random.Generator) -> Codes:
        """Misread bases."""
        misread = (rng.random(sequence.shape) < level) & (sequence != N)
        # One, two or three bases further round the alphabet: never the same base.
        other = (sequence + rng.integers(1, 4, sequence.shape)) % 4
        return np.where(misread, other, sequence).astype(np.uint8)


class WindowOffset(StretchShift):
    """Cut every sequence from a window that is a little to the left or right, with labels kept.

    Either side is as likely. What comes in from outside is not known: it is N, or random bases of the
    sequence's own composition.

    Parameters
    ----------
    fill
        ``"N"`` or ``"random"``.
    """

    levels = (5.0, 15.0, 30.0, 60.0, 100.0)
    level_meaning = "bp that the window is off by"

    def __init__(self, fill: Fill = "N", levels: Sequence[float] | None = None) -> None:
        super().__init__(levels)
        self.fill = fill

    def corrupted(self, sequence: Codes, level: float, rng: np.random.Generator) -> Codes:
        """Move the window."""
        off = int(level)
        left = rng.random(len(sequence)) < 0.5
        moved = _filler(sequence, self.fill, rng)
        moved[left, off:] = sequence[left, :-off]
        moved[~left, :-off] = sequence[~left, off:]
        return moved


class AdapterContamination(StretchShift):
    """Let the end of every sequence read into the sequencing adapter, with labels kept.

    Parameters
    ----------
    adapter
        Its sequence, A C G T; the Illumina TruSeq adapter if left out. Its first bases replace the sequence's
        last ones.
    """

    levels = (5.0, 10.0, 15.0, 30.0, 60.0)
    level_meaning = "bp of adapter at the end"

    def __init__(self, adapter: str = TRUSEQ, levels: Sequence[float] | None = None) -> None:
        super().__init__(levels)
        self._codes = np.array([ALPHABET.index(base) for base in adapter], np.uint8)
        if max(self.levels) > len(adapter):
            raise InputError(
                f"the adapter has {len(adapter)} bp, and the strongest severity needs {max(self.levels):g}",
                help="give a longer adapter, or smaller levels",
            )

    def corrupted(self, sequence: Codes, level: float, rng: np.random.Generator) -> Codes:
        """Write the adapter over the end."""
        read = sequence.copy()
        read[:, -int(level) :] = self._codes[: int(level)]
        return read


class BlockMask(StretchShift):
    """Hide a stretch of every sequence, with labels kept.

    The stretch lies anywhere in the sequence, all places being as likely.

    Parameters
    ----------
    fill
        ``"N"``, or ``"random"`` bases of the sequence's own composition.
    """

    levels = (5.0, 10.0, 20.0, 40.0, 80.0)
    level_meaning = "bp that are hidden"

    def __init__(self, fill: Fill = "N", levels: Sequence[float] | None = None) -> None:
        super().__init__(levels)
        self.fill = fill

    def corrupted(self, sequence: Codes, level: float, rng: np.random.Generator) -> Codes:
        """Hide a stretch."""
        n, length = sequence.shape
        start = rng.integers(0, length - int(level) + 1, n)[:, None]
        place = np.arange(length)
        hidden = (place >= start) & (place < start + int(level))
        return np.where(hidden, _filler(sequence, self.fill, rng), sequence).astype(np.uint8)


def _refuse_whole(stretch: float, length: int) -> None:
    if stretch >= length:
        raise InputError(
            f"a stretch of {stretch:g} bp leaves nothing of sequences of {length} bp",
            help="ask for milder severities, or give 'levels' of your own",
        )


def with_sequence(batch: SequenceBatch, sequence: Codes) -> SequenceBatch:
    """A batch with other sequences; the covariate ``gc_content``, where there is one, follows those that change."""
    covariates = dict(batch.covariates)
    if "gc_content" in covariates:
        changed = (sequence != batch.sequence).any(axis=1)
        covariates["gc_content"] = covariates["gc_content"].copy()
        covariates["gc_content"][changed] = gc_content(sequence[changed])
    return replace(batch, sequence=sequence, covariates=covariates)


def _filler(sequence: Codes, fill: Fill, rng: np.random.Generator) -> Codes:
    """N, or bases drawn from each sequence's own."""
    if fill == "N":
        return np.full(sequence.shape, N, np.uint8)
    chosen = rng.integers(0, sequence.shape[1], sequence.shape)
    return np.take_along_axis(sequence, chosen, axis=1)
