"""Own naive definitions of the metrics that look at more than one Gaussian, as `conformance` has those of the others.

Members and quantiles, uncertainty under shift against identity, and scores under shift. Uses nothing of the harness.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

import mpmath
from conformance import NAN, Number, mean, phi_cumulative, phi_density
from mpmath import mpf

# Ensembles and quantiles


def crps_fair(y: Sequence[float], members: Sequence[Sequence[float]]) -> float:
    return float(
        mean([_crps_of_members(mpf(t), [mpf(x) for x in row], len(row) - 1) for t, row in zip(y, members, strict=True)])
    )


def crps_ensemble(y: Sequence[float], members: Sequence[Sequence[float]]) -> float:
    return float(
        mean([_crps_of_members(mpf(t), [mpf(x) for x in row], len(row)) for t, row in zip(y, members, strict=True)])
    )


def _crps_of_members(y: Number, row: list[Number], others: int) -> Number:
    spread = sum((abs(a - b) for a in row for b in row), mpf(0))
    return mean([abs(x - y) for x in row]) - (spread / (2 * len(row) * others) if others else NAN)


def crps_mixture(y: Sequence[float], means: Sequence[Sequence[float]], variances: Sequence[Sequence[float]]) -> float:
    def expected_distance(d: Number, variance: Number) -> Number:
        if variance == 0:
            return abs(d)
        sigma = mpmath.sqrt(variance)
        return d * (2 * phi_cumulative(d / sigma) - 1) + 2 * sigma * phi_density(d / sigma)

    scores = []
    for t, row, spread in zip(y, means, variances, strict=True):
        parts = [(mpf(x), mpf(v)) for x, v in zip(row, spread, strict=True)]
        near = mean([expected_distance(mpf(t) - x, v) for x, v in parts])
        scores.append(near - mean([expected_distance(a - b, v + w) for a, v in parts for b, w in parts]) / 2)
    return float(mean(scores))


def pinball(y: Sequence[float], quantiles: Sequence[Sequence[float]], levels: Sequence[Fraction]) -> float:
    losses = [
        (p if t >= q else p - 1) * (Fraction(t) - Fraction(q))
        for t, row in zip(y, quantiles, strict=True)
        for q, p in zip(row, levels, strict=True)
    ]
    return float(sum(losses) / len(losses))


def wis(y: Sequence[float], quantiles: Sequence[Sequence[float]], levels: Sequence[Fraction]) -> float:
    """Bracher (2021), equation 4, with weights 1/2 of the median and alpha/2 of each interval."""
    pairs = len(levels) // 2
    total = Fraction(0)
    for t, row in zip(map(Fraction, y), quantiles, strict=True):
        q = [Fraction(x) for x in row]
        score = abs(t - q[pairs]) / 2
        for k in range(pairs):
            low, high, alpha = q[k], q[-1 - k], 2 * levels[k]
            score += alpha / 2 * (high - low + 2 / alpha * max(low - t, 0) + 2 / alpha * max(t - high, 0))
        total += score / (pairs + Fraction(1, 2))
    return float(total / len(y))


# Out of distribution, and change under shift


def ood_auroc(identity: Sequence[float], shifted: Sequence[float]) -> float:
    wins = sum(Fraction(2 * (s > i) + (s == i), 2) for s in shifted for i in identity)
    return float(wins / (len(identity) * len(shifted)))


def _rates(identity: Sequence[float], shifted: Sequence[float]) -> list[tuple[Fraction, Fraction, Fraction]]:
    """True positive rate, false positive rate and precision of each threshold, from the highest one down."""
    found = []
    for threshold in sorted({*identity, *shifted}, reverse=True):
        true, false = sum(s >= threshold for s in shifted), sum(i >= threshold for i in identity)
        found.append((Fraction(true, len(shifted)), Fraction(false, len(identity)), Fraction(true, true + false)))
    return found


def ood_aupr(identity: Sequence[float], shifted: Sequence[float]) -> float:
    recall, area = Fraction(0), Fraction(0)
    for true, _, precision in _rates(identity, shifted):
        recall, area = true, area + (true - recall) * precision
    return float(area)


def ood_fpr95(identity: Sequence[float], shifted: Sequence[float]) -> float:
    return float(next(false for true, false, _ in _rates(identity, shifted) if true >= Fraction(19, 20)))


Operators = Sequence[Sequence[tuple[int, float]]]
"""Of each shift operator, severities and the errors there."""


def mce(model: Operators, reference: Operators) -> float:
    ratios = [
        Fraction(sum(Fraction(e) for _, e in one)) / sum(Fraction(e) for _, e in other)
        for one, other in zip(model, reference, strict=True)
    ]
    return float(sum(ratios) / len(ratios))


def relative_mce(model: Operators, clean: float, reference: Operators, reference_clean: float) -> float:
    def degraded(operators: Operators, identity: float) -> Operators:
        return [[(severity, Fraction(e) - Fraction(identity)) for severity, e in one] for one in operators]

    return mce(degraded(model, clean), degraded(reference, reference_clean))


def severity_area(operator: Sequence[tuple[int, float]], clean: float) -> float:
    """Trapezoids from identity, over the range of severity."""
    points = [(0, Fraction(clean)), *((severity, Fraction(e)) for severity, e in operator)]
    area = sum((b - a) * (e + f) / 2 for (a, e), (b, f) in itertools.pairwise(points))
    return float(area / points[-1][0])
