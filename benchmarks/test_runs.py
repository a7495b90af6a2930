"""What a run costs beside its predictions: against a bare loop, a cell more, two workers, and when nothing is to do.

Seconds of a run are those that its ``run.json`` states: planning and scoring are not in them. What is done once, as
fits and the workers' start, is left out by taking the difference of two runs of which one has more cells, each in a
fresh folder.
"""

import json
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

import regharness as rh
from regharness.interfaces import RunContext
from regharness.seeding import seed_for

EXAMPLES, LENGTH = 100_000, 200

pytestmark = pytest.mark.usefixtures("bench_plugin")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def spec(models, data, severities=(1,), seeds=1):
    return {
        "name": "bench",
        "seeds": list(range(seeds)),
        "tasks": [
            {
                "name": "t",
                "data": {"use": "bench_examples", "with": data},
                "shifts": [{"use": "bench_raised", "severity": list(severities)}],
            }
        ],
        "models": models,
        "metrics": ["mse"],
        "leaderboard": {"rank_by": "mse"},
    }


@pytest.fixture
def seconds(tmp_path):
    """How long the cells of a run in a fresh folder take: the least of some runs."""

    def measure(value, rounds=1, **options):
        file = tmp_path / "spec.yaml"
        file.write_text(json.dumps(value))
        took = []
        for _ in range(rounds):
            folder = tmp_path / f"run{len(list(tmp_path.iterdir()))}"
            run = rh.run(file, folder, **{"device": "cpu", "disabled": ["regharness_report"], **options})
            assert run.failures == []
            took.append(run.provenance["wall_seconds"])
            shutil.rmtree(folder)
        return min(took)

    return measure


def bare(model, data, severities, folder):
    """Seconds of a loop of the same predictions of the same examples, whose raw numbers are written as they are."""
    dataset, shift = rh.data("bench_examples", **data).generate(0), rh.shift("bench_raised")
    context = RunContext(seed=seed_for(0, "model"), device="cpu")
    if model.trainable:
        model.fit(dataset.train, dataset.calibration, context)
    began = time.perf_counter()
    for severity in severities:
        batch = shift.apply(dataset, severity, np.random.default_rng(0))
        prediction = model.predict(batch.inputs(), context)
        arrays = (batch.target, prediction.mean, prediction.aleatoric_variance, prediction.epistemic_variance)
        for index, array in enumerate(arrays):
            if array is not None:
                array.astype(np.float32, copy=False).tofile(folder / f"{severity}.{index}")
    return time.perf_counter() - began


def overhead(seconds, use, parameters, folder, rounds):
    """Seconds a cell of a run, and of the loop."""
    data = {"test": EXAMPLES, "train": 600, "length": LENGTH}
    model = {"name": "m", "use": use, "with": parameters}
    few, many = (seconds(spec([model], data, severities), rounds) for severities in ([1], [1, 2, 3]))
    folder = folder / "bare"
    folder.mkdir()
    theirs = min(bare(rh.model(use, **parameters), data, (2, 3), folder) for _ in range(rounds))
    return (many - few) / 2, theirs / 2


@pytest.mark.benchmark(group="100,000 examples a cell")
def test_overhead_with_a_frozen_cnn(benchmark, seconds, tmp_path):
    arguments = (seconds, "torch_cnn", {"epochs": 1}, tmp_path, 2)
    ours, theirs = benchmark.pedantic(overhead, arguments, rounds=1)
    benchmark.extra_info.update({"ratio": ours / theirs, "milliseconds a cell": 1e3 * (ours - theirs)})


@pytest.mark.benchmark(group="100,000 examples a cell")
def test_overhead_with_a_cheap_model(benchmark, seconds, tmp_path):
    arguments = (seconds, "bench_cheap", {}, tmp_path, 5)
    ours, theirs = benchmark.pedantic(overhead, arguments, rounds=1)
    benchmark.extra_info.update({"ratio": ours / theirs, "milliseconds a cell": 1e3 * (ours - theirs)})


@pytest.mark.benchmark(group="a cell more, of 8 examples")
@pytest.mark.parametrize("executor", ["local", "dask"])
def test_fixed_cost_of_a_cell(benchmark, seconds, executor):
    """20 cells a seed, with their test sets: from 10 seeds to 20."""
    models = [{"name": f"m{index}", "use": "bench_cheap"} for index in range(5)]

    def cost():
        few, many = (seconds(spec(models, {}, [1, 3, 5], seeds), 3, executor=executor) for seeds in (10, 20))
        return (many - few) / 200

    benchmark.extra_info["milliseconds"] = 1e3 * benchmark.pedantic(cost, rounds=1)


@pytest.mark.benchmark(group="cells of a fifth of a second")
def test_two_workers_against_one(benchmark, seconds):
    """From 20 cells to 60, by one worker of `processes` and by two."""
    models = [{"name": "m", "use": "bench_busy", "with": {"rounds": 500_000}}]

    def more(workers):
        few, many = (
            seconds(spec(models, {}, [1, 3, 5], seeds), executor="processes", workers=workers) for seeds in (5, 15)
        )
        return many - few

    one, two = benchmark.pedantic(lambda: (more(1), more(2)), rounds=1)
    benchmark.extra_info["ratio"] = one / two


def start(*words):
    subprocess.run([sys.executable, *map(str, words)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, bench_plugin):
    """The spec and the folder of a finished run of 10,000 cells."""
    folder = tmp_path_factory.mktemp("finished")
    models = [{"name": f"m{index}", "use": "bench_cheap"} for index in range(20)]
    (folder / "spec.yaml").write_text(json.dumps(spec(models, {}, [1, 2, 4, 5], 100)))
    rh.run(folder / "spec.yaml", folder / "run", device="cpu")
    return folder / "spec.yaml", folder / "run"


@pytest.mark.benchmark(group="nothing to do")
def test_importing_what_a_run_needs(benchmark):
    benchmark.pedantic(start, ("-c", "import numpy, xarray, zarr, pydantic"), rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="nothing to do")
def test_resuming_a_finished_run_of_10_000_cells(benchmark, finished):
    file, folder = finished
    benchmark.pedantic(start, ("-m", "regharness", "run", file, "-o", folder, "--quiet"), rounds=3, warmup_rounds=1)
