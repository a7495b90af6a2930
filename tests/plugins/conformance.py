"""Own naive definitions of the metrics, straight from their formulas, at 50 digits. Uses nothing of the harness.

Every input is the exact number that it holds. The error e = y - mu and sigma, the root of the variance, are rounded
once to float64, as ties and borders of intervals are defined on them; all that follows is mpmath, quadratic where that
is clearest.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import mpmath
from mpmath import mpf
from scipy.special import ndtri

mpmath.mp.dps = 50

NAN, INF = mpmath.nan, mpmath.inf
LEVELS = [Fraction(j, 20) for j in range(1, 20)]
Row = tuple[float, float, float]
Number = mpf


class Sample:
    """Examples free of NaN: y, mu, e, sigma, z and u = Phi(z). Without an error z is 0."""

    def __init__(self, rows: Sequence[Row]) -> None:
        rows = [row for row in rows if not any(math.isnan(part) for part in row)]
        self.n = len(rows)
        self.y = [mpf(y) for y, _, _ in rows]
        self.mu = [mpf(mu) for _, mu, _ in rows]
        self.e = [mpf(y - mu) for y, mu, _ in rows]
        self.sigma = [mpf(math.sqrt(variance)) for _, _, variance in rows]
        self.z = [standardised(e, s) for e, s in zip(self.e, self.sigma, strict=True)]
        self.u = [phi_cumulative(z) for z in self.z]

    @property
    def square(self) -> list[Number]:
        return [e * e for e in self.e]

    @property
    def absolute(self) -> list[Number]:
        return [abs(e) for e in self.e]

    def positive(self, values: list[Number]) -> list[Number]:
        """The values of examples whose sigma is not zero."""
        return [value for value, s in zip(values, self.sigma, strict=True) if s > 0]


# Numbers


def mean(values: Sequence[Number]) -> Number:
    return sum(values, mpf(0)) / len(values) if values else NAN


def moment(one: Sequence[Number], two: Sequence[Number], ddof: int = 0) -> Number:
    if len(one) <= ddof:
        return NAN
    if len(set(one)) == 1 or len(set(two)) == 1:
        return mpf(0)
    a, b = mean(one), mean(two)
    return sum(((x - a) * (y - b) for x, y in zip(one, two, strict=True)), mpf(0)) / (len(one) - ddof)


def ratio(top: Number, bottom: Number) -> Number:
    if bottom != 0:
        return top / bottom
    return NAN if top == 0 or mpmath.isnan(top) else top * INF


def standardised(e: Number, sigma: Number) -> Number:
    if e == 0 or sigma == INF:
        return mpf(0)
    return ratio(e, sigma)


def phi_cumulative(z: Number) -> Number:
    """Phi; beyond 60 it is 0 or 1 to far more than 50 digits."""
    return mpmath.ncdf(z) if abs(z) < 60 else mpf(z > 0)


def phi_density(z: Number) -> Number:
    return mpmath.npdf(z) if abs(z) < 60 else mpf(0)


def quantile(level: Fraction) -> Number:
    """Phi^-1, as the float64 that a user computes an interval with."""
    return mpf(float(ndtri(float(level))))


def ranks(values: Sequence[Number]) -> list[Number]:
    """Average ranks."""
    return [sum(w < v for w in values) + mpf(sum(w == v for w in values) + 1) / 2 for v in values]


def correlation(one: Sequence[Number], two: Sequence[Number]) -> Number:
    if not one or len(set(one)) == 1 or len(set(two)) == 1:
        return NAN
    return moment(one, two) / mpmath.sqrt(moment(one, one) * moment(two, two))


# Point predictions


def r2(s: Sample) -> Number:
    if s.n < 2:
        return NAN
    return 1 - ratio(sum(s.square), moment(s.y, s.y) * s.n)


def ccc(s: Sample) -> Number:
    if not s.n or len(set(s.mu)) == 1:
        return NAN
    shift = mean(s.mu) - mean(s.y)
    return 2 * moment(s.y, s.mu) / (moment(s.y, s.y) + moment(s.mu, s.mu) + shift**2)


def median(values: Sequence[Number]) -> Number:
    low, high = sorted(values)[(len(values) - 1) // 2], sorted(values)[len(values) // 2]
    return (low + high) / 2


# Gaussian predictions


def nll(s: Sample) -> Number:
    terms = []
    for e, sigma, z in zip(s.e, s.sigma, s.z, strict=True):
        zero = NAN if e == 0 else INF
        terms.append(mpmath.log(sigma) + z * z / 2 if sigma > 0 else zero)
    return mean(terms) + mpmath.log(2 * mpmath.pi) / 2


def crps_of(e: Number, sigma: Number) -> Number:
    if sigma == 0:
        return abs(e)
    z = standardised(e, sigma)
    return sigma * (z * (2 * phi_cumulative(z) - 1) + 2 * phi_density(z) - 1 / mpmath.sqrt(mpmath.pi))


def covered(s: Sample, level: Fraction) -> Number:
    half = quantile((1 + level) / 2)
    return mean([mpf(abs(e) <= half * sigma) for e, sigma in zip(s.e, s.sigma, strict=True)])


def width(s: Sample, level: Fraction) -> Number:
    return mean([2 * quantile((1 + level) / 2) * sigma for sigma in s.sigma])


def interval_score(s: Sample, level: Fraction) -> Number:
    half, alpha = quantile((1 + level) / 2), mpf(1 - level.numerator / mpf(level.denominator))
    over = [abs(e) - half * sigma for e, sigma in zip(s.e, s.sigma, strict=True)]
    return width(s, level) + 2 / alpha * mean([max(o, mpf(0)) for o in over])


def proportion(s: Sample, level: Fraction) -> Number:
    return mean([mpf(z <= quantile(level)) for z in s.z])


def kuleshov(s: Sample) -> Number:
    return sum((proportion(s, p) - mpf(p.numerator) / p.denominator) ** 2 for p in LEVELS)


def area_to_uniform(values: Sequence[Number]) -> Number:
    """The integral over p of abs(share of values at most p - p), piece by piece."""
    edges = [mpf(0), *sorted(values), mpf(1)]
    total = mpf(0)
    for k, (low, high) in enumerate(itertools.pairwise(edges)):
        level = mpf(k) / len(values)
        for a, b in ((low, min(max(level, low), high)), (min(max(level, low), high), high)):
            total += abs(level - (a + b) / 2) * (b - a)
    return total


def histogram(s: Sample) -> list[Number]:
    """Counts in ten bins; the last is closed."""
    places = [min(int(mpmath.floor(10 * u)), 9) for u in s.u]
    return [mpf(places.count(j)) for j in range(10)]


def kolmogorov(s: Sample) -> Number:
    u = sorted(s.u)
    return max(max(mpf(i + 1) / s.n - v, v - mpf(i) / s.n) for i, v in enumerate(u))


def cramer(s: Sample) -> Number:
    return mpf(1) / (12 * s.n) + sum((mpf(2 * i + 1) / (2 * s.n) - u) ** 2 for i, u in enumerate(sorted(s.u)))


def ence(s: Sample) -> Number:
    order = sorted(range(s.n), key=lambda i: s.sigma[i])
    gaps, start = [], 0
    for j in range(min(10, s.n)):
        stop = start + s.n // 10 + (j < s.n % 10)
        rows, start = order[start:stop], stop
        rmv = mpmath.sqrt(mean([s.sigma[i] ** 2 for i in rows]))
        rmse = mpmath.sqrt(mean([s.e[i] ** 2 for i in rows]))
        gaps.append(ratio(abs(rmv - rmse), rmv))
    return mean(gaps)


def sharpness(s: Sample) -> Number:
    return mpmath.sqrt(mean([sigma**2 for sigma in s.positive(s.sigma)]))


def dispersion(s: Sample) -> Number:
    sigma = s.positive(s.sigma)
    if len(sigma) < 2 or INF in sigma:
        return NAN
    return mpmath.sqrt(moment(sigma, sigma, ddof=1)) / mean(sigma)


# Selection by sigma


def expected(losses: Sequence[Number], scores: Sequence[Number]) -> list[Number]:
    """Losses from the lowest score on, each as the mean of the losses that share its score."""
    shared = [mean([x for x, t in zip(losses, scores, strict=True) if t == score]) for score in scores]
    return [shared[i] for i in sorted(range(len(scores)), key=lambda i: scores[i])]


def aurc(losses: Sequence[Number], scores: Sequence[Number]) -> Number:
    ordered = expected(losses, scores)
    return mean([mean(ordered[: k + 1]) for k in range(len(ordered))])


def augrc(losses: Sequence[Number], scores: Sequence[Number]) -> Number:
    n = len(losses)
    half = mpf(1) / 2
    return sum((n - i + half) * x for i, x in enumerate(expected(losses, scores), start=1)) / n**2


def selective_risk(losses: Sequence[Number], scores: Sequence[Number], coverage: Fraction) -> Number:
    return mean(expected(losses, scores)[: math.ceil(coverage * len(losses))])


def selective(s: Sample, losses: list[Number], suffix: str) -> dict[str, Number]:
    model, oracle, random = aurc(losses, s.sigma), aurc(losses, losses), mean(losses)
    return {
        f"aurc{suffix}": model,
        f"e_aurc{suffix}": model - oracle,
        f"augrc{suffix}": augrc(losses, s.sigma),
        f"prr{suffix}": ratio(random - model, random - oracle),
        **({"ause": model - oracle} if suffix else {"aurc_oracle": oracle, "aurg": random - model}),
    }


# All of them


def _levelled(s: Sample) -> dict[str, Number]:
    scores: dict[str, Number] = {}
    for level in LEVELS:
        percent = int(100 * level)
        scores[f"coverage_{percent}"] = covered(s, level)
        scores[f"mean_width_{percent}"] = width(s, level)
    for percent in (50, 80, 90, 95):
        scores[f"interval_score_{percent}"] = interval_score(s, Fraction(percent, 100))
    for percent in (50, 70, 80, 90, 95):
        scores[f"selective_risk_{percent}"] = selective_risk(s.square, s.sigma, Fraction(percent, 100))
    return scores


POINT: dict[str, Callable[[Sample], Number]] = {
    "mse": lambda s: mean(s.square),
    "rmse": lambda s: mpmath.sqrt(mean(s.square)),
    "mae": lambda s: mean(s.absolute),
    "medae": lambda s: median(s.absolute),
    "max_abs_error": lambda s: max(s.absolute),
    "bias": lambda s: -mean(s.e),
    "r2": r2,
    "pearson_r": lambda s: correlation(s.y, s.mu),
    "spearman_rho": lambda s: correlation(ranks(s.y), ranks(s.mu)),
    "ccc": ccc,
}

GAUSSIAN: dict[str, Callable[[Sample], Number]] = {
    "nll": nll,
    "crps": lambda s: mean([crps_of(e, sigma) for e, sigma in zip(s.e, s.sigma, strict=True)]),
    "calibration_error_kuleshov": kuleshov,
    "miscalibration_area": lambda s: area_to_uniform(s.u),
    "miscalibration_area_interval": lambda s: area_to_uniform([abs(2 * u - 1) for u in s.u]),
    "ence": ence,
    "z_mean": lambda s: mean(s.positive(s.z)),
    "z_mean_square": lambda s: mean([z * z for z in s.positive(s.z)]),
    "z_var": lambda s: moment(s.positive(s.z), s.positive(s.z)),
    "sharpness": sharpness,
    "dispersion": dispersion,
    "spread_skill": lambda s: ratio(sharpness(s), mpmath.sqrt(mean(s.square))),
    "pit_mean": lambda s: mean(s.u),
    "pit_var": lambda s: moment(s.u, s.u),
    "pit_ks": kolmogorov,
    "pit_cvm": cramer,
    "pit_chi2": lambda s: sum((count - mpf(s.n) / 10) ** 2 for count in histogram(s)) * 10 / s.n,
    "spearman_error_sigma": lambda s: correlation(ranks(s.absolute), ranks(s.sigma)),
}

CURVES: dict[str, Callable[[Sample], list[Number]]] = {
    "calibration_curve": lambda s: [proportion(s, level) for level in LEVELS],
    "interval_calibration_curve": lambda s: [covered(s, level) for level in LEVELS],
    "risk_coverage_curve": lambda s: [selective_risk(s.square, s.sigma, c) for c in [*LEVELS, Fraction(1)]],
    "pit_histogram": lambda s: [count / s.n for count in histogram(s)],
}


def scores_of(rows: Sequence[Row]) -> dict[str, float | list[float]]:
    """Every score of rows of y, mu and variance; a curve as a list. NaN without a row that is free of NaN."""
    s = Sample(rows)
    if not s.n:
        return dict.fromkeys(scores_of([(0.0, 0.0, 1.0)]), math.nan)
    scores = {name: score(s) for name, score in {**POINT, **GAUSSIAN}.items()}
    scores |= _levelled(s) | selective(s, s.square, "") | selective(s, s.absolute, "_abs")
    curves = {name: [float(value) for value in curve(s)] for name, curve in CURVES.items()}
    return {**{name: float(score) for name, score in scores.items()}, **curves}
