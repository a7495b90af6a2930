"""Train a network of any framework: epochs, schedule, which weights are kept. Computes no gradient."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import numpy as np
from numpy.typing import NDArray

from regharness.errors import CellError
from regharness_reference.batches import Batches, TrainingBatch
from regharness_reference.parameters import ReferenceParameters

Weights = Mapping[str, NDArray[np.generic]]
Codes = NDArray[np.uint8]
Floats = NDArray[np.float32]

INFERENCE_BATCH = 256
"""Fastest for small networks on a CPU core, and the same for every caller, so that bits do not depend on it."""
WARM_UP = 0.2
FIRST, LAST = 1 / 25, 1 / 250_000
"""Share of the time of the one-cycle schedule in which the rate rises, and shares of its peak at the two ends."""


class Learner:
    """A network of one framework on a device, with its optimiser.

    Features are standardised. `values`, `drawn` and `hidden` compute in batches of `INFERENCE_BATCH`.

    Attributes
    ----------
    execution
        What runs it, for provenance.
    """

    execution: Mapping[str, str]

    @abstractmethod
    def training(self) -> AbstractContextManager[None]:
        """Around all steps: seeds what is random in them, and puts global state back."""

    @abstractmethod
    def step(self, batch: TrainingBatch, rate: float) -> float:
        """Take one step at a learning rate and give the loss."""

    @abstractmethod
    def values(self, sequence: Codes, features: Floats) -> Floats:
        """What the head gives: ``(example, output, value)``."""

    @abstractmethod
    def drawn(self, sequence: Codes, features: Floats, rng: np.random.Generator) -> Floats:
        """The same of a network in which units are dropped, the same ones for every example."""

    @abstractmethod
    def hidden(self, sequence: Codes, features: Floats) -> Floats:
        """What the head's mean is linear in: ``(example, feature)``."""

    @abstractmethod
    def weights(self) -> dict[str, NDArray[np.generic]]:
        """A copy of all that was learnt, by name."""

    @abstractmethod
    def restore(self, weights: Weights) -> None:
        """Take weights back."""


def fit_network(
    learner: Learner,
    batches: Batches,
    judge: Callable[[], float],
    p: ReferenceParameters,
    rng: np.random.Generator,
    progress: Callable[[float], None],
) -> None:
    """Fit `learner`, and keep the weights of the epoch that `judge` gives the least loss.

    Raises
    ------
    CellError
        When the loss is no longer a number.
    """
    best, kept, since = np.inf, None, 0
    total = p.epochs * batches.steps
    done = 0
    with learner.training():
        for epoch in range(p.epochs):
            for batch in batches.epoch(epoch, rng):
                loss = learner.step(batch, learning_rate(p, done, total))
                if not np.isfinite(loss):
                    raise CellError(f"the loss became {loss} in epoch {epoch + 1}; try a lower learning_rate")
                done += 1
                progress(done / total)
            judged = judge()
            since += 1
            if judged < best:
                best, kept, since = judged, learner.weights(), 0
            if p.patience is not None and since >= p.patience:
                break
    if kept is None:
        raise CellError("the network gives no number for the calibration split; try a lower learning_rate")
    learner.restore(kept)
    progress(1.0)


def learning_rate(p: ReferenceParameters, step: int, total: int) -> float:
    """Rate of a step; cosines between peak and ends (Smith & Topin 2017 for the cycle; Loshchilov & Hutter 2017)."""
    if p.schedule == "constant":
        return p.learning_rate
    share = step / max(total - 1, 1)
    rise = WARM_UP if p.schedule == "one_cycle" else 0.0
    if share < rise:
        return p.learning_rate * _between(FIRST, 1.0, share / rise)
    return p.learning_rate * _between(1.0, LAST, (share - rise) / (1.0 - rise))


def _between(one: float, other: float, share: float) -> float:
    return float(other + (one - other) * 0.5 * (1.0 + np.cos(np.pi * share)))
