"""Every metric of a test set that the plugin offers keeps the contract that authors of plugins are given."""

import re

import pytest

from regharness.catalog import load_catalog
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

    getattr(contract, clause)()
