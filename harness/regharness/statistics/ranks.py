"""Ranks of models that say where the data cannot tell them apart. Scores nothing, orders no table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regharness.errors import InputError
from regharness.statistics.corrections import holm
from regharness.statistics.crossed import ROUNDING, interval, paired

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rank:
    """Where a model stands in a task.

    Attributes
    ----------
    rank
        1 is best; models of equal badness share the better rank.
    low, high
        Best and worst rank that the data allow.
    """

    rank: int
    low: int
    high: int


@dataclass(frozen=True)
class Ranking:
    """Ranks of all models of a task.

    Attributes
    ----------
    ranks
        One a model, in the order given; None for a model that is not ranked.
    p_values
        ``(model, model)``: of no difference, adjusted over all pairs (Holm). NaN on the diagonal and where
        there was no test.
    """

    ranks: tuple[Rank | None, ...]
    p_values: Array


def rank_intervals(values: Array, centres: Array | None = None, confidence: float = 0.95) -> Ranking:
    """Rank models, with the ranks that each may really have.

    All pairs are compared as `paired` does, and corrected together (Holm). A model's rank lies between one
    more than the number of models that are significantly better, and the number of models less those that are
    significantly worse (Al Mohamad, Goeman & van Zwet, Biometrics 78, 2022). The chance that any of these ranges
    is wrong is at most 1 - confidence. Without a second seed nothing is tested: every range is the whole.

    Parameters
    ----------
    values
        ``(model, seed, block)``: badness, lower is better, of each seed on each block of the same examples.
        A model that lacks a seed (NaN throughout), or whose badness is NaN, is not ranked.
    centres
        ``(model,)``: the badness of each on all examples, to rank by in place of the mean over blocks.
    confidence
        Between 0 and 1.

    Raises
    ------
    InputError
        For another shape, or a confidence outside (0, 1).
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 3:
        raise InputError(f"scores have shape {table.shape}", help="give them as (model, seed, block)")
    models = table.shape[0]
    if centres is not None and np.shape(centres) != (models,):
        raise InputError(f"there are {models} models and centres of shape {np.shape(centres)}", help="give one a model")
    centre: list[float | None] = [None] * models if centres is None else [float(value) for value in centres]
    badness = np.array([interval(table[m], centre[m], confidence).estimate for m in range(models)])
    lacking = np.isnan(table).all(axis=-1).any(axis=-1)
    whole = ~(lacking | np.isnan(badness))
    p_values, sign = _tested(table, centre, np.flatnonzero(whole), confidence)
    # NaN compares false: a pair without a test is one that cannot be told apart.
    better = (p_values <= 1.0 - confidence) & (sign > 0)
    ranks: list[Rank | None] = []
    for model in range(models):
        if not whole[model]:
            ranks.append(None)
            continue
        place = 1 + int(((badness < badness[model]) & whole & ~_same(badness, badness[model])).sum())
        low, high = 1 + int(better[model].sum()), int(whole.sum()) - int(better[:, model].sum())
        ranks.append(Rank(place, low, high))
    return Ranking(tuple(ranks), p_values)


def _tested(
    table: Array, centre: list[float | None], ranked: NDArray[np.intp], confidence: float
) -> tuple[Array, Array]:
    """Adjusted p-values of all pairs, and the signs of their differences, row minus column."""
    models = table.shape[0]
    one, two = (ranked[part] for part in np.triu_indices(ranked.size, 1))
    raw = np.full(one.size, np.nan)
    signs = np.zeros(one.size)
    for pair, (a, b) in enumerate(zip(one, two, strict=True)):
        mine, other = centre[a], centre[b]
        gap = None
        if mine is not None and other is not None:
            gap = 0.0 if _same(mine, other) else mine - other
        found = paired(table[a], table[b], gap, confidence)
        signs[pair] = np.sign(found.estimate)
        if found.p_value is not None:
            raw[pair] = found.p_value
    p_values, sign = np.full((models, models), np.nan), np.zeros((models, models))
    p_values[one, two] = p_values[two, one] = holm(raw)
    sign[one, two], sign[two, one] = signs, -signs
    return p_values, sign


def _same(one: Array | float, two: float) -> Any:
    return np.isclose(one, two, rtol=ROUNDING, atol=0.0)
