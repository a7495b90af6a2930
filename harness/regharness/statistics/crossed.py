"""Intervals and tests for scores that vary over seeds and blocks of examples. Resamples nothing, ranks nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from regharness.errors import InputError

Array = NDArray[np.float64]

ROUNDING = 1e-12
"""Two scores that differ by less than this share of them are the same score, summed in another order."""
LEAST_P = 1e-300


@dataclass(frozen=True)
class Interval:
    """The expected score of a model, with its confidence interval.

    Attributes
    ----------
    estimate
        The mean score, or the centre that was given; NaN where there is no score.
    low, high
        Ends of the interval; None where there is none.
    standard_error
        Of the mean score over seeds and examples together; None where there is no interval.
    df
        Degrees of freedom of the t distribution that makes an interval as wide; None where there is none.
    seeds, blocks
        How many it stands on.
    note
        Why there is no interval; empty where there is one.
    """

    estimate: float
    low: float | None
    high: float | None
    standard_error: float | None
    df: float | None
    seeds: int
    blocks: int
    note: str = ""


@dataclass(frozen=True)
class Difference(Interval):
    """The expected difference of two models' scores, the first's minus the second's.

    Attributes
    ----------
    p_value
        Two-sided, of no difference; below 1 - confidence exactly where the interval leaves zero out. None
        where there is no interval.
    """

    p_value: float | None = None


@dataclass(frozen=True)
class _Part:
    """A part of the standard error of the mean, and the degrees of freedom it was measured with."""

    error: float
    df: int


def interval(values: Array, centre: float | None = None, confidence: float = 0.95) -> Interval:
    r"""Confidence interval of the expected score over new seeds and new examples.

    The score of seed s on block g is modelled as :math:`\mu + a_s + b_g + e_{sg}`. The mean's variance is
    estimated by :math:`[M_1 + \max(M_2 - M_e, 0)] / (S G)`, with :math:`M_1` the mean square of whichever of
    seeds and blocks are fewer, :math:`M_2` that of the other and :math:`M_e` the residual's. Each part is
    multiplied with the square of its own t quantile (Banerjee, Sankhya 22, 1960), which keeps
    coverage at any mix of the parts. Satterthwaite's degrees of freedom do not: with two seeds and both parts
    alike they cover 88% where they promise 95%. Seeds that each have examples of their own are the case in
    which blocks do not matter.

    Parameters
    ----------
    values
        ``(seed, block)``: the score of each seed on each block of the test examples, float64. A seed that is
        NaN throughout is missing; a block that is NaN for a seed that is there is left out.
    centre
        The score to put the interval around in place of the mean over blocks, such as a correlation of all
        examples.
    confidence
        Between 0 and 1.

    Returns
    -------
    Interval
        Without low and high, and with a note, for fewer than two seeds or for an infinite score. Of one block, the
        t interval over seeds: the examples are then taken as given.

    Raises
    ------
    InputError
        For another shape, or a confidence outside (0, 1).
    """
    return _interval(_matrix(values), centre, confidence)


def paired(values_a: Array, values_b: Array, centre: float | None = None, confidence: float = 0.95) -> Difference:
    """Compare two models that saw the same seeds and examples.

    Parameters
    ----------
    values_a, values_b
        ``(seed, block)`` of each, as `interval` takes them. Only seeds and blocks that both have count.
    centre
        The difference to put the interval around and to test, in place of the mean one.
    confidence
        Between 0 and 1.

    Returns
    -------
    Difference
        The first model's score minus the second's. Equal scores throughout have p = 1 and an interval of no width.

    Raises
    ------
    InputError
        For shapes that differ, or a confidence outside (0, 1).
    """
    a, b = _matrix(values_a), _matrix(values_b)
    if a.shape != b.shape:
        raise InputError(
            f"the two models' scores have shapes {a.shape} and {b.shape}",
            help="give both the same seeds and blocks, and NaN where one has no score",
        )
    with np.errstate(invalid="ignore", over="ignore"):
        differences = a - b
        same = np.isclose(a, b, rtol=ROUNDING, atol=0.0)
    # Infinity minus infinity is undefined, but not missing.
    undefined = same & np.isinf(a)
    differences[same] = 0.0
    differences[undefined] = np.inf
    found = _interval(differences, centre, confidence)
    if undefined.any() and centre is None:
        found = replace(found, estimate=math.nan)
    if found.standard_error is None:
        return Difference(**vars(found))
    return Difference(**vars(found), p_value=_p_value(found.estimate, _parts(_present(differences))))


def _matrix(values: Array) -> Array:
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2:
        raise InputError(f"scores have shape {matrix.shape}", help="give them as (seed, block)")
    return matrix


def _present(values: Array) -> Array:
    """Seeds that have a score, and the blocks that all of them have."""
    there = values[~np.isnan(values).all(axis=1)]
    return there[:, ~np.isnan(there).any(axis=0)]


def _interval(values: Array, centre: float | None, confidence: float) -> Interval:
    if not 0.0 < confidence < 1.0:
        raise InputError(f"the confidence {confidence:g} is not between 0 and 1", help="0.95 is usual")
    present = _present(values)
    seeds, blocks = present.shape
    with np.errstate(invalid="ignore", over="ignore"):
        mean = float(present.mean()) if present.size else math.nan
    estimate = mean if centre is None else float(centre)
    note = _why_none(present, estimate)
    if note:
        return Interval(estimate, None, None, None, None, seeds, blocks, note)
    # Here and below: scipy takes long to import, and who only shows what was computed does without.
    from scipy.special import stdtridf

    parts = _parts(present)
    tail = (1.0 - confidence) / 2.0
    error = math.hypot(*(part.error for part in parts))
    reach = _reach(parts, tail)
    df = float(stdtridf(1.0 - tail, reach / error)) if error > 0.0 else float(parts[0].df)
    return Interval(estimate, estimate - reach, estimate + reach, error, df, seeds, blocks)


def _why_none(present: Array, estimate: float) -> str:
    if not present.size:
        return "no scores"
    if not (np.isfinite(present).all() and math.isfinite(estimate)):
        return "a score is not finite: no interval"
    if present.shape[0] < 2:
        return "one seed: no interval"
    return ""


def _parts(present: Array) -> Sequence[_Part]:
    """What fewer units, and what more units, add to the standard error of the mean."""
    seeds, blocks = present.shape
    fewer = present if seeds <= blocks or blocks == 1 else present.T
    rows, columns = fewer.shape
    # In a unit that divides exactly and keeps squares from overflowing or vanishing.
    unit = 2.0 ** math.floor(math.log2(np.abs(fewer).max() or 1.0))
    # From one of the values, so that equal values have no variance at all.
    centred = fewer / unit - fewer[0, 0] / unit
    row, column, grand = centred.mean(axis=1), centred.mean(axis=0), centred.mean()
    residual = centred - row[:, None] - column + grand
    size = rows * columns
    of_rows = _Part(unit * math.sqrt(columns * np.square(row - grand).sum() / (rows - 1) / size), rows - 1)
    if columns == 1:
        # Nothing is known of what hangs on the examples: the one-way interval over seeds.
        return of_rows, _Part(0.0, rows - 1)
    by_column = rows * np.square(column - grand).sum() / (columns - 1)
    by_error = np.square(residual).sum() / ((rows - 1) * (columns - 1))
    return of_rows, _Part(unit * math.sqrt(max(by_column - by_error, 0.0) / size), columns - 1)


def _reach(parts: Sequence[_Part], tail: float) -> float:
    """Half the width of an interval that leaves `tail` out at each end."""
    from scipy.special import stdtrit

    return math.hypot(*(part.error * float(stdtrit(part.df, tail)) for part in parts))


def _p_value(estimate: float, parts: Sequence[_Part]) -> float:
    """Twice the tail at which the interval's end is zero."""
    from scipy.special import stdtr

    if estimate == 0.0:
        return 1.0
    error = math.hypot(*(part.error for part in parts))
    if error == 0.0:
        return 0.0
    ends = [2.0 * float(stdtr(part.df, -abs(estimate) / error)) for part in parts]
    low, high = max(min(ends), LEAST_P), max(ends)
    if high <= low or parts[1].error == 0.0:
        return ends[0]

    from scipy.optimize import brentq

    def excess(log_p: float) -> float:
        return _reach(parts, math.exp(log_p) / 2.0) - abs(estimate)

    first, last = math.log(low), math.log(high)
    # Rounding can put the root just outside.
    if excess(first) <= 0.0:
        return low
    return high if excess(last) >= 0.0 else math.exp(brentq(excess, first, last, xtol=1e-13, rtol=1e-13))
