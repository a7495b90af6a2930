"""Own what a metric may look at, and the Protocol of each kind of metric. Computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from regharness.dims import VARIANCE
from regharness.errors import InputError, TooManyExamples
from regharness.variances import refuse_negative

if TYPE_CHECKING:
    import xarray as xr

Direction = Literal["lower", "higher"] | float
"""Which scores are better, or the value that a perfect model reaches."""

COVARIATES = "covariates."
"""Before the name of a covariate that a metric needs."""

JOINTLY = ("target", "mean", "variance", "quantiles", "members", "member_variance")
"""Parts of which an example that misses one counts for no metric."""

PER_EXAMPLE = (*JOINTLY, "noise_variance")

AT_ONCE = 128_000_000
"""Bytes of examples, in float64, that are read from a store to be looked at all at once."""


@dataclass(frozen=True)
class Evidence:
    """What a metric may look at: examples of one output of one cell. What there is not is None.

    Floating point throughout: float64, but for blocks of large cells, which keep the type they are stored in.
    Free of NaN, but for `noise_variance` and `covariates`.

    Parameters
    ----------
    target
        ``(example,)`` measurements.
    mean, variance
        ``(example,)`` predictions and their total predictive variance, zero or above.
    quantiles
        ``(example, quantile)``, the model's own, at `levels` that rise between 0 and 1.
    members, member_variance
        ``(example, member)``: means of the members of an ensemble, and their variances.
    noise_variance
        ``(example,)`` variance of the measurement; NaN where it is not known.
    covariates
        Name to ``(example,)`` of numbers or text.
    again
        Reads the same examples once more, where they came from a store; a state then keeps this in their place.
    """

    target: NDArray[Any]
    mean: NDArray[Any] | None = None
    variance: NDArray[Any] | None = None
    quantiles: NDArray[Any] | None = None
    levels: tuple[float, ...] = ()
    members: NDArray[Any] | None = None
    member_variance: NDArray[Any] | None = None
    noise_variance: NDArray[Any] | None = None
    covariates: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    again: Callable[[], Evidence] | None = field(default=None, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.target)

    def look(self) -> Evidence:
        """The examples themselves, as of `Kept`."""
        return self

    def kept(self) -> Evidence | Kept:
        """What a state keeps of them, to `look` at again."""
        if self.again is None:
            return self
        return Kept(len(self), len(self) * self._doubles() * 8, self.again)

    def _doubles(self) -> int:
        """Numbers of an example."""
        given = [part for name in PER_EXAMPLE if (part := getattr(self, name)) is not None]
        return len(self.covariates) + sum(1 if part.ndim == 1 else part.shape[1] for part in given)

    @cached_property
    def parts(self) -> frozenset[str]:
        """Names of what there is, as `Metric.needs` writes them."""
        there = [name for name in PER_EXAMPLE if getattr(self, name) is not None]
        return frozenset([*there, *(COVARIATES + name for name in self.covariates)])

    def select(self, index: Any) -> Evidence:
        """Take examples by a slice, or by an integer or boolean array."""
        given = {name: getattr(self, name) for name in PER_EXAMPLE}
        chosen: dict[str, Any] = {name: part[index] for name, part in given.items() if part is not None}
        covariates = {name: part[index] for name, part in self.covariates.items()}
        again = None if (read := self.again) is None else lambda: read().select(index)
        return replace(self, **chosen, covariates=covariates, again=again)

    def in_double(self) -> Evidence:
        """The same in float64."""
        given = {name: getattr(self, name) for name in PER_EXAMPLE}
        cast: dict[str, Any] = {
            name: part.astype(np.float64, copy=False) for name, part in given.items() if part is not None
        }
        return replace(self, **cast)

    def complete(self) -> Evidence:
        """The examples that miss nothing of target, mean, variance, quantiles and members: each misses all or none."""
        with np.errstate(invalid="ignore"):
            # A minimum is NaN where any number is, and far quicker to find than every place of one.
            if not any(np.isnan(part.min()) for part in self._jointly() if part.size):
                return self
        if (read := self.again) is None:
            return self.select(~self.missing())
        # Which are missing is found again each time: to remember it would take memory for every example.
        return replace(replace(self, again=None).select(~self.missing()), again=lambda: read().complete())

    def refuse_unfit(self) -> None:
        """Refuse parts of another length than the target, and variances below zero."""
        parts = {name: part for name in PER_EXAMPLE if (part := getattr(self, name)) is not None}
        parts |= {COVARIATES + name: part for name, part in self.covariates.items()}
        for name, part in parts.items():
            if len(part) != len(self):
                raise InputError(
                    f"shapes do not fit: the target has {len(self)} examples, {name} has {len(part)}",
                    help="give all of them for the same examples",
                )
            if name.endswith(VARIANCE):
                refuse_negative(part, f"the {name.replace('_', ' ')}")

    def missing(self) -> NDArray[np.bool_]:
        """``(example,)``: whether an example misses any of them."""
        missing = np.zeros(len(self), dtype=bool)
        for part in self._jointly():
            missing |= np.isnan(part).any(axis=tuple(range(1, part.ndim)))
        return missing

    def _jointly(self) -> list[NDArray[Any]]:
        return [part for name in JOINTLY if (part := getattr(self, name)) is not None]

    @staticmethod
    def joined(kept: Sequence[Evidence | Kept]) -> Evidence:
        """The examples of several blocks, one at least, in their order.

        Raises
        ------
        TooManyExamples
            When they lie in a store, and are more than `AT_ONCE`.
        """
        if sum(block.nbytes for block in kept if isinstance(block, Kept)) > AT_ONCE:
            raise TooManyExamples(f"{sum(map(len, kept)):,} examples are too many to be looked at all at once")
        blocks = [block.look() for block in kept]
        first = replace(blocks[0], again=None)
        if len(blocks) == 1:
            return first
        names = [name for name in PER_EXAMPLE if getattr(first, name) is not None]
        whole: dict[str, Any] = {name: np.concatenate([getattr(block, name) for block in blocks]) for name in names}
        covariates = {name: np.concatenate([block.covariates[name] for block in blocks]) for name in first.covariates}
        return replace(first, **whole, covariates=covariates)


@dataclass(frozen=True)
class Kept:
    """Examples that lie in a store, and are read each time they are looked at.

    Parameters
    ----------
    size, nbytes
        How many, and their bytes in float64.
    look
        Reads them.
    """

    size: int
    nbytes: int
    look: Callable[[], Evidence]

    def __len__(self) -> int:
        return self.size


class Accumulator(Protocol):
    """Gather what one or more metrics are computed from, block by block.

    Metrics whose accumulators are equal share one state, so that the examples are gone through once for all of them.
    Whatever the blocks, their order and the order of merging, the metrics come out the same to rounding.
    """

    def init(self) -> Any:
        """The state of no example."""
        ...

    def update(self, state: Any, evidence: Evidence) -> Any:
        """The state once a block, free of NaN and perhaps of float32, is added; `state` may be changed.

        A state that keeps examples keeps `Evidence.kept` of a block, so that large cells need not fit into memory.
        """
        ...

    def merge(self, one: Any, two: Any) -> Any:
        """The state of the examples of both; either may be changed."""
        ...

    def together(self, other: Accumulator) -> Accumulator | None:
        """One whose state serves the metrics of both, gathered in one pass; None where there is none."""
        return None


class Gathering:
    """Keep the examples themselves: the accumulator of a metric that has none of its own."""

    def init(self) -> list[Evidence | Kept]:
        """No block."""
        return []

    def update(self, state: list[Evidence | Kept], evidence: Evidence) -> list[Evidence | Kept]:
        """Keep one block more."""
        return [*state, evidence.kept()]

    def merge(self, one: list[Evidence | Kept], two: list[Evidence | Kept]) -> list[Evidence | Kept]:
        """The blocks of both."""
        return [*one, *two]

    def together(self, other: Accumulator) -> None:
        """None: equal ones share a state anyway."""

    def __eq__(self, other: object) -> bool:
        return type(other) is Gathering

    def __hash__(self) -> int:
        return hash(Gathering)


class Metric(Protocol):
    """Score the predictions of one output of one cell.

    What `score` does is enough for a metric. The rest is for one that looks at more than target, mean and variance,
    gives a curve, or can be computed block by block.

    Attributes
    ----------
    direction
        ``"lower"`` or ``"higher"`` is better, or the value that a perfect model reaches; None for a curve whose
        labels each have their own.
    needs_variance
        Whether `score` needs the predictive variance.
    needs_quantiles
        Whether there is no score without a model's own quantiles; `score` is then never called.
    needs
        What else it needs, by the names of `Evidence`: ``"members"``, ``"noise_variance"``, ``"covariates.element"``.
    dimension, labels
        Of a metric that gives a curve, ``(label,)`` float64: the name of its dimension, and the labels along it.
    accumulator
        What `finalize` reads, for cells that are too large to be gone through metric by metric.
    """

    direction: Direction | None = "lower"
    needs_variance: bool = False
    needs_quantiles: bool = False
    needs: tuple[str, ...] = ()
    dimension: str = ""
    labels: tuple[float, ...] = ()
    accumulator: Accumulator = Gathering()

    def score(
        self, target: NDArray[np.float64], mean: NDArray[np.float64], variance: NDArray[np.float64] | None
    ) -> float | NDArray[np.float64]:
        """Reduce ``(example,)`` arrays, free of NaN and at least one long, to a number; NaN if undefined.

        `variance` is the total predictive variance, zero or above, and None unless `needs_variance`.
        """
        ...

    def takes_levels(self, levels: tuple[float, ...]) -> bool:
        """Whether a model's own quantiles of these levels are scored, by `score_quantiles` in place of `score`."""
        return False

    def score_quantiles(
        self, target: NDArray[np.float64], quantiles: NDArray[np.float64], levels: tuple[float, ...]
    ) -> float | NDArray[np.float64]:
        """Reduce a target ``(example,)`` and quantiles ``(example, quantile)``, free of NaN, to a number.

        `levels` rise along ``quantile`` between 0 and 1. Called only where `takes_levels`.
        """
        raise NotImplementedError

    def score_evidence(self, evidence: Evidence) -> float | NDArray[np.float64]:
        """Reduce examples, at least one, that have all that the metric needs."""
        if evidence.quantiles is not None and self.takes_levels(evidence.levels):
            return self.score_quantiles(evidence.target, evidence.quantiles, evidence.levels)
        assert evidence.mean is not None
        return self.score(evidence.target, evidence.mean, evidence.variance if self.needs_variance else None)

    def init(self) -> Any:
        """The state of no example, for scoring in blocks."""
        return self.accumulator.init()

    def update(
        self,
        state: Any,
        target: NDArray[Any],
        mean: NDArray[Any] | None = None,
        variance: NDArray[Any] | None = None,
        **more: Any,
    ) -> Any:
        """The state once a block of examples is added; `more` are other parts of `Evidence`.

        An example that misses any part is left out.

        Raises
        ------
        InputError
            When parts are of another length than the target, or a variance is negative.
        """
        block = Evidence(target, mean, variance, **more)
        block.refuse_unfit()
        block = block.complete()
        if not len(block):
            return state
        # A copy: a state may keep it, and the caller may fill the same arrays again.
        return self.accumulator.update(state, block.select(np.arange(len(block))))

    def merge(self, one: Any, two: Any) -> Any:
        """The state of the examples of both."""
        return self.accumulator.merge(one, two)

    def finalize(self, state: Any) -> float | NDArray[np.float64]:
        """The score of the examples that a state has seen; NaN of none."""
        if not state:
            return np.full(len(self.labels), np.nan) if self.dimension else float("nan")
        return self.score_evidence(Evidence.joined(state).in_double())


@runtime_checkable
class OfMeans(Protocol):
    """A metric that is a function of means over examples, so that sums over blocks of them are all it needs."""

    def terms(self, evidence: Evidence) -> NDArray[np.float64]:
        """What is averaged: ``(term, example)``."""
        ...

    def of_means(self, means: NDArray[np.float64]) -> NDArray[np.float64]:
        """The score ``(...)`` of each set of examples whose means are ``(term, ...)``."""
        ...


class ShiftMetric(Protocol):
    """Score how a metric changes from identity to the shifts.

    Attributes
    ----------
    direction
        As of `Metric`.
    of
        Name of the metric it compares; empty for the one that the leaderboard ranks by.
    reference
        Name of the model it compares with; empty for none, or for one that it finds itself.
    """

    direction: Direction | None = "lower"
    of: str = ""
    reference: str = ""

    def compare(self, scores: xr.DataArray, direction: Direction) -> xr.DataArray:
        """Compare scores with dims that include ``shift``, whose ``identity`` is the unshifted test set.

        `direction` is that of the compared metric. Keeps or reduces ``shift`` and keeps every other dim;
        a missing score stays NaN.
        """
        ...


class IdentityMetric(Protocol):
    """Score the predictions under a shift beside those on identity, of the same model, seed and output.

    Attributes
    ----------
    direction, needs_variance, needs, dimension, labels
        As of `Metric`.
    """

    direction: Direction | None = "lower"
    needs_variance: bool = False
    needs: tuple[str, ...] = ()
    dimension: str = ""
    labels: tuple[float, ...] = ()

    def score_against(self, identity: Evidence, shifted: Evidence) -> float | NDArray[np.float64]:
        """Reduce two sets of examples, one at least in each; `shifted` is identity itself for that test set."""
        ...
