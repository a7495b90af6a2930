"""What a plan of 100,000 cells costs: 100 models, 100 shifts, 10 seeds."""

import pytest

from regharness.catalog import load_catalog
from regharness.plan import make_plan, select
from regharness.spec import BenchmarkSpec
from regharness.staleness import Facts, reasons

GROUP = "a plan of 100,000 cells"


@pytest.fixture(scope="module")
def spec():
    shifts = [{"use": "assay_noise", "name": f"noise{i}", "severity": [1, 2, 3]} for i in range(33)]
    return BenchmarkSpec.model_validate(
        {
            "name": "large",
            "seeds": list(range(10)),
            "tasks": [{"name": "t", "data": {"use": "simulated_mpra"}, "shifts": shifts}],
            "models": [{"name": f"m{i}", "use": "kmer_ridge", "with": {"k": 1 + i % 6}} for i in range(100)],
            "metrics": ["mse"],
        }
    )


@pytest.mark.benchmark(group=GROUP)
def test_planning(benchmark, spec):
    plan = benchmark.pedantic(make_plan, (spec, load_catalog()), rounds=5, warmup_rounds=1)
    assert len(plan.cells) == 100_000


@pytest.mark.benchmark(group=GROUP)
def test_selecting_one_model(benchmark, spec):
    plan = make_plan(spec, load_catalog())
    assert len(benchmark(select, plan.cells, ["model=m1", "seed=[0-4]"])) == 500


@pytest.mark.benchmark(group=GROUP)
def test_saying_that_none_was_computed(benchmark, spec, tmp_path):
    plan = make_plan(spec, load_catalog())
    facts = Facts(tmp_path, plan.facts)
    benchmark(lambda: [reasons(cell, None, facts) for cell in plan.cells])
