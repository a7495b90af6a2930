import pytest
from builders import spec, write

from regharness.errors import InputError
from regharness.spec_loading import load


def problems(path, catalog):
    with pytest.raises(InputError, match=r".") as caught:
        load(path, catalog)
    return [str(problem) for problem in caught.value.problems]


def test_a_valid_spec_has_its_defaults_filled_in(toys, tmp_path):
    loaded = load(write(tmp_path, spec()), toys)
    assert loaded.tasks[0].data.with_ == {"train": 64, "test": 32, "outputs": ["a", "b"], "fail": False}


def test_severities_left_out_are_all_that_the_operator_has(toys, tmp_path):
    task = {"name": "t", "data": {"use": "toy"}, "shifts": [{"use": "offset"}]}
    loaded = load(write(tmp_path, spec(tasks=[task])), toys)
    assert loaded.tasks[0].shifts[0].severity == [1, 2, 3, 4, 5]


def test_a_single_severity_needs_no_list(toys, tmp_path):
    task = {"name": "t", "data": {"use": "toy"}, "shifts": [{"use": "offset", "severity": 2}]}
    assert load(write(tmp_path, spec(tasks=[task])), toys).tasks[0].shifts[0].severity == [2]


def test_the_default_metrics_are_those_that_plugins_mark(toys, tmp_path):
    loaded = load(write(tmp_path, spec(metrics="default")), toys)
    assert [m.use for m in loaded.metrics] == [
        name for name in toys.names("metric") if toys.component("metric", name).default
    ]


FAULTY = """\
name: faulty
sedes: [0]
tasks:
  - name: t
    data: {use: toy, with: {trian: 5, test: many}}
    shifts:
      - {use: ofset, severity: 1}
      - {use: offset, severity: [1, 9]}
models:
  - {name: m, use: constant, tasks: [tt]}
  - {name: m, use: constant}
metrics: [mse, mes]
leaderboard: {rank_by: crsp}
"""


def test_every_problem_is_reported_at_once_in_the_order_of_the_file(toys, tmp_path):
    file = tmp_path / "faulty.yaml"
    file.write_text(FAULTY)
    places = [problem.removeprefix(str(file))[1:].split(": ", 1)[0] for problem in problems(file, toys)]
    assert places == ["2:1", "5:29", "5:45", "7:15", "8:37", "10:38", "11:12", "12:16", "13:24"]


@pytest.mark.parametrize(
    "message",
    [
        "unknown key 'sedes'; did you mean 'seeds'?",
        "unknown key 'trian'; did you mean 'train'?",
        "test: input should be a valid integer, unable to parse string as an integer, not 'many'",
        "no shift operator named 'ofset'; did you mean 'offset'?",
        "'offset' has no severity 9 (it has: 1, 2, 3, 4, 5)",
        "no task named 'tt'; did you mean 't'? (tasks: t)",
        "the model 'm' is already in line 10",
        "no metric named 'mes'; did you mean 'mse'?",
        "no metric named 'crsp'",
    ],
)
def test_each_problem_names_the_offender_and_the_nearest_right_answer(toys, tmp_path, message):
    file = tmp_path / "faulty.yaml"
    file.write_text(FAULTY)
    assert sum(message in problem for problem in problems(file, toys)) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "../up"}, "name: string should match pattern"),
        ({"seeds": []}, "seeds: list should have at least 1 item"),
        ({"seeds": [-1]}, "greater than or equal to 0"),
        ({"seeds": [1, 1]}, "the seed '1' is already in line"),
        ({"tasks": []}, "tasks: list should have at least 1 item"),
        ({"models": "cnn"}, "models: input should be a valid list, not 'cnn'"),
        ({"run": {"executor": "loco"}}, "no executor named 'loco'; did you mean 'local'?"),
        ({"run": {"workers": 0}}, "workers: input should be greater than or equal to 1"),
        ({"metrics": ["mse", "mse"]}, "the metric 'mse' is already in line"),
        ({"models": [{"name": "m", "use": "needs_package"}]}, r"needs the package 'no_such_package'.*toys\[all\]"),
        ({"models": [{"name": "m", "use": "constant", "with": {"offset": float("inf")}}]}, "finite"),
        ({"models": [{"name": "m", "use": "from_file", "with": {"path": "no.txt"}}]}, r"no file at .*no\.txt"),
    ],
)
def test_a_wrong_value_is_refused(toys, tmp_path, change, message):
    file = write(tmp_path, spec(**change))
    file.write_text(file.read_text().replace("Infinity", ".inf"))
    with pytest.raises(InputError, match=message):
        load(file, toys)


def test_two_entries_of_one_operator_need_names_of_their_own(toys, tmp_path):
    shifts = [{"use": "offset", "severity": 1}, {"use": "offset", "severity": 1}]
    with pytest.raises(InputError, match=r"the shift 'offset@1' is already .*give one of them a 'name'"):
        load(write(tmp_path, spec(tasks=[{"name": "t", "data": {"use": "toy"}, "shifts": shifts}])), toys)


def test_a_spec_extends_another_key_by_key(toys, tmp_path):
    write(tmp_path, spec(), "base.yaml")
    file = tmp_path / "more.yaml"
    file.write_text("extends: base.yaml\nseeds: [5]\nrun: {device: cpu}\n")
    loaded = load(file, toys)
    assert (loaded.name, loaded.seeds, loaded.run.device, loaded.run.executor.use) == ("toy", [5], "cpu", "local")


def test_a_problem_in_an_extended_spec_is_placed_in_that_file(toys, tmp_path):
    write(tmp_path, spec(metrics=["mes"]), "base.yaml")
    file = tmp_path / "more.yaml"
    file.write_text("extends: base.yaml\nseeds: [5]\n")
    with pytest.raises(InputError, match=r"base\.yaml:\d+:\d+: no metric named 'mes'"):
        load(file, toys)


def test_specs_that_extend_each_other_are_refused(toys, tmp_path):
    (tmp_path / "a.yaml").write_text("extends: b.yaml\n")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\n")
    with pytest.raises(InputError, match="'extends' comes back to"):
        load(tmp_path / "a.yaml", toys)


def test_a_file_is_relative_to_the_spec_that_names_it(toys, tmp_path):
    below = tmp_path / "below"
    below.mkdir()
    (below / "value.txt").write_text("2.5")
    model = {"name": "m", "use": "from_file", "with": {"path": "value.txt"}}
    write(below, spec(models=[model]), "base.yaml")
    (tmp_path / "top.yaml").write_text("extends: below/base.yaml\n")
    loaded = load(tmp_path / "top.yaml", toys)
    assert loaded.models[0].with_["path"] == str(below / "value.txt")


def test_a_name_without_a_folder_is_looked_for_among_the_shipped_specs(toys):
    with pytest.raises(InputError, match=r"no spec named 'quikstart'; did you mean 'quickstart'\?"):
        load("quikstart", toys)
