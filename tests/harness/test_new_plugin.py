"""`regharness new plugin` writes a plugin that works as it is, of every kind, and never over something else."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from regharness.catalog import load_catalog
from regharness.cli import cli
from regharness.cli.creating import KINDS
from regharness.errors import InputError
from regharness.new_plugin import KINDS as WRITTEN
from regharness.new_plugin import write_plugin

ROOT = Path(__file__).parents[2]


def call(words, folder, site):
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-m", *words], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def installed(folder, site):
    """Install a distribution as pip does, into a folder."""
    words = ["pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", str(site), "."]
    call(words, folder, site)


@pytest.fixture(scope="module")
def plugins(tmp_path_factory):
    """A folder with a plugin of every kind as the command writes it, all installed in a folder beside them."""
    folder = tmp_path_factory.mktemp("plugins")
    for kind in KINDS:
        done = CliRunner().invoke(cli, ["new", "plugin", f"my-{kind}", "--kind", kind, "-o", str(folder / kind)])
        assert done.exit_code == 0, done.output
        installed(folder / kind, folder / "site")
    return folder


def test_the_command_offers_every_kind_that_can_be_written():
    assert sorted(KINDS) == sorted(WRITTEN)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_passes_the_tests_that_come_with_it(plugins, kind):
    said = call(["pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "tests"], plugins / kind, plugins / "site")
    assert "passed" in said


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_spec_of_a_new_plugin_runs_with_it(plugins, kind):
    said = call(["regharness", "run", "example.yaml", "--quiet"], plugins / kind, plugins / "site")
    assert "lower is better" in said


@pytest.mark.slow
def test_new_plugins_are_heard_seen_and_called(plugins):
    run, site = plugins / "model", plugins / "site"
    said = call(["regharness", "run", "example.yaml", "-o", "another", "--quiet"], run, site)
    assert "my-observer: simulation, mine on identity, seed 0: done in" in said
    assert (run / "another" / "report.csv").is_file()
    assert "simulation: 2 models, 4 shifts, 100 examples" in call(["regharness", "my-command", "another"], run, site)


@pytest.mark.slow
def test_the_templates_travel_in_the_wheel(tmp_path):
    words = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), "."]
    call(words, ROOT, tmp_path)
    (wheel,) = tmp_path.glob("regharness-*.whl")
    carried = [name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("regharness/plugin_templates/")]
    there = [path for path in (ROOT / "harness/regharness/plugin_templates").rglob("*") if path.is_file()]
    assert len(carried) == len(there)


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(InputError, match="mine exists already"):
        write_plugin("mine", "model", tmp_path / "mine", load_catalog())
    assert list((tmp_path / "mine").iterdir()) == []


@pytest.mark.parametrize("name", ["My-Model", "2models", "a--b", "a/b", "", "modèle"])
def test_a_name_that_no_package_can_have_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="is no name of a plugin"):
        write_plugin(name, "model", tmp_path / "new", load_catalog())


@pytest.mark.parametrize(
    ("name", "why"),
    [("numpy", "a module that is installed"), ("class", "a word of Python"), ("mean", "there is a model named 'mean'")],
)
def test_a_name_that_is_taken_is_refused(tmp_path, name, why):
    with pytest.raises(InputError, match=why):
        write_plugin(name, "model", tmp_path / "new", load_catalog())
    assert not (tmp_path / "new").exists()
