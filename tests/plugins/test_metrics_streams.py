"""Scores of cells that are too large to be gone through metric by metric."""

import math
import subprocess
import sys

import numpy as np
import pytest
from scipy.special import erf

import regharness as rh
from regharness.catalog import load_catalog
from regharness.metric_protocols import Evidence, Gathering
from regharness.scoring import EXACT_UP_TO
from regharness_metrics.orders import (
    area_by_loss,
    area_by_sigma,
    generalised_area,
    rank_correlation_of,
    risk_of_first,
)
from regharness_metrics.streams import Examples

N = 120_000
CATALOG = load_catalog()


def of_plugin():
    names = [name for name in CATALOG.names("metric") if CATALOG.owner("metric", name).name == "regharness_metrics"]
    made = {name: CATALOG.create("metric", name, {}) for name in names}
    return {name: metric for name, metric in made.items() if hasattr(metric, "accumulator")}


METRICS = of_plugin()
STREAMED = [name for name, metric in METRICS.items() if not isinstance(metric.accumulator, Gathering)]
BY_ORDER = ["aurc", "aurc_abs", "e_aurc", "e_aurc_abs", "augrc", "augrc_abs", "aurc_oracle", "selective_risk_50"]
RANKED = ["spearman_rho", "spearman_error_sigma"]
BY_MEANS = [name for name in STREAMED if name not in (*BY_ORDER, *RANKED) and not name.startswith("selective_risk")]


def usual(n=N, seed=0):
    rng = np.random.default_rng(seed)
    mean = rng.normal(size=n)
    sigma = np.exp(rng.normal(scale=0.5, size=n))
    return mean + 0.7 * sigma * rng.normal(size=n), mean, sigma**2


def kinds():
    rng = np.random.default_rng(1)
    target, mean, variance = usual()
    yield "usual", (target, mean, variance)
    yield "float32", tuple(part.astype(np.float32) for part in (target, mean, variance))
    yield (
        "float32 with an offset",
        tuple((part + add).astype(np.float32) for part, add in zip(usual(), (1000, 1000, 0))),
    )
    yield "mixed types", (target.astype(np.float32), mean, variance.astype(np.float32))
    yield "offset", (target + 1e6, mean + 1e6, variance)
    yield "heavy tails", (mean + rng.standard_cauchy(N), mean, np.exp(3 * rng.normal(size=N)))
    yield "ties", tuple(np.round(4 * part) / 4 + (part is variance) for part in (target, mean, variance))
    yield "few sigmas", (target, mean, rng.integers(1, 4, N) / 3)
    yield "one sigma", (target, mean, np.full(N, 0.1))
    yield "nearly one sigma", (target, mean, 0.1 * (1 + 1e-9 * rng.normal(size=N)))
    yield "zero sigmas", (target, mean, np.where(rng.random(N) < 0.1, 0, variance))
    yield "zero errors and sigmas", (np.where(variance < 1, mean, target), mean, np.where(variance < 1, 0, variance))
    yield "infinite sigmas", (target, mean, np.where(rng.random(N) < 0.1, np.inf, variance))
    yield "tiny sigmas", (target, mean, np.where(rng.random(N) < 0.1, 1e-300, variance))
    yield "infinite errors", (np.where(rng.random(N) < 1e-4, np.inf, target), mean, variance)
    yield "constant target", (np.full(N, 0.1), mean, variance)
    yield "constant mean", (target, np.full(N, 0.1), variance)
    yield "all the same", (np.full(N, 0.1), np.full(N, 0.1), np.full(N, 0.1))
    yield "perfect", (mean, mean, variance)
    yield "in order", tuple(part[np.argsort(target)] for part in (target, mean, variance))
    yield "nan", (np.where(rng.random(N) < 0.01, np.nan, target), mean, variance)


KINDS = dict(kinds())


@pytest.mark.parametrize("kind", KINDS)
def test_metrics_of_means_in_blocks_are_those_of_all_at_once(kind):
    values = KINDS[kind]
    blocks, exact = (rh.evaluate(*values, metrics=BY_MEANS, exact=exact) for exact in (False, True))

    np.testing.assert_allclose([*blocks.values()], [*exact.values()], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_metrics_of_an_order_in_blocks_are_within_their_tolerance(kind):
    values = KINDS[kind]
    blocks, exact = (rh.evaluate(*values, metrics=[*BY_ORDER, *RANKED], exact=exact) for exact in (False, True))

    np.testing.assert_allclose([*blocks.values()], [*exact.values()], rtol=1e-4, atol=1e-12)
