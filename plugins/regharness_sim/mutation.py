"""Shift by changing the sequences there are, labelled by the same mechanism: covariate shifts. Draws no new ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from regharness import Dataset
from regharness.graded import GradedShift
from regharness.sequences import N, gc_content


class RelabelledShift(GradedShift):
    """Change the test sequences and label what comes out by the same mechanism."""

    shift_type = "covariate"
    needs = frozenset({"mechanism"})

    def mutated(self, sequence: NDArray[np.uint8], level: float, rng: np.random.Generator) -> NDArray[np.uint8]:
        """The changed sequences."""
        raise NotImplementedError

    def shifted(self, dataset: Dataset, level: float, rng: np.random.Generator) -> Dataset:
        """Change and label the test set."""
        test = dataset.test
        sequence = self.mutated(test.sequence, level, rng)
        covariates = {**test.covariates, "gc_content": gc_content(sequence)}
        # What was planted is no longer where it was.
        covariates.pop("n_planted", None)
        batch = replace(test, sequence=sequence, covariates=covariates)
        return replace(dataset, test=dataset.mechanism.label(batch, rng))


class EvolutionaryTurnover(RelabelledShift):
    """Let the test sequences evolve neutrally, and label what they have become.

    Covariate shift, as between orthologues: substitutions follow the model of Hasegawa, Kishino & Yano (J. Mol.
    Evol. 22:160, 1985) with the test set's own base frequencies. Neutral change weakens motifs, so the SD of
    activity shrinks with it: read correlation and normalised error beside the squared error.

    Parameters
    ----------
    kappa
        Rate of transitions over that of transversions.
    """

    levels = (0.02, 0.05, 0.1, 0.2, 0.4)
    level_meaning = "expected substitutions a site"
    level_range: ClassVar = (0.0, 5.0)

    def __init__(self, kappa: float = 4.0, levels: Sequence[float] | None = None) -> None:
        super().__init__(levels)
        self.kappa = kappa

    def mutated(self, sequence: NDArray[np.uint8], level: float, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Substitute bases."""
        frequencies = np.bincount(sequence.ravel(), minlength=5)[:4] + 1.0
        bounds = np.cumsum(hky(frequencies / frequencies.sum(), self.kappa, level), axis=1)
        drawn = (rng.random(sequence.shape, dtype=np.float32)[..., None] >= bounds[np.minimum(sequence, 3), :3]).sum(-1)
        return np.where(sequence == N, N, drawn).astype(np.uint8)


class Indels(RelabelledShift):
    """Insert and delete short stretches, and label what the sequences have become.

    Covariate shift. Insertions and deletions are equally frequent, of geometric length; inserted bases follow
    the test set's base frequencies. Length is kept: what no longer fits is cut off at the end, and what is
    missing there is drawn like an insertion.

    Parameters
    ----------
    mean_length
        Mean length of an indel, bp.
    """

    levels = (0.5, 1.0, 2.0, 4.0, 8.0)
    level_meaning = "mean number of indels a sequence"
    level_range: ClassVar = (0.0, 100.0)

    def __init__(self, mean_length: float = 3.0, levels: Sequence[float] | None = None) -> None:
        super().__init__(levels)
        self.mean_length = mean_length

    def mutated(self, sequence: NDArray[np.uint8], level: float, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Insert and delete."""
        n, length = sequence.shape
        frequencies = np.bincount(sequence.ravel(), minlength=5)[:4] + 1.0
        events = rng.poisson(level, n)
        places = rng.integers(0, length, (n, max(int(events.max()), 1)))
        sizes = rng.geometric(1.0 / self.mean_length, places.shape)
        sizes[rng.random(places.shape) < 0.5] *= -1
        filler = rng.choice(4, (n, length), p=frequencies / frequencies.sum()).astype(np.uint8)
        return _edited(sequence, events, np.sort(places, axis=1), sizes, filler)


def hky(frequencies: NDArray[np.float64], kappa: float, distance: float) -> NDArray[np.float64]:
    """Substitution probabilities ``(from, to)`` of HKY85 over `distance` expected substitutions a site."""
    rates = np.tile(frequencies, (4, 1))
    for one, two in ((0, 2), (1, 3)):
        rates[one, two] *= kappa
        rates[two, one] *= kappa
    np.fill_diagonal(rates, 0.0)
    np.fill_diagonal(rates, -rates.sum(axis=1))
    probabilities: NDArray[np.float64] = expm(rates * distance / -(frequencies @ np.diag(rates)))
    return probabilities


@numba.njit(cache=True, nogil=True)
def _edited(sequence, events, places, sizes, filler):  # type: ignore[no-untyped-def]
    n, length = sequence.shape
    result = np.empty_like(sequence)
    for i in range(n):
        out, read, spare, event = 0, 0, 0, 0
        while out < length:
            if event < events[i] and read >= places[i, event]:
                size = sizes[i, event]
                event += 1
                if size < 0:
                    read -= size
                    continue
                for _ in range(min(size, length - out)):
                    result[i, out] = filler[i, spare]
                    spare += 1
                    out += 1
                continue
            if read < length:
                result[i, out] = sequence[i, read]
                read += 1
            else:
                result[i, out] = filler[i, spare]
                spare += 1
            out += 1
    return result
