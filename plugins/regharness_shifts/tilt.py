"""Shift by weighing examples by a covariate. Changes no sequence and no label."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from regharness import DataInfo, Dataset, InputError, SequenceBatch
from regharness.errors import unknown_name
from regharness.graded import GradedShift
from regharness.resampling import LEAST_EFFECTIVE, resampled
from regharness.sequences import cpg_ratio, gc_content
from regharness_motifs.library import load_motifs
from regharness_motifs.scanning import occupancy_features

Numbers = NDArray[np.float64]


class Tilt(GradedShift):
    """Resample the test examples with weights ``exp(lambda z)``, z a score of mean 0 and SD 1.

    Importance weighting (Shimodaira, J. Stat. Plan. Inference 90:227, 2000). Where the score is normal, its mean
    moves by lambda and n examples are worth ``n exp(-lambda^2)``.
    """

    shift_type = "covariate"
    label_preserving = True
    levels = (0.25, 0.5, 1.0, 1.5, 2.0)
    level_range: ClassVar = (0.0, 5.0)
    name: ClassVar[str]

    def __init__(
        self,
        direction: Literal["up", "down"] = "up",
        least_effective_size: float = LEAST_EFFECTIVE,
        levels: Sequence[float] | None = None,
    ) -> None:
        super().__init__(levels)
        self.direction, self.least = direction, least_effective_size

    @abstractmethod
    def score(self, batch: SequenceBatch) -> Numbers:
        """What is tilted, ``(example,)``; NaN where an example has none."""

    def check(self, info: DataInfo) -> None:
        """Refuse severities at which too little would be left of the test set."""
        for severity in self.severities:
            level = self.levels[severity - 1]
            worth = info.sizes["test"] * np.exp(-(level**2))
            if worth < self.least:
                needed = int(np.ceil(self.least * np.exp(level**2)))
                raise InputError(
                    f"{self.name}@{severity} would leave {info.sizes['test']:,} test examples worth about {worth:.1f}, "
                    f"below the floor of {self.least:g}",
                    help=f"give {needed:,} test examples, milder severities, or another least_effective_size",
                )

    def shifted(self, dataset: Dataset, level: float, rng: np.random.Generator) -> Dataset:
        """Resample the test set."""
        # An example without a score weighs as one of the mean.
        z = np.nan_to_num(self.score(dataset.test))
        sign = 1.0 if self.direction == "up" else -1.0
        return replace(dataset, test=resampled(dataset.test, sign * level * z, rng, least=self.least))


class GCTilt(Tilt):
    """Resample the test examples so that GC content is tilted: weights ``exp(lambda z)``, z standardised GC.

    Covariate shift on any data, by importance weighting (Shimodaira, J. Stat. Plan. Inference 90:227, 2000).
    For normal GC content the mean moves by lambda SDs and n examples are worth ``n exp(-lambda^2)``; a run
    records what they are worth. Examples of large weight are drawn several times.

    Parameters
    ----------
    direction
        Towards more GC, or less.
    least_effective_size
        The floor: below this many examples' worth the shift is refused.
    """

    name = "gc_tilt"
    level_meaning = "lambda: SDs of GC content that its mean is tilted by"

    def score(self, batch: SequenceBatch) -> Numbers:
        """Standardised GC content; a sequence of N alone has none."""
        gc = gc_content(batch.sequence)
        spread = np.nanstd(gc)
        standardised: Numbers = (gc - np.nanmean(gc)) / (spread if spread > 0 else 1.0)
        return standardised


class CovariateTilt(Tilt):
    """Resample the test examples so that a covariate of theirs is tilted, as `gc_tilt` does GC content.

    Covariate shift on any data: what `cpg_depletion`, `motif_density` and `motif_usage` do to simulated sequences,
    as far as the examples at hand allow. ``cpg_ratio`` is observed over expected CpG; ``motif_content`` the bound
    factors, summed over the built-in motifs or over `motifs`; every other name is a covariate that the data bring,
    such as ``barcodes`` or a column of a table. What is tilted is the normal score of an example's rank (van der
    Waerden), so that n examples are worth ``n exp(-lambda^2)`` however the covariate is distributed; equal values
    weigh alike.

    Parameters
    ----------
    covariate
        ``cpg_ratio``, ``motif_content`` or a numeric covariate of the data.
    motifs
        Of ``motif_content``: only these built-in motifs, by name.
    direction
        Towards higher values, or lower.
    least_effective_size
        The floor: below this many examples' worth the shift is refused.
    """

    name = "covariate_tilt"
    level_meaning = "lambda: SDs of the covariate's normal scores that their mean is tilted by"

    def __init__(
        self,
        covariate: str,
        motifs: Sequence[str] = (),
        direction: Literal["up", "down"] = "up",
        least_effective_size: float = LEAST_EFFECTIVE,
        levels: Sequence[float] | None = None,
    ) -> None:
        super().__init__(direction, least_effective_size, levels)
        self.covariate = covariate
        self.computed: dict[str, Callable[[NDArray[np.uint8]], Numbers]] = {
            "cpg_ratio": cpg_ratio,
            "motif_content": self._motif_content,
        }
        library = load_motifs()
        self.motifs = library.chosen(motifs) if motifs else library

    def check(self, info: DataInfo) -> None:
        """Refuse a covariate that is not there, and severities at which too little would be left."""
        self._refuse_unknown(info.covariates)
        super().check(info)

    def score(self, batch: SequenceBatch) -> Numbers:
        """Normal scores of the covariate's ranks."""
        values = self._values(batch)
        known = ~np.isnan(values)
        ranks = rankdata(values, nan_policy="omit")
        scores: Numbers = ndtri((ranks - 0.5) / max(known.sum(), 1))
        return scores

    def _values(self, batch: SequenceBatch) -> Numbers:
        """The covariate, of the sequences or of the data."""
        if self.covariate in self.computed:
            return self.computed[self.covariate](batch.sequence)
        self._refuse_unknown(batch.numeric_covariates)
        return batch.covariates[self.covariate].astype(np.float64)

    def _refuse_unknown(self, known: Sequence[str]) -> None:
        names = (*self.computed, *known)
        if self.covariate not in names:
            message, choices = unknown_name("covariate", self.covariate, names, listed="there are")
            raise InputError(message, help=choices)

    def _motif_content(self, sequence: NDArray[np.uint8]) -> Numbers:
        return occupancy_features(sequence, self.motifs).sum(axis=1, dtype=np.float64)
