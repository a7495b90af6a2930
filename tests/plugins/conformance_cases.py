"""Own the examples on which metrics are compared with their definitions: ties, ends of the range, few examples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Arrays = tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]
SIZE = 23


def cases() -> dict[str, Arrays]:
    """Name to target, mean and variance, each ``(example,)``, in the type that they are scored in."""
    made = {**_few(), **_ties_and_constants(), **_sigmas(), **_ranges(), **_borders(), **_missing()}
    found = {name: _arrays(*parts, np.float64) for name, parts in made.items()}
    single = ("plain", "ties", "constant_target", "constant_sigma", "infinite_some", "student_t1", "missing", "tail")
    found |= {f"{name}_float32": _arrays(*made[name], np.float32) for name in single}
    y, mu, sigma = _drawn()
    for offset in (1e3, 1e6):
        found[f"offset_{offset:.0e}_float32"] = _arrays(y + offset, mu + offset, sigma, np.float32)
    return found


def _arrays(y, mu, sigma, dtype) -> Arrays:
    parts = np.broadcast_arrays(np.asarray(y, float), np.asarray(mu, float), np.square(sigma, dtype=float))
    return tuple(np.array(part, dtype) for part in parts)


def _drawn(n: int = SIZE, seed: int = 0):
    rng = np.random.default_rng(seed)
    mu, sigma = rng.normal(size=n), rng.gamma(2, 0.4, n) + 0.01
    return mu + sigma * rng.normal(size=n), mu, sigma


def _few():
    """One, two and three examples, and both sides of the 10 bins of ENCE."""
    found = {f"drawn_{n}": _drawn(n, n) for n in (1, 2, 3, 9, 10, 11, 21)}
    found["plain"] = _drawn(40, 1)
    for name, row in {
        "zero": (1, 0, 0),
        "exact": (1, 1, 0.5),
        "exact_zero": (1, 1, 0),
        "infinite": (1, 0, np.inf),
    }.items():
        found[f"one_{name}"] = tuple(np.array([part]) for part in row)
    found["two_tied"] = ([1, 2], [2, 1], [1, 1])
    found["two_equal"] = ([1, 1], [1, 1], [1, 1])
    found["two_infinite"] = ([1, 2], [0, 0], [np.inf, 1])
    found["three_tied"] = ([1, 1, 2], [0, 3, 3], [1, 1, 2])
    found["three_zero"] = ([1, 2, 3], [1, 2, 4], [0, 1, 2])
    return found


def _ties_and_constants():
    y, mu, sigma = _drawn()
    return {
        "ties": (np.round(y), np.round(mu), np.round(2 * sigma) / 2 + 0.5),
        "ties_decimal": (np.round(y, 1), np.round(mu, 1), np.round(sigma, 1) + 0.1),
        "ties_zero": (np.round(y), np.round(mu), np.round(sigma)),
        "constant_target": (0.1, mu, sigma),
        "constant_mean": (y, 0.1, sigma),
        "constant_sigma": (y, mu, 0.1),
        "constant_target_and_mean": (0.1, 0.3, sigma),
        "constant_all": (0.1, 0.3, np.full(SIZE, 0.7)),
        "constant_exact": (0.3, 0.3, np.full(SIZE, 0.1)),
        "constant_error": (np.round(mu) + np.where(np.arange(SIZE) % 2, 1, -1), np.round(mu), sigma),
        "exact": (y, y, sigma),
    }


def _sigmas():
    y, mu, sigma = _drawn()
    places = np.arange(SIZE)
    near = {f"near_zero_{size:.0e}": (y, mu, sigma * size) for size in (1e-9, 1e-30, 1e-150)}
    return near | {
        "near_zero_some": (y, mu, np.where(places % 3 == 0, 1e-9, sigma)),
        "zero_some": (y, mu, np.where(places % 3 == 0, 0, sigma)),
        "zero_without_error": (np.where(places % 3 == 0, mu, y), mu, np.where(places % 3 == 0, 0, sigma)),
        "zero_all": (y, mu, np.zeros(SIZE)),
        "zero_all_exact": (y, y, np.zeros(SIZE)),
        "zero_but_one": (y, mu, np.where(places == 5, 1.0, 0.0)),
        "infinite_some": (y, mu, np.where(places % 5 == 0, np.inf, sigma)),
        "infinite_all": (y, mu, np.full(SIZE, np.inf)),
        "infinite_and_zero": (y, mu, np.where(places % 2 == 0, np.inf, 0)),
        "huge": (y, mu, sigma * 1e100),
    }


def _ranges():
    y, mu, sigma = _drawn()
    rng = np.random.default_rng(2)
    wide = np.exp(8 * rng.normal(size=SIZE))
    heavy = {f"student_t{df}": (rng.standard_t(df, SIZE), mu, np.abs(rng.standard_t(df, SIZE)) + 0.01) for df in (1, 2)}
    return heavy | {
        "lognormal": (wide, wide * rng.normal(size=SIZE), np.exp(8 * rng.normal(size=SIZE))),
        "outlier": (np.where(np.arange(SIZE) == 3, 1e12, y), mu, sigma),
        "offset": (y + 1e8, mu + 1e8, sigma),
        "large": (y * 1e150, mu * 1e150, sigma * 1e150),
        "small": (y * 1e-150, mu * 1e-150, sigma * 1e-150),
        "tail": (mu + np.where(np.arange(SIZE) % 2, 6, -9) * sigma, mu, sigma),
        "sorted": (mu + np.sort(np.abs(y - mu)), mu, np.sort(sigma)),
    }


def _borders():
    """Errors on the very ends of intervals and on quantiles, where sigma is a power of two and all is exact."""
    ends = ndtri((1 + np.arange(1, 20) / 20) / 2)
    y, mu, sigma = _drawn()
    places = np.arange(SIZE)
    return {
        "border_above": (4 * ends, 0.0, np.full(19, 4.0)),
        "border_below": (-ends / 2, 0.0, np.full(19, 0.5)),
        "border_of_quantiles": (ndtri(np.arange(1, 20) / 20), 0.0, np.ones(19)),
        "no_error": (np.where(places % 2, mu, y), mu, np.where(places % 4 == 1, 0, sigma)),
        "minus_zero": (np.full(7, -0.0), np.zeros(7), np.ones(7)),
    }


def _missing():
    y, mu, sigma = _drawn()
    places = np.arange(SIZE)
    gaps = [np.where(places % step == 0, np.nan, part) for step, part in ((7, y), (5, mu), (11, sigma))]
    return {
        "missing": tuple(gaps),
        "missing_but_one": (np.where(places == 4, y, np.nan), mu, sigma),
        "missing_all": (np.full(SIZE, np.nan), mu, sigma),
    }
