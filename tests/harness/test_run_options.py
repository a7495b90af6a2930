"""Who runs the cells: what a spec and a command line may say of it."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from builders import spec, write

from regharness.errors import InputError
from regharness.run_options import changed
from regharness.spec_loading import load

ELSEWHERE = """
from regharness import Component, hookimpl

class Elsewhere:
    enforces_limit = True

    def __init__(self, workers: int = 1, scheduler: str | None = None):
        self.workers, self.scheduler = workers, scheduler

    def run(self, jobs, work):
        yield from map(work, jobs)

class Alone:
    def __init__(self, workers: int = 1):
        pass

    def run(self, jobs, work):
        yield from map(work, jobs)

@hookimpl
def regharness_executors():
    return {"NAME": Component(Elsewhere, summary="a"), "NAME_alone": Component(Alone, summary="b")}
"""


@pytest.fixture
def catalog(toys, install, monkeypatch):
    """The toys, and beside ``local`` an executor that connects and one that does not."""
    from regharness.catalog import load_catalog
    from regharness.discovery import discover

    install("elsewhere", ELSEWHERE.replace("NAME", "elsewhere"))
    off = {"regharness_dask", "regharness_processes"} & set(discover().loaded)
    return load_catalog(off)


def run_entry(catalog, tmp_path, **run):
    return load(write(tmp_path, spec(run=run)), catalog).run


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (
            {"executor": "local", "workers": 2},
            r"executor 'local' cannot use 2 workers \(executors that can: elsewhere, elsewhere_alone\)",
        ),
        ({"executor": {"use": "elsewhere", "with": {"workers": 2}}}, "the number of workers is said beside 'executor'"),
        (
            {"executor": "local", "cell_time_limit": 5},
            r"'local' cannot stop a cell that takes too long \(executors that can: elsewhere\)",
        ),
        ({"executor": "elsewere"}, "no executor named 'elsewere'; did you mean 'elsewhere'?"),
        (
            {"executor": {"use": "elsewhere", "with": {"schedular": "a"}}},
            "unknown key 'schedular'; did you mean 'sched",
        ),
    ],
)
def test_an_executor_that_cannot_is_refused_with_those_that_can(catalog, tmp_path, run, message):
    with pytest.raises(InputError, match=message.replace("?", r"\?")) as caught:
        run_entry(catalog, tmp_path, **run)
    assert len(caught.value.problems) == 1
    assert ".yaml:" in caught.value.problems[0].where


def test_an_executor_that_can_is_kept_as_it_is_written(catalog, tmp_path):
    entry = run_entry(
        catalog, tmp_path, executor={"use": "elsewhere", "with": {"scheduler": "tcp://a:1"}}, cell_time_limit=5
    )
    assert (entry.executor.with_, entry.cell_time_limit, entry.workers) == ({"scheduler": "tcp://a:1"}, 5.0, 1)


def test_workers_are_as_many_as_processors_where_none_are_said_and_several_start_here(catalog, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2}, raising=False)
    assert changed(run_entry(catalog, tmp_path, executor="elsewhere"), catalog).workers == 3
    assert changed(run_entry(catalog, tmp_path, executor="elsewhere", workers=1), catalog).workers == 1
    assert changed(run_entry(catalog, tmp_path, executor="local"), catalog).workers == 1
    local = run_entry(catalog, tmp_path)
    assert changed(local, catalog, executor="elsewhere").workers == 3
    assert changed(local, catalog, executor="elsewhere", workers=2).workers == 2
    assert changed(local, catalog, scheduler="tcp://a:1").workers == 1


def test_what_a_spec_without_an_executor_asks_is_held_against_the_one_that_runs_it(catalog, tmp_path):
    entry = run_entry(catalog, tmp_path, workers=2, cell_time_limit=5)
    assert changed(entry, catalog, executor="elsewhere").cell_time_limit == 5
    with pytest.raises(InputError, match="'local' cannot use 2 workers"):
        changed(entry, catalog)


def test_a_scheduler_finds_the_only_executor_that_connects_to_one(catalog, tmp_path):
    entry = changed(run_entry(catalog, tmp_path), catalog, scheduler="tcp://a:1")
    assert (entry.executor.use, entry.executor.with_) == ("elsewhere", {"scheduler": "tcp://a:1"})


def test_a_scheduler_with_an_executor_that_connects_to_none_is_refused(catalog, tmp_path):
    message = r"executor 'local' connects to no scheduler \(executors that can: elsewhere\)"
    with pytest.raises(InputError, match=message):
        changed(run_entry(catalog, tmp_path), catalog, executor="local", scheduler="tcp://a:1")


def test_of_two_executors_that_connect_one_must_be_named(catalog, install, tmp_path):
    from regharness.catalog import load_catalog

    install("further", ELSEWHERE.replace("NAME", "further"))
    catalog = load_catalog(catalog.plugins.disabled)
    with pytest.raises(InputError, match=r"executors that can: elsewhere, further"):
        changed(run_entry(catalog, tmp_path), catalog, scheduler="tcp://a:1")
    assert changed(run_entry(catalog, tmp_path), catalog, executor="further", scheduler="tcp://a:1").executor.with_


def test_what_a_call_says_is_checked_like_a_spec(catalog, tmp_path):
    entry = run_entry(catalog, tmp_path, executor="elsewhere", cell_time_limit=5)
    with pytest.raises(InputError, match="'local' cannot stop a cell"):
        changed(entry, catalog, executor="local")
    with pytest.raises(InputError, match="'local' cannot use 3 workers"):
        changed(run_entry(catalog, tmp_path), catalog, workers=3)
    assert changed(entry, catalog, device="cpu").device == "cpu"


def test_the_command_line_refuses_a_scheduler_for_local(regharness, tmp_path, toys):
    write(tmp_path, spec(), "toy.yaml")
    done = regharness("run", "toy.yaml", "--executor", "local", "--scheduler", "tcp://a:1", check=2)
    assert "executor 'local' connects to no scheduler" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_schema_has_workers_beside_the_executor_alone(catalog):
    from regharness.spec_schema import spec_schema

    rules = spec_schema(catalog)["$defs"]["Use of a executor"]
    for rule in rules["allOf"]:
        assert "workers" not in rule["then"]["properties"]["with"].get("properties", {})
    assert "workers" in json.dumps(spec_schema(catalog)["$defs"]["RunEntry"])


SLOW = """
import time
from regharness import hookimpl
import click

@hookimpl
def regharness_commands(cli):
    @click.command()
    def wait():
        try:
            print("waiting", flush=True)
            time.sleep(60)
        finally:
            print("leaving", flush=True)
            time.sleep(SECONDS)
    cli.add_command(wait)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("twice", [False, True])
def test_a_signal_ends_the_program_in_order_and_a_second_one_at_once(install, number, twice):
    install("slow_command", SLOW.replace("SECONDS", "60" if twice else "0"))
    program = subprocess.Popen(
        [sys.executable, "-m", "regharness", "wait"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert program.stdout.readline() == "waiting\n"
    program.send_signal(number)
    assert program.stdout.readline() == "leaving\n"
    if twice:
        time.sleep(0.1)
        program.send_signal(number)
    _, err = program.communicate(timeout=20)
    assert program.returncode == 130
    assert "Traceback" not in err
    assert ("interrupted; what was computed is kept" in err) is not twice
