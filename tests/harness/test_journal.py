"""What a run's log tells, and what becomes of a line that was never finished."""

import json
from datetime import UTC, datetime

import jsonschema
import pytest
from builders import spec, write

from regharness.api import run as run_spec
from regharness.catalog import load_catalog
from regharness.events import EVENTS, RunFinished, log_schema, name_of
from regharness.journal import Journal, note
from regharness.provenance import facts
from regharness.spec_loading import load

CELL = {"task": "t", "model": "m", "shift": "identity", "seed": 0}


def events(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.fixture
def journal(toys, tmp_path):
    loaded = load(write(tmp_path, spec()), load_catalog())
    return Journal(tmp_path, loaded, facts(load_catalog().plugins))


@pytest.fixture
def told(journal, tmp_path):
    """The events of a journal that was told everything once."""
    journal.regharness_run_started(cells=3, done=1, workers=2)
    journal.regharness_cell_started(**CELL, worker="w")
    journal.regharness_cell_lost(**CELL, reason="killed by signal 9", worker="w", again=True)
    journal.regharness_cell_lost(**CELL, reason="killed by signal 9", worker="w", again=False)
    journal.regharness_cell_finished(
        **CELL, status="failed", reason="no", seconds=1.5, worker="w", examples=7, timings={"fit": 1.23456}
    )
    journal.regharness_run_finished(failed=1, interrupted=False)
    journal.regharness_run_finished(failed=1, interrupted=True)
    return events(tmp_path)


def test_every_event_has_its_name(told):
    assert [event["event"] for event in told] == [
        "run_started",
        "cell_started",
        "cell_retried",
        "cell_lost",
        "cell_finished",
        "run_finished",
        "run_interrupted",
    ]


def test_every_event_is_as_the_schema_says(told):
    check = jsonschema.Draft202012Validator(log_schema())
    assert [list(check.iter_errors(event)) for event in told] == [[]] * 7


def test_the_schema_names_every_event():
    names = {kind["properties"]["event"]["const"] for kind in log_schema()["oneOf"]}
    assert names == {name_of(kind) for kind in EVENTS}


def test_the_schema_refuses_an_event_without_its_facts():
    check = jsonschema.Draft202012Validator(log_schema())
    assert not check.is_valid({"time": "2026-01-01T00:00:00.000Z", "event": "scored", "cells": 1})


def test_the_start_tells_what_runs_and_on_what(told):
    start = told[0]
    names = ("spec", "cells", "done", "executor", "workers", "device")
    assert {name: start[name] for name in names} == {
        "spec": "toy",
        "cells": 3,
        "done": 1,
        "executor": "local",
        "workers": 2,
        "device": "auto",
    }
    assert {"regharness", "python", "numpy", "regharness_toys"} <= start["versions"].keys()


def test_a_cell_tells_its_worker_and_how_long_each_stage_took(told):
    finished = told[4]
    assert (finished["worker"], finished["examples"], finished["timings"]) == ("w", 7, {"fit": 1.2346})


def test_times_are_utc_to_the_millisecond(told):
    time = told[0]["time"]
    assert time.endswith("Z")
    assert len(time.partition(".")[2]) == len("123Z")
    assert abs((datetime.fromisoformat(time) - datetime.now(UTC)).total_seconds()) < 60


def test_a_half_written_line_is_gone_when_the_next_is_written(tmp_path):
    note(tmp_path, RunFinished(0))
    whole = (tmp_path / "log.jsonl").read_bytes()
    (tmp_path / "log.jsonl").write_bytes(whole + b'{"time": "2026-01-01T00:00:0')
    note(tmp_path, RunFinished(2))
    assert [event["failed"] for event in events(tmp_path)] == [0, 2]


def test_a_log_that_is_half_a_line_alone_begins_anew(tmp_path):
    (tmp_path / "log.jsonl").write_bytes(b'{"time": ')
    note(tmp_path, RunFinished(2))
    assert [event["failed"] for event in events(tmp_path)] == [2]


def test_a_run_logs_its_scores_last(toys, tmp_path):
    run_spec(write(tmp_path, spec()), tmp_path / "r")
    last = events(tmp_path / "r")[-1]
    assert (last["event"], last["cells"]) == ("scored", 16)
    assert last["seconds"] > 0
    check = jsonschema.Draft202012Validator(log_schema())
    assert all(check.is_valid(event) for event in events(tmp_path / "r"))
