"""What is lost, torn or flipped in a cube is found, not scored, and computed again; nothing else is."""

import json
import shutil

import numpy as np
import pytest
import xarray as xr
from builders import spec, write

import regharness as rh
from regharness.api import run as run_spec
from regharness.checkup import check_up
from regharness.deliveries import ticket


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """A folder for a run that is computed once and copied for every test."""
    return tmp_path_factory.mktemp("computed")


@pytest.fixture
def finished(toys, tmp_path, computed):
    """A finished run, its spec, and the log of what its model did."""
    log, file = computed / "log", computed / "toy.yaml"
    if not file.exists():
        write(computed, spec(models=[{"name": "constant", "use": "constant", "with": {"log": str(log)}}]))
        run_spec(file, computed / "r")
    shutil.copytree(computed / "r", tmp_path / "r")
    log.write_text("")
    return file, tmp_path / "r", log


def large(toys, tmp_path):
    """A run whose cells are chunks of their own."""
    task = {"name": "t", "data": {"use": "toy", "with": {"test": 9000}}, "shifts": [{"use": "offset", "severity": [1]}]}
    file = write(tmp_path, spec(tasks=[task], seeds=[0]))
    run_spec(file, tmp_path / "large")
    return file, tmp_path / "large"


def chunks(folder, name="mean"):
    found = sorted((folder / "cubes" / "t.zarr" / name).glob("c.*"))
    assert found
    return found


def flip(file, place):
    content = bytearray(file.read_bytes())
    content[place] ^= 0x10
    file.write_bytes(content)


def damaged(folder):
    return check_up(rh.open_run(folder), marking=False).damages


def stored(folder):
    return rh.open_run(folder).cube("t").load()


def test_nothing_is_found_in_a_run_that_nobody_touched(finished):
    assert damaged(finished[1]) == ()


def test_a_flipped_byte_hurts_the_cell_that_it_lies_in_alone(finished):
    _, folder, _ = finished
    # Four shifts and two seeds share a chunk of 32 examples and two outputs; its second piece is the second seed's.
    flip(chunks(folder)[0], 32 * 2 * 4 + 5)
    assert [(one.name, one.reason) for one in damaged(folder)] == [(("t", "constant", "identity", 1), "corrupt")]


def test_what_is_damaged_is_computed_again_and_nothing_else(finished):
    file, folder, log = finished
    before = stored(folder)
    flip(chunks(folder)[0], 5)
    run_spec(file, folder)
    assert log.read_text().split() == ["load", "predict"]
    xr.testing.assert_identical(stored(folder), before)


def test_a_lost_chunk_hurts_every_cell_in_it(finished):
    file, folder, log = finished
    before = stored(folder)
    chunks(folder)[0].unlink()
    assert {one.reason for one in damaged(folder)} == {"missing"}
    run_spec(file, folder)
    assert log.read_text().split().count("predict") == 8
    xr.testing.assert_identical(stored(folder), before)


def test_a_torn_chunk_hurts_the_cells_behind_the_tear(finished):
    _, folder, _ = finished
    chunk = chunks(folder)[0]
    chunk.write_bytes(chunk.read_bytes()[: 32 * 2 * 4 * 3])
    assert len(damaged(folder)) == 5
    assert {one.reason for one in damaged(folder)} == {"torn"}


def test_a_flipped_checksum_is_found_and_mended_without_computing(finished):
    file, folder, log = finished
    flip(chunks(folder)[0], -1)
    assert [one.what for one in damaged(folder)] == ["file"]
    run_spec(file, folder)
    assert log.read_text() == ""
    assert damaged(folder) == ()


def test_a_cell_that_is_a_chunk_of_its_own_is_checked_too(toys, tmp_path):
    file, folder = large(toys, tmp_path)
    before = stored(folder)
    victim = chunks(folder)[-1]
    for harm in (lambda: flip(victim, 1000), lambda: victim.write_bytes(b""), victim.unlink):
        harm()
        assert len(damaged(folder)) == 1
        run_spec(file, folder)
        xr.testing.assert_identical(stored(folder), before)


def test_a_damaged_target_is_made_again_without_predicting_anything(finished):
    file, folder, log = finished
    before = stored(folder)
    flip(chunks(folder, "target")[0], 9)
    assert [one.what for one in damaged(folder)] == ["test set"]
    run_spec(file, folder)
    assert log.read_text() == ""
    xr.testing.assert_identical(stored(folder), before)


@pytest.mark.parametrize("name", ["zarr.json", "mean/zarr.json", "status/c.0.0.0", "model/c.0", "n_examples/c.0.0"])
@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_a_damaged_small_file_is_found_and_written_anew_without_computing(finished, name, harm):
    file, folder, log = finished
    before = stored(folder)
    victim = folder / "cubes" / "t.zarr" / name
    match harm:
        case "flip":
            flip(victim, victim.stat().st_size // 2)
        case "cut":
            victim.write_bytes(victim.read_bytes()[:-3])
        case "remove":
            victim.unlink()
    assert [one.file for one in damaged(folder)] == [name]
    run_spec(file, folder)
    assert log.read_text() == ""
    assert damaged(folder) == ()
    xr.testing.assert_identical(stored(folder), before)


def test_a_lost_layout_means_that_everything_is_computed_again(finished):
    file, folder, log = finished
    before = stored(folder)
    (folder / "cubes" / "t.layout.json").write_text("{")
    run_spec(file, folder)
    assert log.read_text().split().count("predict") == 8
    xr.testing.assert_identical(stored(folder), before)


def test_every_one_of_many_random_injuries_is_found(finished):
    _, folder, _ = finished
    rng = np.random.default_rng(0)
    whole = folder.with_name("whole")
    shutil.copytree(folder, whole)
    files = sorted(one.relative_to(whole) for one in (whole / "cubes" / "t.zarr").rglob("*") if one.is_file())
    for _ in range(150):
        name = files[rng.integers(len(files))]
        victim, content = folder / name, (whole / name).read_bytes()
        match rng.integers(3):
            case 0:
                flip(victim, int(rng.integers(len(content))))
            case 1:
                victim.write_bytes(content[: rng.integers(len(content))])
            case 2:
                victim.unlink()
        assert damaged(folder), name
        victim.write_bytes(content)
    assert damaged(folder) == ()


def test_a_damaged_cell_is_not_scored(finished, regharness):
    _, folder, _ = finished
    flip(chunks(folder)[0], 5)
    regharness("score", folder, check=1)
    scores = rh.open_run(folder).scores.sel(task="t", model="constant", shift="identity")
    assert np.isnan(scores["mse"].sel(seed=0)).all()
    assert np.isfinite(scores["mse"].sel(seed=1)).all()
    assert int(scores["n_valid"].sel(seed=0).sum()) == 0


def test_a_lost_chunk_never_reads_as_a_prediction(finished):
    _, folder, _ = finished
    chunks(folder)[0].unlink()
    assert (rh.open_run(folder).cube("t").status == 0).all()


def test_doctor_lists_what_is_damaged_and_the_next_run_computes_just_that(finished, regharness):
    file, folder, log = finished
    flip(chunks(folder)[0], 5)
    found = json.loads(regharness("doctor", folder, "--json", check=1).stdout)
    assert found["damaged"] == [{"task": "t", "model": "constant", "shift": "identity", "seed": 0}]
    assert found["cells"] == {"done": 7, "failed": 0, "damaged": 1, "missing": 0}
    regharness("run", file, "-o", folder)
    assert log.read_text().split() == ["load", "predict"]
    assert "no problem found" in regharness("doctor", folder).stdout


def test_a_delivery_that_a_kill_left_by_halves_takes_nothing_back(toys, finished):
    file, folder, log = finished
    before = stored(folder)
    record = json.loads((folder / "cells.jsonl").read_text().splitlines()[-1])
    number = ticket(record["key"], (record["task"], record["model"], record["shift"], record["seed"]))
    (folder / "incoming" / f"{number}.json").write_text(json.dumps({"kind": "cell", **record}))
    run_spec(write(folder.parent, spec(models=[*json.loads(file.read_text())["models"]], seeds=[0, 1, 2])), folder)
    assert log.read_text().split().count("predict") == 4
    xr.testing.assert_identical(stored(folder).sel(seed=[0, 1]), before)
