"""Every metric of a test set that the plugin offers keeps the contract that authors of plugins are given."""

import re

import numpy as np
import pytest

from regharness.catalog import load_catalog
from regharness.interfaces import Evidence
from regharness.scoring import score_cell
from regharness.testing import MetricContract

CATALOG = load_catalog()
CONTRACT = sorted(name for name in vars(MetricContract) if name.startswith("test_"))
# Of metrics that differ by a level alone, that of 90%.
OFFERED = [
    name
    for name in CATALOG.names("metric")
    if CATALOG.owner("metric", name).name == "regharness_metrics"
    and not hasattr(CATALOG.create("metric", name), "compare")
    and not re.search(r"_(?!90$)\d+$", name)
]


@pytest.mark.parametrize("clause", CONTRACT)
@pytest.mark.parametrize("name", OFFERED)
def test_a_metric_keeps_the_contract(name, clause):
    contract = MetricContract()
    contract.make_metric = lambda: CATALOG.create("metric", name)
    if name.startswith("variant_"):
        contract.covariate = lambda _, n: np.random.default_rng(0).uniform(0, 2e-5, n)

    getattr(contract, clause)()


@pytest.mark.parametrize("variance", [0.0, 1e-300, 1.0, 1e300, np.inf])
@pytest.mark.parametrize("error", [0.0, 1e200, np.inf])
def test_no_metric_warns_at_the_ends_of_the_range(error, variance):
    for n in (1, 2, 3):
        wide = np.full((n, 2), variance)
        evidence = Evidence(
            *(np.full(n, error), np.zeros(n), wide[:, 0], np.zeros((n, 2)), (0.05, 0.95), np.zeros((n, 2)), wide),
            noise_variance=np.full(n, 0.1),
            covariates={name: np.arange(n) for name in ("element", "p_value")},
        )
        scores = score_cell(evidence, {name: CATALOG.create("metric", name) for name in OFFERED}, identity=evidence)

        assert all(np.asarray(score).dtype.kind in "fi" for score in scores.values())
