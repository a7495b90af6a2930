"""What people do to a run's folder: each is told in words, and what can be mended is mended by the next run."""

import pytest
from builders import spec, write

import regharness as rh
from regharness.api import run as run_spec
from regharness.errors import InputError

OFF = ["regharness_report"]


@pytest.fixture
def finished(toys, tmp_path):
    """A spec with one logging model, its finished run, and the log."""
    model = {"name": "constant", "use": "constant", "with": {"log": str(tmp_path / "log")}}
    file = write(tmp_path, spec(models=[model], seeds=[0], metrics=["mse"]))
    run_spec(file, tmp_path / "r", disabled=OFF)
    (tmp_path / "log").unlink()
    return file, tmp_path / "r", tmp_path / "log"


def halve(file):
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    "name", ["run.json", "scored.json", "log.jsonl", "scores.zarr/zarr.json", "cubes/t.seal.json", "leaderboard.json"]
)
def test_half_of_a_file_that_follows_from_others_costs_no_computation(finished, name):
    file, folder, log = finished
    halve(folder / name)
    run = run_spec(file, folder, disabled=OFF)
    assert run.failures == []
    assert len(run.scores["mse"]) == 1
    assert not log.exists()


def test_a_model_whose_seal_is_damaged_is_fitted_again(finished):
    file, folder, log = finished
    (seal,) = (folder / "models").glob("*/.whole")
    halve(seal)
    (folder / "cells.jsonl").unlink()
    assert run_spec(file, folder, disabled=OFF).failures == []
    assert log.read_text().split().count("fit") == 1


def test_a_spec_that_is_none_is_told(finished):
    _, folder, _ = finished
    (folder / "spec.yaml").write_text("hello: 1\n")
    with pytest.raises(InputError, match=r"spec.yaml is not the spec of a run \(put back"):
        rh.open_run(folder)


def test_a_delivery_of_a_model_that_left_the_spec_waits_for_it(finished, tmp_path):
    file, folder, log = finished
    other = write(
        tmp_path, spec(seeds=[0], metrics=["mse"], models=[{"name": "oracle", "use": "toy_oracle"}]), "o.yaml"
    )
    waiting = folder / "incoming" / "0123.json"
    waiting.write_text(
        '{"kind": "cell", "task": "t", "model": "constant", "shift": "identity", "seed": 0, '
        '"key": "k", "status": "done"}'
    )
    run_spec(other, folder, disabled=OFF)
    assert waiting.exists()
    run_spec(file, folder, disabled=OFF)
    assert not waiting.exists()
    assert not log.exists()
