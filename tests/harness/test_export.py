"""A fitted model of a run becomes a file that predicts the same."""

import json
import shutil

import numpy as np
import pytest
import xarray as xr
from builders import spec, write
from ruamel.yaml import YAML

import regharness as rh
from regharness.api import run as run_spec
from regharness.errors import InputError, VerificationError
from regharness.export import export
from regharness.plan import make_plan
from regharness.runner import execute
from regharness.spec_loading import load
from regharness.testing import ModelAdapterContract, make_batch
from regharness.whole_folders import new_folder

TASKS = [{"name": name, "data": {"use": "toy", "with": {"train": n}}} for name, n in (("t", 64), ("u", 80))]
MODELS = [
    {"name": "w", "use": "written"},
    {"name": "second", "use": "written", "tasks": ["u"]},
    {"name": "plain", "use": "constant"},
    {"name": "bad", "use": "constant", "with": {"fault": "nan"}},
]


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """Runs by what was asked for, each computed once."""
    return tmp_path_factory.mktemp("computed"), {}


@pytest.fixture
def make(toys, computed, tmp_path, monkeypatch):
    """Put a run of models into a folder of its own, and be where it lies."""
    monkeypatch.chdir(tmp_path)
    store, known = computed

    def put(models=MODELS, **options):
        asked = json.dumps([models, options])
        if asked not in known:
            known[asked] = store / str(len(known))
            file = write(tmp_path, spec(tasks=TASKS, models=models, seeds=[3, 4]))
            execute(make_plan(load(file, toys), toys), known[asked], toys, **options)
        shutil.copytree(known[asked], tmp_path / "r")
        return rh.open_run(tmp_path / "r")

    return put


def cell(run, model, task, seed):
    return run.cube(task).sel(model=model, shift="identity", seed=seed)


def files(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.startswith(("w.", "w-", ".export", "out")))


def test_the_file_of_the_first_task_and_seed_predicts_what_the_cube_holds(make, toys, tmp_path):
    run = make()
    found = export(run, toys, "w", "numbers")
    assert (found.file, found.task, found.seed) == (tmp_path / "w.numbers", "t", 3)
    model = toys.create("model", "from_numbers", {"path": str(found.file)})
    mean = model.predict(make_batch(5, outputs=("a", "b")).inputs(), rh.RunContext()).mean
    np.testing.assert_allclose(mean[0], cell(run, "w", "t", 3)["mean"][0], rtol=1e-6)
    assert found.differences == {"mean": pytest.approx(0, abs=1e-6)}


def test_a_task_and_a_seed_can_be_chosen(make, toys, tmp_path):
    run = make()
    found = export(run, toys, "w", "numbers", task="u", seed=4, output=tmp_path / "out.json")
    assert list(json.loads(found.file.read_text()).values()) == pytest.approx(
        cell(run, "w", "u", 4)["mean"][0].values.tolist()
    )


def test_the_first_task_is_one_that_the_model_takes_part_in(make, toys):
    assert export(make(), toys, "second", "numbers").task == "u"


def test_what_belongs_to_the_file_lies_beside_it(make, toys, tmp_path):
    export(make(), toys, "w", "numbers")
    assert files(tmp_path) == ["w-notes.txt", "w.numbers"]


def test_the_entry_brings_the_file_into_another_spec(make, toys, tmp_path):
    run = make()
    entry = export(run, toys, "w", "numbers").entry
    assert entry == {"name": "w", "use": "from_numbers", "with": {"path": "w.numbers"}}
    other = run_spec(write(tmp_path, spec(name="other", tasks=TASKS[:1], models=[entry], seeds=[3]), "o.yaml"))
    xr.testing.assert_allclose(cell(other, "w", "t", 3)["mean"].load(), cell(run, "w", "t", 3)["mean"].load())


def test_a_file_that_is_there_is_never_overwritten(make, toys, tmp_path):
    (tmp_path / "w.numbers").write_text("mine")
    with pytest.raises(InputError, match=r"w\.numbers is there already"):
        export(make(), toys, "w", "numbers")
    assert (tmp_path / "w.numbers").read_text() == "mine"


def test_neither_is_one_beside_it(make, toys, tmp_path):
    (tmp_path / "w-notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"w-notes\.txt is there already"):
        export(make(), toys, "w", "numbers")
    assert files(tmp_path) == ["w-notes.txt"]


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("wrong", "the file predicts another mean than the model: up to 0.* standard deviations of the targets apart"),
        ("infinite", "'from_numbers' cannot predict with it: mean is NaN or infinite"),
        ("blank", "the model wrote no file as blank"),
    ],
)
def test_a_file_that_predicts_otherwise_is_not_left_behind(make, toys, tmp_path, form, message):
    with pytest.raises(VerificationError, match=message):
        export(make(), toys, "w", form)
    assert files(tmp_path) == []


def test_a_stored_model_that_no_longer_predicts_what_the_cube_holds_is_not_exported(make, toys, tmp_path):
    run = make()
    for learnt in (tmp_path / "r" / "models").rglob("model.json"):
        with new_folder(learnt.parent) as stored:
            (stored / learnt.name).write_text(json.dumps({"mean": [9.0, 9.0], "variance": [1.0, 1.0]}))
    with pytest.raises(VerificationError, match="the model predicts another mean than what the run has stored"):
        export(run, toys, "w", "numbers")
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"model": "v"}, "no model named 'v'.*the run has: bad, plain, second, w"),
        ({"model": "w", "task": "x"}, "no task named 'x'.*'w' takes part in: t, u"),
        ({"model": "second", "task": "t"}, "no task named 't'.*'second' takes part in: u"),
        ({"model": "w", "seed": 5}, r"no seed 5 \(seeds: 3, 4\)"),
        ({"model": "w", "format": "nubers"}, "no format named 'nubers'; did you mean 'numbers'.*'w' offers: blank"),
        ({"model": "w", "format": "refused"}, "'w' cannot be written as refused: numbers are secret"),
        ({"model": "plain"}, r"model 'plain' \('constant'\) offers no file"),
        ({"model": "bad"}, "model 'bad' of task 't' and seed 3 failed: mean is NaN"),
        ({"model": "w", "output": "none/w.onnx"}, "no folder at .*none"),
    ],
)
def test_what_cannot_be_exported_is_refused_with_its_reason(make, toys, tmp_path, asked, message):
    output = tmp_path / asked.pop("output") if "output" in asked else None
    with pytest.raises(InputError, match=message):
        export(make(), toys, **{"format": "numbers", **asked}, output=output)
    assert files(tmp_path) == []


def test_a_model_that_was_not_computed_is_refused(make, toys):
    run = make(only=["model=plain"])
    with pytest.raises(InputError, match=r"'w' of task 't' and seed 3 was not computed.*regharness run"):
        export(run, toys, "w", "numbers")


def test_a_model_whose_folder_was_removed_is_refused(make, toys, tmp_path):
    run = make()
    shutil.rmtree(tmp_path / "r" / "models")
    with pytest.raises(InputError, match="is not stored any more"):
        export(run, toys, "w", "numbers")


def wrapped(method, **parameters):
    return [{"name": "w", "use": "written", "uncertainty": {"use": method, "with": parameters}}]


def test_the_model_inside_an_uncertainty_method_is_exported_without_it(make, toys):
    found = export(make(wrapped("variance_scaling")), toys, "w", "numbers")
    assert (found.left_out, list(found.differences)) == ("variance_scaling", ["mean"])


def test_an_ensemble_is_no_single_file(make, toys):
    with pytest.raises(InputError, match="in its uncertainty method 'deep_ensemble', offers no file"):
        export(make(wrapped("deep_ensemble", members=2)), toys, "w", "numbers")


def test_a_method_around_a_model_without_a_file_offers_none(make, toys):
    models = [{"name": "w", "use": "constant", "uncertainty": {"use": "variance_scaling"}}]
    with pytest.raises(InputError, match="in its uncertainty method 'variance_scaling', offers no file"):
        export(make(models), toys, "w", "numbers")


def test_the_verb_shows_the_entry_and_the_difference(make, regharness):
    make(wrapped("add_variance"))
    lines = regharness("export", "r", "--model", "w", "--format", "numbers", "-o", "out.json").stdout.splitlines()
    assert lines[0].endswith("out.json: model 'w' of task 't' and seed 3, as numbers")
    assert lines[1] == "without its uncertainty method 'add_variance': the file is the model inside"
    assert "predicts mean of the identity test set as the model does: at most 0.0e+00 standard" in lines[2]
    entry = {"name": "w", "use": "from_numbers", "with": {"path": "out.json"}}
    assert YAML(typ="safe").load("\n".join(lines[4:])) == [entry]


def test_the_verb_writes_json(make, regharness, tmp_path):
    make()
    found = json.loads(regharness("export", "r", "--model", "w", "--format", "numbers", "--json").stdout)
    assert found["file"] == str(tmp_path / "w.numbers")
    assert found["entry"]["with"] == {"path": "w.numbers"}
    assert found["differences"] == {"mean": pytest.approx(0, abs=1e-6)}


def test_the_verb_ends_with_3_when_the_file_predicts_otherwise(make, regharness, tmp_path):
    make()
    done = regharness("export", "r", "--model", "w", "--format", "wrong", check=3)
    assert done.stderr.startswith("error: the file predicts another mean than the model")
    assert files(tmp_path) == []


class TestWritten(ModelAdapterContract):
    @pytest.fixture(autouse=True)
    def _catalog(self, toys):
        self.toys = toys

    def make_model(self):
        made = self.toys.create("model", "written")
        made.export_formats = ("numbers",)
        return made


def test_the_contract_finds_a_file_that_predicts_otherwise(toys, tmp_path):
    class Wrong(ModelAdapterContract):
        def make_model(self):
            made = toys.create("model", "written")
            made.export_formats = ("numbers", "wrong")
            return made

    with pytest.raises(AssertionError, match="wrong: mean"):
        Wrong().test_a_file_in_each_format_that_it_offers_predicts_the_same(tmp_path)
