"""Times foretold from times that others took."""

import json

import pytest
from builders import spec, write

import regharness as rh
from regharness.forecast import forecast
from regharness.plan import make_plan
from regharness.spec_loading import load


@pytest.fixture
def run(toys, tmp_path):
    """A finished run whose records say that every fit took 6.4 s, and all else a millisecond an example."""
    run = rh.run(write(tmp_path, spec()), tmp_path / "run")
    file = run.folder / "cells.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line in lines:
        fit = {"fit": 6.4} if "fit" in line["timings"] else {}
        line.update(timings=fit, seconds=sum(fit.values()) + line["examples"] / 1000)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return run


def foretold(toys, tmp_path, run, **changes):
    plan = make_plan(load(write(tmp_path, spec(**changes), "other.yaml"), toys), toys)
    return forecast(plan, plan.cells, run.folder)


def test_the_time_of_the_same_cells_is_theirs(toys, tmp_path, run):
    # Two seeds, 64 examples to learn in 6.4 s each; two models on four test sets of 32 examples.
    assert foretold(toys, tmp_path, run).seconds == pytest.approx(2 * 6.4 + 2 * 2 * 4 * 0.032)


def test_fitting_grows_with_training_and_predicting_with_the_test_set(toys, tmp_path, run):
    tasks = [{"name": "t", "data": {"use": "toy", "with": {"train": 128, "test": 96}}, "shifts": []}]
    assert foretold(toys, tmp_path, run, tasks=tasks).seconds == pytest.approx(2 * 12.8 + 2 * 2 * 0.096)


def test_models_of_which_nothing_is_known_are_named(toys, tmp_path, run):
    found = foretold(toys, tmp_path, run, models=[{"name": "new", "use": "constant"}])
    assert (found.seconds, found.unknown) == (0.0, ("new",))


def test_the_plan_says_how_long_what_is_left_will_take(toys, tmp_path, run, regharness):
    file = write(tmp_path, spec(seeds=[0, 1, 2]), "more.yaml")
    done = regharness("plan", file, "-o", run.folder, "--json")
    assert json.loads(done.stdout)["forecast"]["seconds"] == pytest.approx(6.4 + 2 * 4 * 0.032, abs=0.06)
