"""What a page is given of a run."""

import json

import numpy as np
import pytest

import regharness as rh
from regharness.results import Entrant
from regharness.run_results import results_of

SPEC = {
    "name": "toy",
    "version": 3,
    "tasks": [{"name": "t", "data": {"use": "toy"}, "shifts": [{"use": "offset", "severity": [1, 5]}]}],
    "models": [{"name": "m", "use": "constant"}],
    "metrics": ["mse"],
}


@pytest.fixture
def run(toys, tmp_path):
    (tmp_path / "s.yaml").write_text(json.dumps(SPEC))
    return rh.run(tmp_path / "s.yaml", tmp_path / "run")


def test_every_model_is_an_entrant_that_nobody_need_vouch_for(run):
    found = results_of(run)
    assert (found.name, found.version, found.entrants) == ("toy", 3, {"m": Entrant("m", "m")})


def test_curves_are_there_whatever_the_spec_names(run):
    # Of everything retained the risk is the mean squared error, which is scored.
    found = results_of(run)
    at = {"task": "t", "model": "m", "shift": "offset@5"}
    risk = found.curves["risk_coverage_curve"].sel({**at, "retained_fraction": 1.0})
    assert float(risk) == pytest.approx(float(found.scores["mse"].sel(at).mean()))


def test_curves_of_milder_severities_are_not_drawn(run):
    curves = results_of(run).curves["risk_coverage_curve"]
    assert np.isnan(curves.sel(shift="offset@1")).all()


def test_blocks_of_the_metric_that_ranks_come_with_them(run):
    assert "mse" in results_of(run).blocks
