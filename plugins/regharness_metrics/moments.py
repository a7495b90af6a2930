"""Condense examples to moments and counts that merge: all that a metric which is a function of means needs.

Second moments are centred in each block and in each merge (Chan, Golub & LeVeque, COMPSTAT (1982)), in float64
whatever the blocks' type. Ordinary blocks are summed by `regharness_metrics.moment_kernels`; those with a zero sigma,
an infinity or a number beyond 1e70 here, by the metrics' definitions. Notation as in `regharness_metrics.gaussian`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, ndtri

from regharness.metric_protocols import Accumulator, Evidence, Metric
from regharness.quantiles import level_places
from regharness_metrics.streams import Examples, Stream, of_large

Values = NDArray[np.float64]

POINT, ERROR, LARGEST, STANDARD, SPREAD, CRPS, LOG_SIGMA = (
    "point",
    "error",
    "largest",
    "standard",
    "spread",
    "crps",
    "log_sigma",
)
"""Groups of sums that can be asked for; without any, and without levels, examples are only counted.

``POINT`` are moments of y and mu and the squared error, ``ERROR`` moments of e and its absolute size, ``STANDARD``
sums of sigma and of z^2, ``SPREAD`` moments of z and of sigma. Sums that were not asked for may hold anything.
"""

Y, M, E, Z, S = range(5)
YY, MM, YM, EE, EM, ZZ, SS = range(7)
_LEFT, _RIGHT = np.array([Y, M, Y, E, E, Z, S]), np.array([Y, M, M, E, M, Z, S])
_COUNTED = ("n", "scored", "error", "z", "sharp", "settled", "unbounded")
_SUMMED = ("squared", "absolute", "z_squared", "sigma", "variance", "crps", "log_sigma")
_WEIGHTS = np.array([0, 0, 0, 1, 1])
_SIDES = {YY: (0,), MM: (1,), YM: (0, 1), SS: (2,)}


def central_quantile(percent: int) -> float:
    """``Phi^-1((1 + c) / 2)`` of the central interval of level c = percent / 100."""
    # percent / 100 is the float nearest to the level; steps of np.arange or np.linspace are not.
    return float(ndtri((1 + percent / 100) / 2))


@dataclass
class Condensed:
    """Moments of a set of examples.

    Attributes
    ----------
    mean, second
        Means of y, mu, e, z and sigma; sums of products of two of them, each less its mean. Those of z and sigma are
        over examples with a variance above zero.
    names, sums
        Places of names in sums. ``n`` examples, ``scored`` of them with a variance above zero; sums of ``error``, its
        ``squared`` and its ``absolute`` size, ``z``, ``z_squared``, ``sigma``, ``variance``, ``crps``, ``log_sigma``
        where sigma is neither zero nor infinite; how many sigmas are zero (``sharp``), of those how many errors are too
        (``settled``), how many sigmas are infinite (``unbounded``); ``("inside", percent)``, ``("below", threshold)``
        and ``("over", percent)``: counts inside an interval, counts of z, and the sum of how far errors leave it.
    largest
        The largest absolute error.
    first, constant
        A value of y, mu and sigma, and whether all the others equal it.
    """

    mean: Values
    second: Values
    names: dict[Any, int]
    sums: Values
    largest: float = 0.0
    first: Values = field(default_factory=lambda: np.zeros(3))
    constant: NDArray[np.bool_] = field(default_factory=lambda: np.ones(3, dtype=bool))

    def __getitem__(self, name: Any) -> float:
        return float(self.sums[self.names[name]])

    def spread(self, pair: int) -> float:
        """A centred sum, exactly zero where a side is constant."""
        return 0.0 if any(self.constant[side] for side in _SIDES.get(pair, ())) else float(self.second[pair])

    def weights(self) -> Values:
        """How many examples are in each mean."""
        return self.sums[_WEIGHTS]


@dataclass(frozen=True)
class Moments(Stream):
    """The accumulator of metrics that are functions of means.

    Parameters
    ----------
    parts
        Groups of sums: `POINT`, `ERROR`, `LARGEST`, `STANDARD`, `SPREAD`, `CRPS`, `LOG_SIGMA`.
    inside, over
        Central intervals in percent whose coverage is counted, and whose misses are summed.
    below
        Thresholds of z that are counted.
    """

    parts: frozenset[str] = frozenset()
    inside: tuple[int, ...] = ()
    over: tuple[int, ...] = ()
    below: tuple[float, ...] = ()

    def together(self, other: Accumulator) -> Moments | None:
        """One that serves the metrics of both."""
        if not isinstance(other, Moments):
            return None
        both = [tuple(sorted({*a, *b})) for a, b in ((self.inside, other.inside), (self.over, other.over))]
        return Moments(self.parts | other.parts, *both, tuple(sorted({*self.below, *other.below})))

    @property
    def _scores_variance(self) -> bool:
        return bool(self.inside or self.over or self.below or self.parts - {POINT, ERROR, LARGEST})

    def condenses(self, block: Evidence) -> bool:
        """Not where a model's own quantiles are scored in place of its variance."""
        ends = (((100 - percent) / 200, (100 + percent) / 200) for percent in (*self.inside, *self.over))
        return not block.levels or all(level_places(block.levels, pair) is None for pair in ends)

    def condense(self, block: Evidence) -> Condensed:
        """Moments of a block, which is one at least long."""
        parts: list[Any] = [block.target, block.mean, *([block.variance] if self._scores_variance else [])]
        kind = np.result_type(*parts)
        y, m, *given = (np.ascontiguousarray(part, dtype=kind) for part in parts)
        v = given[0] if given else np.empty(0, kind)
        condensed = self._sum_ordinary(y, m, v) or self._sum_any(y, m, v)
        for side, values in enumerate((y, m, *given)):
            condensed.first[side] = values[0] if side < 2 else math.sqrt(values[0])
            condensed.constant[side] = values[0] == values[-1] and bool((values == values[0]).all())
        return condensed

    def combine(self, one: Condensed, two: Condensed) -> Condensed:
        """Moments of both sets."""
        n, more = one.weights(), two.weights()
        share = more / np.maximum(n + more, 1)
        with np.errstate(all="ignore"):
            apart = np.where((n > 0) & (more > 0), two.mean - one.mean, 0.0)
            mean = np.where(n > 0, one.mean + apart * share, two.mean)
            between = apart[_LEFT] * apart[_RIGHT] * (n * share)[_LEFT]
            return Condensed(
                mean,
                one.second + two.second + between,
                one.names,
                one.sums + two.sums,
                max(one.largest, two.largest),
                one.first,
                one.constant & two.constant & (one.first == two.first),
            )

    @cached_property
    def _names(self) -> dict[Any, int]:
        kinds = {"inside": self.inside, "below": self.below, "over": self.over}
        keys = [(kind, key) for kind, given in kinds.items() for key in given]
        return {name: place for place, name in enumerate((*_COUNTED, *_SUMMED, *keys))}

    @cached_property
    def _quantiles(self) -> tuple[Values, Values, Values]:
        inside, over = (np.array([central_quantile(p) for p in percents]) for percents in (self.inside, self.over))
        return inside, np.array(self.below, dtype=np.float64), over

    def _sum_ordinary(self, y: Any, m: Any, v: Any) -> Condensed | None:
        from regharness_metrics import moment_kernels as kernels

        asked = tuple(part in self.parts for part in (POINT, ERROR, LARGEST, SPREAD, CRPS, LOG_SIGMA))
        summed = kernels.sum_block(y, m, v, asked, *self._quantiles)
        if summed is None:
            return None
        head, sums, *by_quantile, largest = summed
        n, scored = y.size, v.size
        weights = np.array([n, n, n, scored or 1, scored or 1])
        shift = sums[kernels.FIRST] / weights
        mean = head + shift
        second = sums[kernels.SECOND] - shift[_LEFT] * shift[_RIGHT] * weights[_LEFT]
        counted = [n, scored, mean[E] * n, mean[Z] * scored, 0, 0, 0]
        return Condensed(
            mean, second, self._names, np.concatenate([counted, sums[kernels.PLAIN], *by_quantile]), largest
        )

    @np.errstate(all="ignore")
    def _sum_any(self, y: Any, m: Any, v: Any) -> Condensed:
        """The same by definition, for numbers that the kernels do not take; without a variance, as if it were one."""
        from regharness_metrics.gaussian import standardised

        given = v.size > 0
        y, m, v = (part.astype(np.float64) for part in (y, m, v if given else np.ones_like(y)))
        e, sigma = y - m, np.abs(np.sqrt(v))
        z, positive = standardised(e, sigma), v > 0
        finite, sharp = positive & np.isfinite(sigma), sigma == 0
        some = [y, m, e, z[positive], sigma[positive]]
        mean = np.array([part.mean() if part.size else 0.0 for part in some])
        centred = [part - middle for part, middle in zip(some, mean, strict=True)]
        second = np.array([centred[a] @ centred[b] for a, b in zip(_LEFT, _RIGHT, strict=True)])
        density = np.exp(-(z**2) / 2) * math.sqrt(2 / math.pi)
        crps = e * erf(z / math.sqrt(2)) + sigma * (density - 1 / math.sqrt(math.pi))
        squared = z[positive] @ z[positive]
        summed = [
            e @ e,
            np.abs(e).sum(),
            squared,
            sigma.sum(),
            v[positive].sum(),
            crps.sum(),
            np.log(sigma[finite]).sum(),
        ]
        counted = [y.size, positive.sum() if given else 0, e.sum(), z[positive].sum()]
        counted += [sharp.sum(), (sharp & (e == 0)).sum(), np.isinf(sigma).sum()]
        inside, below, over = self._quantiles
        by_quantile = [np.count_nonzero(np.abs(e) <= q * sigma) for q in inside]
        by_quantile += [np.count_nonzero(z <= q) for q in below]
        by_quantile += [np.maximum(np.abs(e) - q * sigma, 0).sum() for q in over]
        sums = np.array([*counted, *summed, *by_quantile], dtype=np.float64)
        return Condensed(mean, second, self._names, sums, float(np.abs(e).max()))


def from_moments(formula: Callable[[Any, Condensed], float]) -> Any:
    """Make the `Metric.finalize` of a metric whose score of many examples is ``formula(metric, moments)``."""

    @np.errstate(all="ignore")
    def of_state(metric: Metric, state: Any) -> Any:
        if isinstance(state, Examples):
            return Metric.finalize(metric, state.blocks)
        return float(formula(metric, state))

    return of_large(of_state)
