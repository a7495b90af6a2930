"""Where files of strangers are read, no plugin of a third party is imported; elsewhere all are, and are told apart."""

import copy
import json
import subprocess
import sys

import click
import pytest

from regharness import discovery
from regharness.catalog import load_catalog
from regharness.cli import cli
from regharness.cli.group import OwnPluginsCommand
from regharness.cli.verbs import plugin_verbs
from regharness.errors import InputError

VERB = """
import click
from regharness import hookimpl
from regharness.cli.group import OwnPluginsCommand

@hookimpl
def regharness_commands(cli):
    @click.command(cls=OwnPluginsCommand)
    def {verb}():
        "By {module}."
    cli.add_command({verb})
"""


@pytest.fixture
def trace(install, tmp_path):
    """A file that the plugin `a_stranger` writes when it is imported."""
    path = tmp_path / "trace"
    install("a_stranger", f"open({str(path)!r}, 'w').close()\n" + VERB.format(verb="strange", module="a_stranger"))
    return path


@pytest.fixture
def line():
    """The command line, of which a test may change the verbs."""
    own = copy.copy(cli)
    own.commands = dict(cli.commands)
    return own


GUARDED = {
    "alone": "submission verify f.zip",
    "asked for help": "submission verify --help",
    "after a plugin that is off": "-p no:regharness_sim submission verify f.zip",
    "after several": "-p no:regharness_sim -pno:regharness_dask submission verify f.zip",
    "after the stranger that is off": "-p no:a_stranger submission verify f.zip",
    "after the end of options": "-- submission verify f.zip",
    "with options behind": "submission verify --json f.zip -p --help",
}


@pytest.mark.parametrize("words", GUARDED.values(), ids=GUARDED)
def test_for_a_verb_that_reads_files_of_strangers_no_third_party_is_imported(trace, line, words):
    with plugin_verbs(line, words.split()):
        found = load_catalog().plugins
    assert not trace.exists()
    assert {plugin.distribution for plugin in found.loaded.values()} == {"regharness"}
    assert found.state(next(plugin for plugin in found.installed if plugin.name == "a_stranger")) == "off"


@pytest.mark.parametrize("words", ["", "--help", "plan x.yaml", "submission", "submission --help", "submission pack r"])
def test_for_any_other_every_plugin_is(trace, line, words):
    with plugin_verbs(line, words.split()):
        assert "a_stranger" in load_catalog().plugins.loaded
    assert trace.exists()


@pytest.mark.parametrize(
    "words", ["--bogus submission verify f", "submission --bogus verify f", "-p", "verify submission -p"]
)
def test_a_line_that_calls_no_verb_ends_in_a_usage_error(trace, line, words):
    with plugin_verbs(line, words.split()), pytest.raises(click.UsageError):
        line.main(words.split(), standalone_mode=False)


@pytest.mark.parametrize("words", ["--bogus submission verify f", "submission --bogus verify f", "-p"])
def test_for_a_line_with_a_wrong_option_no_plugin_is_imported(trace, line, words):
    with plugin_verbs(line, words.split()):
        assert not trace.exists()


def test_what_is_no_switch_is_refused_before_a_plugin_is_imported(trace, line):
    with pytest.raises(InputError, match="-p takes no:NAME, not 'x'"), plugin_verbs(line, ["-p", "x", "plan"]):
        pass
    assert not trace.exists()


def test_every_switch_on_the_line_counts(trace, line):
    with plugin_verbs(line, ["-p", "no:regharness_dask", "-p", "no:a_stranger", "plan", "x.yaml"]):
        assert not trace.exists()


@pytest.fixture
def own(install, monkeypatch):
    """A plugin of ours that adds the guarded verb `ours`."""
    install("own_toy", VERB.format(verb="ours", module="own_toy"))
    monkeypatch.setattr(discovery, "OWN_DISTRIBUTION", "own-toy")


def test_a_verb_that_our_own_plugin_adds_keeps_third_parties_out(own, trace, line):
    with plugin_verbs(line, ["ours"]):
        assert line.commands["ours"].help == "By own_toy."
        assert isinstance(line.commands["ours"], OwnPluginsCommand)
    assert not trace.exists()


def test_a_third_party_cannot_take_a_verb_of_our_own_plugin(own, install, line):
    install("a_thief", VERB.format(verb="ours", module="a_thief"))
    with plugin_verbs(line, ["--help"]):
        assert line.commands["ours"].help == "By own_toy."
        assert "replaces the verb 'ours'" in load_catalog().plugins.broken["a_thief"]


def test_a_verb_of_a_third_party_is_found_and_listed(trace, line):
    with plugin_verbs(line, ["strange"]):
        assert "strange" in line.commands


@pytest.mark.parametrize("name", ["regharness", "Regharness", "REGHARNESS"])
def test_names_of_distributions_are_equal_as_packaging_has_it(name):
    assert discovery.Plugin("p", "p", name, "1").own


@pytest.mark.parametrize("name", ["regharness-sim", "regharness_", "reg-harness", "regharnеss", "unknown", ""])
def test_any_other_distribution_is_a_third_partys(name):
    assert not discovery.Plugin("p", "p", name, "1").own


def test_processes_that_are_started_keep_third_parties_out_too(trace, line):
    with plugin_verbs(line, ["submission", "verify", "f.zip"]):
        subprocess.run([sys.executable, "-c", "from regharness.catalog import load_catalog as l; l()"], check=True)
    assert not trace.exists()


def test_the_guard_ends_with_the_verb(trace, line):
    with plugin_verbs(line, ["submission", "verify", "f.zip"]):
        pass
    assert "a_stranger" in load_catalog().plugins.loaded


def test_the_real_program_leaves_a_strangers_plugin_alone(trace, regharness):
    words = ["-p", "no:regharness_dask", "--debug", "submission", "verify", "nothing.zip"]
    regharness(*words, check=None)
    assert not trace.exists()
    assert "strange" in regharness("--help").stdout
    assert trace.exists()


def test_doctor_tells_who_distributes_each_plugin_and_which_are_regharness_own(trace, install, regharness):
    install("broken_one", "1 / 0", version="3.2")
    text = regharness("-p", "no:a_stranger", "doctor", check=1).stdout
    own, third = text.partition("plugins of third parties")[::2]
    assert "regharness_sim (regharness " in own
    assert "  a_stranger (a_stranger 1.0): switched off\n" in third
    assert "  broken_one (broken_one 3.2): broken" in third


@pytest.mark.slow
def test_doctor_tells_the_same_in_json(trace, install, regharness):
    install("broken_one", "1 / 0", version="3.2")
    found = json.loads(regharness("doctor", "--json", check=1).stdout)["installed_plugins"]
    assert {row["name"]: (row["version"], row["own"], row["state"]) for row in found}.items() >= {
        "a_stranger": ("1.0", False, "loaded"),
        "broken_one": ("3.2", False, "broken"),
    }.items()
    assert {row["own"] for row in found if row["distribution"] == "regharness"} == {True}
