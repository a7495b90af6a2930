"""What someone without the harness is given: every test set, no target, and words that are true."""

import csv
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from submissions import content, finished_run, write

import regharness as rh
from regharness.catalog import load_catalog
from regharness.cli import cli
from regharness.errors import InputError
from regharness.run_folder import open_run
from regharness.submission.cards import read_card
from regharness.submission.from_table import from_predictions
from regharness.submission.manifest import Card
from regharness.submission.template import write_template
from regharness.submission.template_reading import open_template

SCALED = """\
from dataclasses import replace
from pathlib import Path
from regharness import hookimpl
from regharness_toys import Toy

class Scaled(Toy):
    '''The toy with its targets, truth and noise times a number that a file holds.'''

    def generate(self, seed):
        by = float(Path("scale.txt").read_text())
        def scaled(one):
            return replace(one, target=one.target * by, truth=one.truth * by, noise_variance=one.noise_variance * by)
        made = super().generate(seed)
        return replace(made, train=scaled(made.train), calibration=scaled(made.calibration), test=scaled(made.test))

class Divided(Toy):
    '''What seed 1 learns from, seed 0 is tested on.'''

    def generate(self, seed):
        made, other = super().generate(0), super().generate(1)
        return made if seed == 0 else replace(other, calibration=made.test)

@hookimpl
def regharness_data_generators():
    return {"scaled": Scaled, "divided": Divided}
"""


def template(run, tmp_path, name="template.zip", **options):
    write_template(run, tmp_path / name, load_catalog(), **options)
    return tmp_path / name


def rows(path, name):
    return list(csv.DictReader(io.StringIO(content(path)[name].decode())))


@pytest.fixture
def run(toys, tmp_path):
    return finished_run(tmp_path)


def test_every_test_set_is_there_with_the_ids_of_the_run_in_its_order(run, tmp_path):
    found, cube = pd.DataFrame(rows(template(run, tmp_path), "inputs.csv")), run.cube("t")
    assert list(found.columns) == ["task", "shift", "seed", "id", "sequence"]
    assert len(found) == int(cube["n_examples"].sum())
    for (shift, seed), part in found.groupby(["shift", "seed"]):
        held = cube.sel(shift=shift, seed=int(seed))
        assert part["id"].tolist() == held["example_id"].values[: int(held["n_examples"])].tolist()


def test_sequences_are_letters_of_the_codes_that_models_saw(run, tmp_path):
    made = rh.data("toy").generate(1).test
    found = [
        row for row in rows(template(run, tmp_path), "inputs.csv") if (row["shift"], row["seed"]) == ("offset@3", "1")
    ]
    assert [row["sequence"] for row in found] == ["".join("ACGTN"[code] for code in one) for one in made.sequence]


def test_a_template_is_the_same_whatever_was_measured(toys, install, tmp_path, monkeypatch):
    install("scaling", SCALED)
    monkeypatch.chdir(tmp_path)
    files = []
    for scale in (1.0, 7.0):
        (tmp_path / "scale.txt").write_text(str(scale))
        run = finished_run(
            tmp_path, f"by{scale}", tasks=[{"name": "t", "data": {"use": "scaled"}, "shifts": [{"use": "half"}]}]
        )
        files.append((float(run.cube("t")["target"].std()), template(run, tmp_path, f"{scale}.zip").read_bytes()))
    assert files[1][0] == pytest.approx(7 * files[0][0], rel=1e-5)
    assert files[0][1] == files[1][1]


@pytest.mark.parametrize("training", [False, True])
def test_no_file_of_a_template_holds_a_number_that_was_measured_of_a_test_example(run, tmp_path, training):
    cube = run.cube("t")
    known = np.concatenate([cube[name].values.ravel() for name in ("target", "truth")])
    known = known[np.isfinite(known)].astype(np.float64)
    for name, data in content(template(run, tmp_path, training=training)).items():
        assert not any(number.tobytes() in data for number in known.astype(np.float32)[:50])
        told = np.array([float(text) for text in re.findall(r"-?\d+\.\d{3,}(?:e-?\d+)?", data.decode())])
        nearest = np.abs(told[:, None] - known).min(axis=1, initial=np.inf)
        assert (nearest > 1e-7).all(), name
        assert training or not len(told), name


def test_training_examples_come_with_their_targets_and_their_split(run, tmp_path):
    found = pd.DataFrame(rows(template(run, tmp_path, training=True), "training.csv"))
    assert list(found.columns) == ["task", "seed", "split", "id", "sequence", "target:a", "target:b"]
    made = rh.data("toy").generate(0)
    for split in ("train", "calibration"):
        part, held = found[(found["split"] == split) & (found["seed"] == "0")], getattr(made, split)
        assert part["id"].tolist() == held.ids.tolist()
        np.testing.assert_array_equal(part[["target:a", "target:b"]].to_numpy(np.float32), held.target)
    assert set(found["split"]) == {"train", "calibration"}


def test_training_examples_that_another_seed_is_tested_on_are_not_given_away(toys, install, tmp_path):
    install("scaling", SCALED)
    run = finished_run(tmp_path, tasks=[{"name": "t", "data": {"use": "divided"}}])
    with pytest.raises(InputError, match="32 training examples of seed 1 are test examples of another seed"):
        template(run, tmp_path, training=True)
    assert not (tmp_path / "template.zip").exists()
    assert len(rows(template(run, tmp_path), "inputs.csv")) == 64


def test_a_part_of_the_seeds_does_not_hide_what_the_others_are_tested_on(toys, install, tmp_path):
    install("scaling", SCALED)
    run = finished_run(tmp_path, tasks=[{"name": "t", "data": {"use": "divided"}}])
    with pytest.raises(InputError, match="given away"):
        template(run, tmp_path, training=True, only=["seed=1"])


def test_a_part_of_a_template_has_only_what_was_asked_for(run, tmp_path):
    found = rows(template(run, tmp_path, only=["shift=offset*", "seed=1"]), "inputs.csv")
    assert {(row["shift"], row["seed"]) for row in found} == {("offset@1", "1"), ("offset@3", "1")}


@pytest.mark.parametrize("only", ["shift=nothing", "task=nothing"])
def test_a_template_of_nothing_is_refused(run, tmp_path, only):
    with pytest.raises(InputError, match="no test set is left"):
        template(run, tmp_path, only=[only])


def test_data_that_have_changed_since_the_run_are_told(toys, install, tmp_path):
    run = finished_run(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "run" / "test_sets.jsonl").read_text().splitlines()]
    lines[0]["inputs_sha256"] = "0" * 64
    (tmp_path / "run" / "test_sets.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    where = f"{lines[0]['shift']}, seed {lines[0]['seed']} is not the one that the run had"
    with pytest.raises(InputError, match=re.escape(where)):
        template(open_run(run.folder), tmp_path)


def filled(path, tmp_path, change=lambda text: text):
    """The card of a template with its two needed lines filled in."""
    text = (
        content(path)["card.yaml"]
        .decode()
        .replace('slug: ""', "slug: my-model")
        .replace('display: ""', "display: My model")
    )
    (tmp_path / "card.yaml").write_text(change(text))
    return read_card(tmp_path / "card.yaml")


def test_the_card_is_valid_once_it_has_a_name(run, tmp_path):
    assert filled(template(run, tmp_path), tmp_path) == Card(slug="my-model", display="My model")


def test_what_the_card_has_in_comments_is_valid_too_and_is_all_that_there_is(run, tmp_path):
    card = filled(template(run, tmp_path), tmp_path, lambda text: re.sub(r"(?m)^# (?!yaml)", "", text))
    assert card.model_fields_set == set(Card.model_fields)
    assert card.seen("t", "identity") == "unseen"


def test_an_empty_card_says_what_it_lacks(run, tmp_path):
    (tmp_path / "card.yaml").write_bytes(content(template(run, tmp_path))["card.yaml"])
    with pytest.raises(InputError, match=r"(?s)card\.yaml:5.*card\.yaml:6"):
        read_card(tmp_path / "card.yaml")


ONE = [{"name": "t", "data": {"use": "toy", "with": {"outputs": ["a"]}}, "shifts": [{"use": "half"}]}]
UNLIKE = [*ONE, {"name": "u", "data": {"use": "toy", "with": {"outputs": ["b", "c"]}}}]


@pytest.mark.parametrize("tasks", [ONE, UNLIKE], ids=["one output", "tasks of unlike outputs"])
@pytest.mark.parametrize("seeds", [[3], [0, 1]])
def test_the_python_of_the_readme_makes_a_table_that_becomes_a_submission(toys, tmp_path, monkeypatch, tasks, seeds):
    run = finished_run(tmp_path, tasks=tasks, seeds=seeds)
    path = template(run, tmp_path)
    (code,) = re.findall(r"^```python\n(.*?)^```$", content(path)["README.md"].decode(), re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inputs.csv").write_bytes(content(path)["inputs.csv"])
    exec(code, {"predict": lambda sequences, output="": (sequences.str.count("G"), 1.0)})
    target = tmp_path / "mine.zip"
    left = from_predictions(tmp_path / "predictions.csv", path, filled(path, tmp_path), target, load_catalog())
    assert left == []
    assert target.is_file()


def test_the_readme_names_tasks_outputs_and_test_sets(run, tmp_path):
    text = content(template(run, tmp_path, training=True))["README.md"].decode()
    assert "| t | a, b | log2 | 20 | identity, offset@1, offset@3, half@1 |" in text
    assert "training.csv" in text
    assert "training.csv" not in content(template(run, tmp_path, "plain.zip"))["README.md"].decode()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda files: files.pop("inputs.csv"), "is no template"),
        (lambda files: files.update({"benchmark.json": b"{}"}), "is no template"),
        (lambda files: files.update({"inputs.csv": files["inputs.csv"][:-200]}), "is not as benchmark.json there says"),
        (
            lambda files: files.update({"inputs.csv": b"task,shift,seed,id,sequence\n"}),
            "is not as benchmark.json there says",
        ),
    ],
)
def test_a_template_that_was_changed_is_told(run, tmp_path, change, told):
    files = content(template(run, tmp_path))
    change(files)
    with pytest.raises(InputError, match=told):
        open_template(write(tmp_path / "changed.zip", files))


@pytest.mark.parametrize("name", ["missing.zip", "toy.yaml"])
def test_what_is_no_template_is_told(run, tmp_path, name):
    with pytest.raises(InputError, match=name):
        open_template(tmp_path / name)


def test_the_verb_writes_a_template_and_never_over_a_file(run, tmp_path):
    words = ["submission", "template", str(run.folder), "-o", str(tmp_path / "t.zip"), "--training"]
    done = CliRunner().invoke(cli, words)
    assert "t.zip: 224 examples to predict, 160 to learn from" in done.output
    assert isinstance(CliRunner().invoke(cli, words).exception, InputError)
