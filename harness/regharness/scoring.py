"""Reduce the examples of one output of one cell to scores. Fits and predicts nothing, needs no model framework.

An example counts when its target, its mean and, where there are any, its variance, quantiles and members are all
there: one that misses any is dropped for every metric alike, and counted. A metric that can be computed from a
model's own quantiles is, where they have the levels that it takes; else from mean and variance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regharness.catalog import load_catalog
from regharness.errors import InputError, RegharnessError, TooManyExamples
from regharness.metric_protocols import COVARIATES, Accumulator, Evidence, Gathering, IdentityMetric, Kept, Metric

N_VALID, N_DROPPED = "n_valid", "n_dropped"
COUNTS = {
    N_VALID: "examples scored",
    N_DROPPED: "examples left out because the target, mean, variance, a quantile or a member is NaN",
}

EXACT_UP_TO = 100_000
"""Examples of a cell up to which every metric is computed from all of them at once, exactly."""

BLOCK = 262_144
"""Examples of a larger cell that are gone through at a time: few enough to stay in a processor's cache."""

AnyMetric = Metric | IdentityMetric
Values = NDArray[np.float64]
Scores = dict[str, Any]

_CALLED = {
    "mean": "a predicted mean",
    "variance": "a predictive variance",
    "quantiles": "quantiles",
    "members": "the members of an ensemble",
    "member_variance": "the variances of an ensemble's members",
    "noise_variance": "the variance of the measurement",
}


def score_cell(
    evidence: Evidence,
    metrics: Mapping[str, AnyMetric],
    *,
    identity: Evidence | None = None,
    exact: bool = False,
) -> Scores:
    """Score one output of one cell.

    Parameters
    ----------
    evidence
        Its examples. NaN is missing.
    metrics
        Name in the result to metric.
    identity
        The same model's on the unshifted test set, for metrics that compare with it.
    exact
        Whether to take all examples at once even where there are more than `EXACT_UP_TO`.

    Returns
    -------
    dict
        Each metric, a curve as ``(label,)``; then ``n_valid`` and ``n_dropped``. NaN without a valid example, and for
        a metric that needs what there is not.
    """
    if not exact and len(evidence) > EXACT_UP_TO:
        scoring = BlockScoring(metrics)
        for block in in_blocks(evidence):
            scoring.add(block)
        return scoring.scores(lambda: None if identity is None else identity.complete().in_double())
    valid = evidence.complete().in_double()
    beside = None if identity is None else identity.complete().in_double()
    scores: Scores = {name: _named(name, score_one, metric, valid, beside) for name, metric in metrics.items()}
    return {**scores, N_VALID: len(valid), N_DROPPED: len(evidence) - len(valid)}


def in_blocks(evidence: Evidence) -> Iterable[Evidence]:
    """The examples a block at a time; nothing is copied."""
    return (evidence.select(slice(start, start + BLOCK)) for start in range(0, len(evidence), BLOCK))


def score_blocks(blocks: Iterable[Evidence], metrics: Mapping[str, AnyMetric]) -> Scores:
    """Score one output of one cell from its examples block by block, as `score_cell` does."""
    scoring = BlockScoring(metrics)
    for block in blocks:
        scoring.add(block)
    return scoring.scores()


class BlockScoring:
    """Score one output of one cell from its examples, given block by block.

    Metrics with an accumulator read its state; the others, and those that compare with identity, read all blocks at
    once after the last one. Where those are too many to be read from their store at once, such a metric has no score.

    Attributes
    ----------
    refused
        Names of the metrics that have no score for that reason.
    """

    def __init__(self, metrics: Mapping[str, AnyMetric]) -> None:
        self.refused: list[str] = []
        self._metrics = metrics
        self._streams: dict[str, Accumulator] = {}
        self._states: dict[Accumulator, Any] = {}
        self._kept: list[Evidence | Kept] = []
        self._total = self._valid = 0

    def add(self, block: Evidence) -> None:
        """Take one block more."""
        complete = block.complete()
        if not self._total:
            self._streams = _streams(self._metrics, complete)
            self._states = {one: one.init() for one in self._streams.values()}
        self._total, self._valid = self._total + len(block), self._valid + len(complete)
        if not len(complete):
            return
        for one in self._states:
            self._states[one] = one.update(self._states[one], complete)
        if len(self._streams) < len(self._metrics):
            self._kept.append(complete.kept())

    def scores(self, identity: Callable[[], Evidence | None] = lambda: None) -> Scores:
        """The scores of all blocks; `identity` gives the same model's examples on the unshifted test set."""
        scores: Scores = {}
        for name, metric in self._metrics.items():
            try:
                scores[name] = self._score(name, metric, identity)
            except TooManyExamples:
                self.refused.append(name)
                scores[name] = missing(metric)
        return {**scores, N_VALID: self._valid, N_DROPPED: self._total - self._valid}

    def _score(self, name: str, metric: AnyMetric, identity: Callable[[], Evidence | None]) -> float | Values:
        if name in self._streams and self._valid:
            return _plain(_named(name, metric.finalize, self._states[self._streams[name]]))  # type: ignore[union-attr]
        beside = identity() if hasattr(metric, "score_against") and self._whole else None
        scored: float | Values = _named(name, score_one, metric, self._whole, beside)
        return scored

    @cached_property
    def _whole(self) -> Evidence:
        return Evidence.joined(self._kept).in_double() if self._kept else Evidence(np.empty(0))


def score_one(metric: AnyMetric, evidence: Evidence, identity: Evidence | None = None) -> float | Values:
    """Score examples that are free of NaN with one metric; NaN where there is not what it needs, or other levels."""
    if not len(evidence) or not can_score(metric, evidence):
        return missing(metric)
    if hasattr(metric, "score_against"):
        if identity is None or not len(identity) or not can_score(metric, identity):
            return missing(metric)
        return _plain(metric.score_against(identity, evidence))
    if hasattr(metric, "score_evidence"):
        return _plain(metric.score_evidence(evidence))
    if takes_levels(metric, evidence.levels) and evidence.quantiles is not None:
        return _plain(metric.score_quantiles(evidence.target, evidence.quantiles, evidence.levels))
    assert evidence.mean is not None
    return _plain(metric.score(evidence.target, evidence.mean, evidence.variance if needs_variance(metric) else None))


def missing(metric: AnyMetric) -> float | Values:
    """The score that is not there."""
    labels = getattr(metric, "labels", ())
    return np.full(len(labels), np.nan) if getattr(metric, "dimension", "") else float("nan")


def takes_levels(metric: AnyMetric, levels: tuple[float, ...]) -> bool:
    """Whether a metric is computed from quantiles of these levels; never where it lacks that part of its Protocol."""
    return bool(levels) and hasattr(metric, "takes_levels") and metric.takes_levels(levels)


def needs_variance(metric: AnyMetric) -> bool:
    """Whether a metric needs the variance; never where it lacks that part of its Protocol."""
    return bool(getattr(metric, "needs_variance", False))


def lacking(metric: AnyMetric, parts: frozenset[str], levels: tuple[float, ...] = ()) -> str:
    """The first of what a metric needs that is not among `parts`, as `Metric.needs` writes it; empty if none."""
    needs = list(getattr(metric, "needs", ()))
    if not takes_levels(metric, levels):
        needs += ["quantiles"] if getattr(metric, "needs_quantiles", False) else ["mean"]
        needs += ["variance"] if needs_variance(metric) else []
    return next((name for name in needs if name not in parts), "")


def can_score(metric: AnyMetric, evidence: Evidence) -> bool:
    """Whether there is all that a metric needs, quantiles of levels that it takes among it."""
    if getattr(metric, "needs_quantiles", False) and not takes_levels(metric, evidence.levels):
        return False
    return not lacking(metric, evidence.parts, evidence.levels)


def called(part: str) -> str:
    """What to call a part of the evidence when speaking to a user."""
    return _CALLED.get(part) or f"the covariate '{part.removeprefix(COVARIATES)}'"


def resolve(
    metrics: str | Iterable[str], parts: frozenset[str], levels: tuple[float, ...] = (), *, identity: bool = False
) -> dict[str, AnyMetric]:
    """Make the metrics asked for; of the default ones, those that there is enough for.

    Parameters
    ----------
    metrics
        ``"default"``, or names.
    parts, levels
        What there is of the evidence, and the levels of quantiles.
    identity
        Whether metrics that compare with the unshifted test set can be computed.

    Raises
    ------
    InputError
        When a name is unknown, or there is not what it needs.
    """
    catalog = load_catalog()
    if metrics == "default":
        names = [name for name in catalog.names("metric") if catalog.component("metric", name).default]
    else:
        asked = [metrics] if isinstance(metrics, str) or not isinstance(metrics, Iterable) else list(metrics)
        wrong = [type(name).__name__ for name in asked if not isinstance(name, str)]
        if wrong:
            raise InputError(
                f"metrics are asked for by name, and a {wrong[0]} is none",
                help="name them, or score metric objects with regharness.cube_scoring.score_cube",
            )
        # Counts are always there, so whoever names them gets them.
        names = [name for name in asked if name not in COUNTS]
    chosen: dict[str, AnyMetric] = {}
    for name in names:
        metric = catalog.create("metric", name, {})
        if hasattr(metric, "compare") or (hasattr(metric, "score_against") and not identity):
            raise InputError(
                f"metric '{name}' compares shifts, so it cannot score predictions of one test set",
                help="name it in a benchmark's spec"
                + ("" if hasattr(metric, "compare") else ", or score a dataset whose shifts have 'identity'"),
            )
        lacks = lacking(metric, parts, levels)
        if not lacks:
            chosen[name] = metric
        elif metrics != "default":
            what = called(lacks)
            there = "there are none" if lacks in ("quantiles", "members") else "there is none"
            raise InputError(f"metric '{name}' needs {what}, and {there}", help=f"give {what}, or leave the metric out")
    return chosen


def _streams(metrics: Mapping[str, AnyMetric], block: Evidence) -> dict[str, Accumulator]:
    """What gathers the examples of each metric that can be gathered for, shared as far as it can be."""
    shared: list[Accumulator] = []
    places: dict[str, int] = {}
    for name, metric in metrics.items():
        one = _stream(metric, block)
        if one is None:
            continue
        for place, other in enumerate(shared):
            both = other if other == one else _together(other, one)
            if both is not None:
                shared[place], places[name] = both, place
                break
        else:
            places[name] = len(shared)
            shared.append(one)
    return {name: shared[place] for name, place in places.items()}


def _together(one: Accumulator, other: Accumulator) -> Accumulator | None:
    # A merely matching accumulator may lack it.
    return one.together(other) if hasattr(one, "together") else None


def _stream(metric: AnyMetric, block: Evidence) -> Accumulator | None:
    """What gathers a metric's examples block by block; None where it needs them all at once, or cannot be computed."""
    one: Accumulator | None = getattr(metric, "accumulator", None)
    if one is None or isinstance(one, Gathering) or takes_levels(metric, block.levels):
        return None
    return None if lacking(metric, block.parts, block.levels) else one


def _named(name: str, call: Callable[..., Any], *arguments: Any) -> Any:
    """Call a part of a metric; what a plugin does wrong is told with the metric's name."""
    try:
        return call(*arguments)
    except RegharnessError:
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise InputError(f"metric '{name}' failed: {text}", help="mend it, or leave it out") from error


def _plain(score: Any) -> float | Values:
    """A Python float, or an array of a curve."""
    values = np.asarray(score, dtype=np.float64)
    return values if values.ndim else float(values)
