"""Put intervals around the scores of arrays. Owns what `confidence_intervals` takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from regharness.array_scoring import Asked
from regharness.dims import MEAN, QUANTILES, TARGET, VARIANCE
from regharness.errors import InputError
from regharness.statistics.metric_bootstrap import bootstrap_evidence

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from regharness.statistics.resampled import Method


def confidence_intervals(
    target: ArrayLike | xr.DataArray,
    mean: ArrayLike | xr.DataArray | None = None,
    variance: ArrayLike | xr.DataArray | None = None,
    metrics: str | Iterable[str] = "default",
    quantiles: ArrayLike | xr.DataArray | None = None,
    quantile_levels: Sequence[float] | None = None,
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    method: Method = "bca",
    seed: int = 0,
) -> dict[str, Any]:
    """Bootstrap confidence intervals of the metrics of one set of predictions, over new examples.

    Parameters
    ----------
    target, mean, variance, metrics, quantiles, quantile_levels
        As of `evaluate`; metrics of one number. One that is a function of means over examples is resampled by sums over
        1,000 blocks of consecutive examples, so that a million of them take a fraction of a second; any other example
        by example, its score computed anew each time.
    resamples
        How many draws.
    confidence
        Between 0 and 1.
    method
        ``"bca"``, corrected for bias and acceleration (Efron, J. Am. Stat. Assoc. 82:171, 1987), or ``"percentile"``.
    seed
        Of the draws, zero or above; the same examples are drawn for every model.

    Returns
    -------
    dict
        Metric to `regharness.statistics.ResampledInterval` (estimate, low, high, standard error); of several outputs,
        to a list of them. NaN ends for fewer than two valid examples, and where the score is NaN.

    Raises
    ------
    InputError
        As of `evaluate`; for a curve; for another method, a confidence outside (0, 1), or fewer than one draw.
    """
    given = {TARGET: target, MEAN: mean, VARIANCE: variance, QUANTILES: quantiles}
    asked = Asked.of(given, quantile_levels, {}, metrics)
    curves = [name for name, metric in asked.metrics.items() if getattr(metric, "dimension", "")]
    if curves:
        raise InputError(f"metric '{curves[0]}' gives a curve, which has no interval", help="leave it out")
    found = [
        bootstrap_evidence(
            part.complete().in_double(),
            asked.metrics,  # type: ignore[arg-type]
            resamples=resamples,
            confidence=confidence,
            method=method,
            seed=seed,
        )
        for part in asked.outputs
    ]
    return {name: found[0][name] if asked.single else [row[name] for row in found] for name in asked.metrics}
