"""Runs behind URLs and in zip files, through the public interface."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
import xarray as xr
from builders import spec, write

import regharness as rh
from regharness import storage
from regharness.api import run as run_spec
from regharness.errors import StorageError
from regharness.storage import place


@pytest.fixture
def local(toys, tmp_path):
    """A finished run on this machine, and its spec."""
    file = write(tmp_path, spec())
    return file, run_spec(file, tmp_path / "run")


@pytest.fixture
def packed(local, tmp_path):
    """The same run in a zip file."""
    return shutil.make_archive(str(tmp_path / "run"), "zip", tmp_path, "run")


def files_of(cubes):
    names = sorted(name for name in storage.listing(cubes) if not name.endswith("seal.json"))
    return dict(zip(names, storage.read_many([cubes / name for name in names]), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["memory", "s3"])
def test_the_cubes_of_a_run_are_the_same_bytes_wherever_it_lies(local, kind, tmp_path, request):
    file, here = local
    url = f"memory://{tmp_path.name}/run" if kind == "memory" else request.getfixturevalue("s3")
    there = run_spec(file, url)
    assert files_of(there.folder / "cubes") == files_of(here.folder / "cubes")
    xr.testing.assert_identical(there.scores, here.scores)


@pytest.mark.slow
def test_a_run_behind_a_url_holds_what_one_on_this_machine_does(local, s3):
    file, here = local
    there = run_spec(file, s3)
    tops = [{name.split("/")[0] for name in storage.listing(one.folder)} for one in (here, there)]
    # The lease is given back, where the file of a lock stays.
    assert tops[1] == tops[0] - {".lock"}


@pytest.mark.slow
def test_a_run_behind_a_url_is_resumed_without_computing_again(local, s3):
    file, _ = local
    run_spec(file, s3)
    run_spec(file, s3)
    events = [json.loads(line) for line in storage.read(place(s3) / "log.jsonl").splitlines()]
    assert [event["done"] for event in events if event["event"] == "run_started"] == [0, 16]
    assert sum(event["event"] == "cell_finished" for event in events) == 16


@pytest.mark.slow
def test_the_scores_of_a_run_behind_a_url_open_without_us(local, s3):
    file, _ = local
    there = run_spec(file, s3)
    opened = xr.open_zarr(f"{s3}/scores.zarr", chunks=None)
    xr.testing.assert_identical(opened.load(), there.scores)


@pytest.mark.slow
def test_verbs_read_and_score_a_run_behind_a_url(local, s3, regharness):
    file, _ = local
    regharness("run", file, "-o", s3, "--quiet")
    assert "constant" in regharness("leaderboard", s3).stdout
    regharness("score", s3, "--metrics", "mae")
    assert set(rh.open_run(s3).scores.data_vars) >= {"mae"}
    assert regharness("plan", file, "-o", s3, "--json").stdout


def test_a_run_in_a_zip_file_is_read(local, packed, regharness):
    _, here = local
    run = rh.open_run(packed)
    xr.testing.assert_identical(run.scores, here.scores)
    xr.testing.assert_identical(run.cube("t").load(), here.cube("t").load())
    assert regharness("leaderboard", packed).stdout == regharness("leaderboard", here.folder).stdout


def test_a_zip_file_is_opened_by_its_url_too(local, packed):
    xr.testing.assert_identical(rh.open_run(f"zip://{packed}").scores, local[1].scores)


@pytest.mark.parametrize("words", [["run", "toy.yaml", "-o", "run.zip"], ["score", "run.zip"]])
def test_writing_into_a_zip_file_is_refused_in_one_line(packed, words, regharness):
    done = regharness(*words, check=2)
    assert f"{packed}" in done.stderr
    assert "a zip file, which can only be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_there_is_no_run_where_nothing_was_written(s3, regharness):
    done = regharness("leaderboard", s3, check=2)
    assert f"error: no run at {s3}" in done.stderr


@pytest.mark.slow
def test_a_store_that_cannot_be_reached_is_named_in_one_line(regharness):
    away = {**os.environ, "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "a", "AWS_MAX_ATTEMPTS": "1"}
    away["AWS_SECRET_ACCESS_KEY"] = "b"
    done = regharness("leaderboard", "s3://bucket/run", check=2, env=away)
    assert done.stderr.startswith("error: cannot read s3://bucket/run/spec.yaml: Could not connect to the endpoint URL")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_a_run_into_a_bucket_that_is_not_there_says_so(local, s3, regharness):
    done = regharness("run", local[0], "-o", "s3://nowhere/run", check=2)
    assert "error: cannot write to s3://nowhere/run/.lock: The specified bucket does not exist" in done.stderr


def test_a_run_on_a_full_disk_ends_with_one_line_and_is_resumed_when_there_is_room(toys, small_disk, tmp_path):
    task = {"name": "t", "data": {"use": "toy", "with": {"test": 40000}}}
    file = write(tmp_path, spec(tasks=[task], seeds=[0, 1, 2]))
    with pytest.raises(StorageError, match="No space left on device"):
        run_spec(file, small_disk / "run")
    subprocess.run(["mount", "-o", "remount,size=200m", small_disk], check=True)
    resumed = run_spec(file, small_disk / "run")
    whole = run_spec(file, tmp_path / "whole")
    assert files_of(resumed.folder / "cubes") == files_of(whole.folder / "cubes")


def test_a_run_on_a_disk_that_allows_no_writing_is_refused_in_one_line(local, read_only_disk, regharness):
    done = regharness("run", local[0], "-o", read_only_disk / "run", check=2)
    assert "Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [["--help"], ["list", "--help"]])
def test_help_loads_no_file_system(words):
    code = "import sys; from regharness.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    code += "print({'fsspec', 'upath', 's3fs', 'filelock'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_the_package_loads_no_s3_client():
    code = "import sys, regharness.api; print({'s3fs', 'aiobotocore'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
