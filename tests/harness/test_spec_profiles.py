"""Sizes of a spec: what a profile changes, and what it says when it cannot."""

import json

import pytest
from builders import spec, write

from regharness.errors import InputError
from regharness.spec_loading import load

SMALL = {
    "seeds": [3],
    "severities": [3],
    "data": {"t": {"test": 16}},
    "models": {"*": {"offset": 0.5}, "constant": {"offset": 1.0}},
    "leave_out": ["model=toy_*", "model=oracle", "shift=half"],
}


def loaded(toys, tmp_path, profile="small", small=SMALL, **changes):
    return load(write(tmp_path, spec(profiles={"small": small}, **changes)), toys, profile)


def test_a_profile_changes_seeds_severities_parameters_and_what_takes_part(toys, tmp_path):
    found = loaded(toys, tmp_path)
    (task,), (model,) = found.tasks, found.models
    assert found.seeds == [3]
    assert task.data.with_["test"] == 16
    assert [(shift.use, shift.severity) for shift in task.shifts] == [("offset", [3])]
    assert (model.name, model.with_["offset"]) == ("constant", 1.0)


def test_the_size_is_part_of_the_name_so_that_its_run_lies_beside(toys, tmp_path):
    assert loaded(toys, tmp_path).name == "toy-small"


def test_without_a_profile_the_spec_is_as_it_stands(toys, tmp_path):
    found = loaded(toys, tmp_path, profile=None)
    assert (found.name, found.seeds, len(found.models)) == ("toy", [0, 1], 2)


def test_a_shift_without_any_of_the_severities_keeps_its_strongest(toys, tmp_path):
    found = loaded(toys, tmp_path, small={"severities": [2]})
    assert found.tasks[0].shifts[0].severity == [3]


def test_an_unknown_profile_is_told_with_its_nearest(toys, tmp_path):
    with pytest.raises(InputError, match="no profile named 'smal'; did you mean 'small'"):
        loaded(toys, tmp_path, profile="smal")


def test_a_fault_inside_a_profile_has_its_place(toys, tmp_path):
    with pytest.raises(InputError, match=r"toy\.yaml:\d+:\d+: unknown key 'seed'"):
        loaded(toys, tmp_path, small={"seed": [1]})


def test_faults_keep_their_lines_when_entries_before_them_are_left_out(toys, tmp_path):
    models = [{"name": "oracle", "use": "toy_oracle"}, {"name": "wrong", "use": "constant", "with": {"ofset": 1}}]
    file = write(tmp_path, spec(profiles={"small": {"leave_out": ["model=oracle"]}}, models=models))
    line = next(i for i, text in enumerate(file.read_text().splitlines(), 1) if "ofset" in text)
    with pytest.raises(InputError, match=rf"toy\.yaml:{line}:\d+: unknown key 'ofset'"):
        load(file, toys, "small")


@pytest.mark.slow
def test_the_command_takes_a_name_for_a_size_and_none_for_the_times(toys, tmp_path, regharness):
    file = write(tmp_path, spec(profiles={"small": SMALL}))
    done = regharness("run", file, "--profile", "small", "-o", tmp_path / "run", "--json")
    assert json.loads(done.stdout)["leaderboard"]["name"] == "toy-small"
    assert "profile" in json.loads(regharness("run", file, "-o", tmp_path / "whole", "--json", "--profile").stdout)
    assert "profile" in json.loads(regharness("run", "--profile", file, "-o", tmp_path / "whole", "--json").stdout)
