"""Classical tests of models over tasks or shifts: Friedman, Nemenyi, Wilcoxon. Corrects for nothing by itself.

Lower is better throughout: a score whose direction is higher is given with its sign turned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from regharness.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Friedman:
    """Whether any models differ over tasks.

    Attributes
    ----------
    chi_square, p_value
        Friedman's statistic, corrected for ties, with models - 1 degrees of freedom.
    f, f_p_value
        Iman & Davenport's, less conservative: F with models - 1 and (models - 1)(tasks - 1) degrees of freedom.
    mean_ranks
        ``(model,)``: 1 is best; ties share their mean.
    tasks
        How many tasks it stands on.
    """

    chi_square: float
    p_value: float
    f: float
    f_p_value: float
    mean_ranks: Array
    tasks: int


@dataclass(frozen=True)
class Nemenyi:
    """Which models differ over tasks, all pairs compared.

    Attributes
    ----------
    critical_difference
        Of mean ranks, at the level asked for.
    p_values
        ``(model, model)``; 1 on the diagonal.
    """

    critical_difference: float
    p_values: Array


@dataclass(frozen=True)
class Wilcoxon:
    """Whether paired differences are centred at zero: the smaller sum of signed ranks, two-sided p, and how many."""

    statistic: float
    p_value: float
    pairs: int


def friedman(values: Array) -> Friedman:
    """Rank models in each task, and test whether their mean ranks differ.

    Friedman (JASA 32, 1937) and Iman & Davenport (Commun. Stat. 9, 1980), as Demsar (JMLR 7, 2006) advises.
    Models that tie in every task have p = 1. Fewer than three models or two tasks give NaN: for two models,
    take `wilcoxon`.

    Parameters
    ----------
    values
        ``(task, model)``: badness. A task that lacks a model (NaN) is left out.

    Raises
    ------
    InputError
        For another shape.
    """
    # Here and below: it takes a second to import, and who only shows what was computed does without.
    from scipy import stats

    table = _whole_tasks(values)
    tasks, models = table.shape
    ranks = stats.rankdata(table, axis=1) if table.size else table
    mean_ranks = ranks.mean(axis=0) if tasks else np.full(models, np.nan)
    if models < 3 or tasks < 2:
        return Friedman(np.nan, np.nan, np.nan, np.nan, mean_ranks, tasks)
    if (np.ptp(ranks, axis=1) == 0.0).all():
        return Friedman(0.0, 1.0, 0.0, 1.0, mean_ranks, tasks)
    found = stats.friedmanchisquare(*ranks.T)
    chi, most = float(found.statistic), float(tasks * (models - 1))
    # At the most, every task has the same order, and rounding must not make the denominator negative.
    f = np.inf if most - chi <= 1e-12 * most else (tasks - 1) * chi / (most - chi)
    f_p_value = float(stats.f.sf(f, models - 1, (models - 1) * (tasks - 1)))
    return Friedman(chi, float(found.pvalue), float(f), f_p_value, mean_ranks, tasks)


def nemenyi(mean_ranks: Array, tasks: int, alpha: float = 0.05) -> Nemenyi:
    """How far mean ranks must lie apart for two models to differ (Nemenyi 1963; Demsar, JMLR 7, 2006).

    Parameters
    ----------
    mean_ranks
        ``(model,)``, as `friedman` gives them.
    tasks
        How many tasks were ranked.
    alpha
        Chance of any false difference, between 0 and 1.

    Returns
    -------
    Nemenyi
        NaN for fewer than two models or no task.

    Raises
    ------
    InputError
        For an alpha outside (0, 1).
    """
    if not 0.0 < alpha < 1.0:
        raise InputError(f"alpha {alpha:g} is not between 0 and 1", help="0.05 is usual")
    ranks = np.asarray(mean_ranks, dtype=np.float64)
    models = ranks.size
    if models < 2 or tasks < 1:
        return Nemenyi(np.nan, np.full((models, models), np.nan))
    from scipy import stats

    apart = np.abs(ranks[:, None] - ranks) / _rank_error(models, tasks)
    p_values = np.where(apart == 0.0, 1.0, stats.studentized_range.sf(apart, models, np.inf))
    return Nemenyi(critical_difference(models, tasks, alpha), p_values)


def critical_difference(models: int, tasks: int, alpha: float = 0.05) -> float:
    """By how much mean ranks must differ for two models to differ, as `nemenyi` has it, without its tests."""
    return np.nan if models < 2 or tasks < 1 else _critical_range(models, alpha) * _rank_error(models, tasks)


@lru_cache
def _critical_range(models: int, alpha: float) -> float:
    from scipy import stats

    return float(stats.studentized_range.ppf(1.0 - alpha, models, np.inf))


def _rank_error(models: int, tasks: int) -> float:
    # The studentized range is of standard errors of one rank, not of a difference: hence 12 and not 6.
    return math.sqrt(models * (models + 1) / (12.0 * tasks))


def wilcoxon(differences: Array) -> Wilcoxon:
    """Signed-rank test of two models over tasks (Wilcoxon, Biometrics Bull. 1, 1945).

    Zero differences are left out, as Wilcoxon did; the null distribution is exact for few tasks. Nothing but
    zeros gives p = 1, no difference at all NaN.

    Parameters
    ----------
    differences
        ``(task,)``, one model's badness minus the other's; NaN is left out.

    Raises
    ------
    InputError
        For another shape.
    """
    d = np.asarray(differences, dtype=np.float64)
    if d.ndim != 1:
        raise InputError(f"differences have shape {d.shape}", help="give one a task")
    d = d[~np.isnan(d)]
    if not d.size:
        return Wilcoxon(np.nan, np.nan, 0)
    moved = d[d != 0.0]
    if not moved.size:
        return Wilcoxon(0.0, 1.0, d.size)
    from scipy import stats

    # Ranks are all that counts, and those of infinite differences are defined.
    signed = np.sign(moved) * stats.rankdata(np.abs(moved))
    found = stats.wilcoxon(signed)
    return Wilcoxon(float(found.statistic), float(found.pvalue), d.size)


def _whole_tasks(values: Array) -> Array:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2:
        raise InputError(f"scores have shape {table.shape}", help="give them as (task, model)")
    return table[~np.isnan(table).any(axis=1)]
