"""Claims held against runs: what is measured, and how a verdict follows."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from regharness.catalog import load_catalog
from regharness.run_folder import Run
from regharness.spec_loading import load
from regharness_paper import claims
from regharness_paper.claims import CLAIMS, Claim, Test, verdict
from regharness_paper.evidence import Scores, measured
from regharness_paper.verdicts import Judged, markdown, plain


def scores(values):
    """Scores of one metric ``(model, shift, seed)``, of a task with one output of two that there are."""
    values = np.asarray(values, float)
    dims = ("task", "model", "shift", "seed", "output")
    padded = np.stack([values, np.full(values.shape, np.nan)], axis=-1)[None]
    counts = np.broadcast_to(np.array([10, 0]), padded.shape)
    labels = {"task": ["t"], "model": ["a", "b"], "shift": ["identity", "noise@5"], "output": ["x", "y"]}
    return Scores(xr.Dataset({"mse": (dims, padded), "n_valid": (dims, counts)}, labels))


def noise(found, model):
    return found.of("t", model, "mse", ["noise@5"])


HELD = scores([[[1, 1, 1], [4.0, 4.2, 4.1]], [[1, 1, 1], [1.0, 2.0, 9.0]]])


def test_scores_are_of_the_outputs_that_the_task_has():
    assert HELD.of("t", "a", "mse", ["identity", "noise@5"]).tolist() == [2.5, 2.6, 2.55]


def test_an_interval_over_seeds_is_students():
    found = measured("a", np.array([4.0, 4.2, 4.1]))
    assert (found.value, found.low, found.high) == pytest.approx(
        (4.1, 4.1 - 4.302653 * 0.1 / 3**0.5, 4.348414), abs=1e-5
    )


def test_a_test_is_passed_where_the_whole_interval_is_on_its_side():
    outcomes = [right for _, right in Test("mse above 3", noise, ["a", "b"], above=3.0).evidence(HELD)]
    assert outcomes == [True, False]


@pytest.mark.parametrize(
    ("outcomes", "word"), [([True, True], "holds"), ([True, False], "holds in part"), ([False, False], "does not hold")]
)
def test_a_claim_holds_for_all_for_some_or_for_none(outcomes, word):
    assert verdict(outcomes) == word


def test_every_claim_says_in_words_what_it_asks():
    assert all(test.asks and (np.isfinite(test.above) or np.isfinite(test.below)) for c in CLAIMS for test in c.tests)


def test_verdicts_name_what_was_measured_of_each_model():
    one = Test("mse above 3", noise, ["a", "b"], above=3.0)
    judged = [Judged(Claim("Noise hurts.", (one,)), [(one, list(one.evidence(HELD)))])]
    (found,) = plain(judged)
    assert found["verdict"] == "holds in part"
    assert [(model["model"], model["holds"]) for model in found["tests"][0]["models"]] == [("a", True), ("b", False)]
    assert list(markdown(judged))[-1].startswith(
        "| Noise hurts. | **holds in part** | mse above 3 | a 4.10 [3.85, 4.35];"
    )


def test_every_claim_is_about_what_the_spec_has():
    spec = load("paper", load_catalog())
    run = Run(Path(), spec)
    assert {*claims.MILD, *claims.CONCEPT, *claims.NOISE, *claims.GENOMIC["simulation"]} <= {*run.shifts("simulation")}
    assert {*claims.NOISE, *claims.GENOMIC["mpra"]} <= {*run.shifts("mpra")}
    for task, prior in claims.PRIORS.items():
        assert {f"{model}+{prior}" for model in claims.ARCHITECTURES} <= {*run.models(task)}
