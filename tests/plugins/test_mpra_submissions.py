"""Real measurements as a benchmark for those who have no harness."""

import json
import os

import pandas as pd
import pytest

import regharness as rh
from regharness.catalog import load_catalog
from regharness.errors import InputError
from regharness.submission.from_table import from_predictions
from regharness.submission.manifest import Card
from regharness.submission.targets import of_run
from regharness.submission.template import write_template
from regharness.submission.verification import verify

DATA = pytest.mark.skipif("REGHARNESS_DATA_DIR" not in os.environ, reason="REGHARNESS_DATA_DIR is not set")
SPEC = {
    "name": "retina",
    "seeds": [0, 1],
    "tasks": [
        {
            "name": "crx",
            "data": {"use": "crx_retina", "with": {"contexts": ["Rho"], "hold_out_chromosomes": ["chr1"]}},
            "shifts": [
                {"use": "held_out_group", "with": {"group": "chromosome"}},
                {"use": "gc_quantile", "severity": [5]},
            ],
        }
    ],
    "models": [{"name": "mean", "use": "mean"}],
    "metrics": ["mse"],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("retina")
    (folder / "retina.yaml").write_text(json.dumps(SPEC))
    return rh.run(folder / "retina.yaml", folder / "run")


@pytest.fixture(scope="module")
def template(run):
    write_template(run, run.folder / "t.zip", load_catalog())
    return run.folder / "t.zip"


@DATA
@pytest.mark.slow
def test_a_table_of_real_elements_becomes_a_submission(run, template, tmp_path):
    inputs = pd.read_csv(f"zip://inputs.csv::{template}", dtype={"id": str}, keep_default_na=False)
    assert inputs["sequence"].str.fullmatch("[ACGTN]+").all()
    gc = inputs["sequence"].str.count("[GC]") / inputs["sequence"].str.len()
    inputs.assign(mean=gc, sd=1.0).sample(frac=1, random_state=0).to_csv(tmp_path / "p.csv", index=False)
    card = Card(slug="gc", display="GC")
    from_predictions(tmp_path / "p.csv", template, card, tmp_path / "gc.zip", load_catalog(), of_run(run))
    assert verify(tmp_path / "gc.zip", load_catalog(), of_run(run)).reasons == []


@DATA
@pytest.mark.slow
def test_training_data_whose_splits_hang_on_the_seed_are_not_given_away(run, tmp_path):
    with pytest.raises(InputError, match="are test examples of another seed"):
        write_template(run, tmp_path / "t.zip", load_catalog(), training=True)
