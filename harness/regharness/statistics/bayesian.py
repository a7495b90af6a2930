"""The Bayesian signed-rank test of two models over tasks. Gives probabilities, not p-values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regharness.errors import InputError
from regharness.seeding import rng_for

Array = NDArray[np.float64]

PRIOR_STRENGTH = 0.5
"""Weight of the pseudo-observation at zero, in tasks; Benavoli et al. (2017) take as much."""
CHUNK = 4096


@dataclass(frozen=True)
class SignedRank:
    """Posterior probabilities; they add up to 1, and are NaN without a task.

    Attributes
    ----------
    first_better, equivalent, second_better
        That on a further task the first model is more probably practically better, practically as good, or
        practically worse than anything else.
    tasks
        How many tasks it stands on.
    """

    first_better: float
    equivalent: float
    second_better: float
    tasks: int


def bayesian_signed_rank(differences: Array, rope: float = 0.0, *, samples: int = 20_000, seed: int = 0) -> SignedRank:
    """Say how probable it is that one of two models is practically better.

    The posterior of the distribution of differences is a Dirichlet process whose prior is a pseudo-observation
    at zero. Each draw of its weights w gives the masses of sums z_i + z_j below, within and above twice the
    region of practical equivalence; the largest wins the draw (Benavoli et al., ICML 2014; Benavoli, Corani,
    Demsar & Zaffalon, JMLR 18, 2017). Draws in which several are largest are shared among them.

    Parameters
    ----------
    differences
        ``(task,)``: the first model's badness minus the second's, lower is better; NaN is left out.
    rope
        Differences of at most this count as none; zero or above, in the unit of the score.
    samples
        Draws from the posterior.
    seed
        Zero or above.

    Raises
    ------
    InputError
        For another shape, or a negative rope.
    """
    d = np.asarray(differences, dtype=np.float64)
    if d.ndim != 1:
        raise InputError(f"differences have shape {d.shape}", help="give one a task")
    if not rope >= 0.0:
        raise InputError(f"the region of practical equivalence {rope:g} is below zero", help="give its half-width")
    d = d[~np.isnan(d)]
    if not d.size:
        return SignedRank(np.nan, np.nan, np.nan, 0)
    z = np.concatenate([[0.0], d])
    with np.errstate(invalid="ignore"):
        sums = z[:, None] + z
    below, above = (sums < -2.0 * rope).astype(np.float64), (sums > 2.0 * rope).astype(np.float64)
    rng = rng_for(seed, "bayesian signed rank")
    wins = np.zeros(3)
    for start in range(0, samples, CHUNK):
        weights = rng.dirichlet([PRIOR_STRENGTH, *np.ones(d.size)], size=min(CHUNK, samples - start))
        first, second = (((weights @ side) * weights).sum(axis=1) for side in (below, above))
        masses = np.stack([first, 1.0 - first - second, second])
        largest = masses == masses.max(axis=0)
        wins += (largest / largest.sum(axis=0)).sum(axis=1)
    first_better, equivalent, second_better = (wins / samples).tolist()
    return SignedRank(first_better, equivalent, second_better, d.size)
