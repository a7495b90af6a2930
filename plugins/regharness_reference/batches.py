"""Own what a training step is given: which examples, on which strand, how much they count. Knows no framework."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regharness import SequenceBatch
from regharness.errors import CellError
from regharness.sequences import gc_content
from regharness_reference.augmentation import evolved, on_random_strands
from regharness_reference.parameters import ReferenceParameters
from regharness_reference.scales import Scales

Floats = NDArray[np.float32]

STEPS, LEAST_BATCH, LARGEST_BATCH = 64, 8, 64
"""Steps that an epoch has at least while batches can be made smaller for it, and how small and large they get.

In batches of 64, 8 epochs of 500 examples are 64 steps, after which a network has hardly begun to learn.
"""


@dataclass(frozen=True)
class TrainingBatch:
    """Examples of a training step.

    Attributes
    ----------
    sequence
        ``(example, position)`` uint8 codes.
    features, target
        ``(example, feature)`` and ``(example, output)`` float32, standardised.
    weight
        ``(example, output)`` float32 with a mean of one over the training set: how much each error counts for the
        mean. None where all count alike.
    group
        ``(example,)`` int64, of those that robust training tells apart by example; None where it does not.
    """

    sequence: NDArray[np.uint8]
    features: Floats
    target: Floats
    weight: Floats | None
    group: NDArray[np.int64] | None


class Batches:
    """The training examples, batch by batch.

    Parameters
    ----------
    train
        With targets.
    features
        ``(example, feature)`` float32, standardised.
    scales
        Of the targets.
    p
        What decides order and augmentation.

    Raises
    ------
    CellError
        Where robust training finds one group alone, or noise-aware training no noise variance.
    """

    def __init__(self, train: SequenceBatch, features: Floats, scales: Scales, p: ReferenceParameters) -> None:
        assert train.target is not None
        self._sequence, self._features, self._p = train.sequence, features, p
        self._target = scales.targets(train.target)
        self._weight = _noise_weights(train) if p.noise_aware else None
        self._group = _groups(train, p)
        self._size = p.batch_size or int(np.clip(len(train) // STEPS, LEAST_BATCH, LARGEST_BATCH))
        self.steps = -(-len(train) // self._size)

    def epoch(self, number: int, rng: np.random.Generator) -> Iterator[TrainingBatch]:
        """All examples once, in random order."""
        size, p = self._size, self._p
        order = rng.permutation(len(self._sequence))
        changed = p.evolution is not None and number < round(p.epochs * (1.0 - p.evolution.fine_tuning))
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            sequence = self._sequence[rows]
            if changed and p.evolution is not None:
                sequence = evolved(sequence, p.evolution, rng)
            if p.reverse_complement:
                sequence = on_random_strands(sequence, rng)
            yield TrainingBatch(
                sequence,
                self._features[rows],
                self._target[rows],
                None if self._weight is None else self._weight[rows],
                None if self._group is None else self._group[rows],
            )


def _noise_weights(train: SequenceBatch) -> Floats:
    """Weights of weighted least squares (Aitken 1936), tempered: none is above twice that of the median example.

    With measurement variance v, and a variance of all else about as large as the median of v, an error's weight is
    ``1 / (v + median(v))``, here scaled to a mean of one. A variance that is not known counts as the median.
    """
    if train.noise_variance is None or np.isnan(train.noise_variance).all(axis=0).any():
        raise CellError("noise_aware needs the noise variance of every output, and the data do not have it")
    noise = train.noise_variance.astype(np.float64)
    middle = np.nanmedian(noise, axis=0)
    noise = np.where(np.isnan(noise), middle, noise)
    weight = 1.0 / (np.where(middle > 0, middle, 1.0) + noise)
    return (weight / weight.mean(axis=0)).astype(np.float32)


def _groups(train: SequenceBatch, p: ReferenceParameters) -> NDArray[np.int64] | None:
    """Group of each example by GC content; None without robust training, and where groups are outputs."""
    if p.robust is None:
        return None
    if p.robust.groups == "cell_type":
        if len(train.outputs) < 2:
            raise CellError("robust training over cell types needs two outputs or more; groups: gc_content does not")
        return None
    gc = np.nan_to_num(gc_content(train.sequence), nan=0.5)
    bins = p.robust.number(len(train.outputs))
    edges = np.unique(np.quantile(gc, np.arange(1, bins) / bins))
    group = np.searchsorted(edges, gc, side="right")
    if len(np.unique(group)) < 2:
        raise CellError("robust training over GC content needs sequences that differ in it")
    return group.astype(np.int64)
