"""Flips, cuts and deletions anywhere in a cube, also behind an unchanged size and time: all found, none scored."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from launching import Launcher, calls

import regharness as rh
from regharness import layout
from regharness.api import run as run_spec
from regharness.checkup import check_up

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def launch(tmp_path_factory):
    """What starts `regharness`, with the plugin of fragile things installed."""
    launcher = Launcher(tmp_path_factory.mktemp("launcher"))
    yield launcher
    launcher.close()


@pytest.fixture(params=["several cells a chunk", "several chunks a cell"])
def finished(request, install, tmp_path, monkeypatch):
    """A finished run, its spec and the log of its models; one of them gives quantiles, and a covariate is text."""
    if request.param == "several chunks a cell":
        monkeypatch.setattr(layout, "PIECE", 8)
        monkeypatch.setattr(layout, "SMALL", 0)
    install("fragile_plugin", Path(__file__).with_name("fragile.py").read_text())
    log = tmp_path / "log"
    models = [
        {"name": name, "use": "logged", "with": {"called": name, "log": str(log), "levels": levels}}
        for name, levels in (("plain", []), ("quantiles", [0.1, 0.5, 0.9]))
    ]
    task = {
        "name": "t",
        "data": {"use": "fragile", "with": {"test": 20}},
        "shifts": [{"use": "renamed", "severity": [1, 2]}],
    }
    value = {"name": "injured", "seeds": [0, 1], "tasks": [task], "models": models, "metrics": ["mse"]}
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(value))
    run_spec(file, tmp_path / "run", disabled=["regharness_report"])
    log.unlink()
    return file, tmp_path / "run", log


def flip(file, rng):
    """Change a bit, and let size and time be as before."""
    before, content = file.stat(), bytearray(file.read_bytes())
    content[rng.integers(len(content))] ^= 1 << rng.integers(8)
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def cut(file, rng):
    """Keep the beginning."""
    file.write_bytes(file.read_bytes()[: rng.integers(file.stat().st_size)])


def lose(file, rng):
    """Remove it."""
    file.unlink()


def test_every_one_of_many_injuries_is_found(finished):
    _, folder, _ = finished
    rng, whole = np.random.default_rng(3), folder.with_name("whole")
    shutil.copytree(folder, whole)
    files = sorted(one for one in (whole / "cubes" / "t.zarr").rglob("*") if one.is_file())
    for number in range(120):
        kept = files[rng.integers(len(files))]
        victim = folder / kept.relative_to(whole)
        (flip, cut, lose)[number % 3](victim, rng)
        assert check_up(rh.open_run(folder), marking=False).damages, victim
        shutil.copy2(kept, victim)
    assert check_up(rh.open_run(folder), marking=False).damages == ()


@pytest.mark.parametrize("name", ["mean", "aleatoric_variance", "quantiles"])
@pytest.mark.parametrize("harm", [flip, cut, lose])
def test_what_is_injured_is_listed_not_scored_and_computed_again_alone(finished, launch, name, harm):
    file, folder, log = finished
    # Not in a checksum, which would be mended without computing anything.
    rng, before = np.random.default_rng(0), rh.open_run(folder).cube("t").load()
    chunks = sorted((folder / "cubes" / "t.zarr" / name).glob("c.*"))
    harm(chunks[rng.integers(len(chunks))], rng)
    launch.call("doctor", folder, "--json")
    listed = json.loads(launch.said)["damaged"]
    hurt = {(one["model"], one["shift"], one["seed"]) for one in listed}
    assert hurt
    launch.call("-p", "no:regharness_report", "score", folder)
    scores = rh.open_run(folder).scores["mse"].sel(task="t").isnull().all("output")
    gone = scores.where(scores, drop=True).stack(cell=("model", "shift", "seed"))
    assert {
        (m, s, int(k)) for (m, s, k), lost in zip(gone["cell"].values, gone.values, strict=True) if lost == 1
    } == hurt
    assert launch.call("-p", "no:regharness_report", "run", file, "-o", folder, "--quiet") == (0, "")
    assert sorted(set(calls(log, "predict"))) == sorted(hurt)
    xr.testing.assert_identical(rh.open_run(folder).cube("t").load(), before)


@pytest.mark.parametrize("name", ["target", "noise_variance", "example_id", "covariate_plate", "covariate_gc"])
@pytest.mark.parametrize("harm", [flip, cut, lose])
def test_an_injured_test_set_is_made_again_without_a_prediction(finished, name, harm):
    file, folder, log = finished
    rng, before = np.random.default_rng(5), rh.open_run(folder).cube("t").load()
    chunks = sorted((folder / "cubes" / "t.zarr" / name).glob("c.*"))
    harm(chunks[rng.integers(len(chunks))], rng)
    assert {one.what for one in check_up(rh.open_run(folder), marking=True).damages} <= {"test set", "file"}
    run_spec(file, folder, disabled=["regharness_report"])
    assert not log.exists()
    xr.testing.assert_identical(rh.open_run(folder).cube("t").load(), before)
