"""A table of predictions becomes a submission whatever the order of its rows, or is told all that is wrong with it."""

import re
from itertools import product

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from submissions import content, finished_run, manifest

from regharness.catalog import load_catalog
from regharness.cli import cli
from regharness.errors import InputError
from regharness.submission.benchmark import Benchmark, BenchmarkTask, TestSetEntry
from regharness.submission.from_table import from_predictions
from regharness.submission.manifest import Card
from regharness.submission.prediction_table import read_predictions
from regharness.submission.targets import of_run
from regharness.submission.template import write_template
from regharness.submission.template_reading import Cell, Template, open_template
from regharness.submission.verification import verify

CARD = Card(slug="mine", display="Mine")


def made(outputs=("a", "b"), shifts=("identity", "gc@1"), seeds=(0, 7), size=4, name="t", start=0):
    """A task and its cells, test sets of `size` and more examples, whose ids are the same in each."""
    sets = {
        shift: [TestSetEntry(seed=seed, examples=size + i, inputs_sha256="0" * 64) for seed in seeds]
        for i, shift in enumerate(shifts)
    }
    task = BenchmarkTask(name=name, outputs=list(outputs), unit="u", length=9, test_sets=sets)
    cells, ids = [], []
    for seed in seeds:
        for i, shift in enumerate(shifts):
            first = start + len(ids)
            ids += [f"e{n}" for n in range(size + i)]
            cells.append(Cell(name, shift, seed, slice(first, start + len(ids))))
    return task, cells, ids


def joined(*parts, seeds=(0, 7)):
    """A template of tasks."""
    tasks, cells, ids = [], [], []
    for options in parts:
        task, more, names = made(**options, seeds=seeds, start=len(ids))
        tasks, cells, ids = [*tasks, task], [*cells, *more], [*ids, *names]
    benchmark = Benchmark(name="b", version=1, seeds=list(seeds), tasks=tasks, metrics=[{"use": "mse"}], rank_by="mse")
    return Template(benchmark, tuple(cells), np.array(ids, dtype=object))


TEMPLATE = joined({})


def size_of(cell):
    return cell.rows.stop - cell.rows.start


def keys(template):
    """The rows of a template as a table."""
    parts = [
        pd.DataFrame({"task": cell.task, "shift": cell.shift, "seed": cell.seed, "id": template.ids[cell.rows]})
        for cell in template.cells
    ]
    return pd.concat(parts, ignore_index=True)


def wide(template=TEMPLATE, outputs=("a", "b")):
    """A good table, a row an example."""
    table, rng = keys(template), np.random.default_rng(5)
    for output in outputs:
        table[f"mean:{output}"] = rng.normal(size=len(table)).astype(np.float32)
        table[f"sd:{output}"] = rng.uniform(0.5, 2, len(table)).astype(np.float32)
    return table


def long(table):
    """The same table, a row an example and output."""
    parts = [
        table[["task", "shift", "seed", "id"]].assign(
            output=output, mean=table[f"mean:{output}"], sd=table[f"sd:{output}"]
        )
        for output in ("a", "b")
    ]
    return pd.concat(parts, ignore_index=True)


def read(table, tmp_path, template=TEMPLATE, name="p.csv"):
    path = tmp_path / name
    if name.endswith(".parquet"):
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False)
    return read_predictions(path, template, "mine")


def problems(table, tmp_path, template=TEMPLATE, **options):
    with pytest.raises(InputError) as told:
        read(table, tmp_path, template, **options)
    return [problem.message for problem in told.value.problems]


NUMBERS = st.floats(-1e6, 1e6, width=32).map(lambda x: 0.0 if abs(x) < 1e-30 else x)


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_whatever_was_predicted_is_read_back_in_whatever_order(tmp_path_factory, data):
    rows = keys(TEMPLATE)
    size = len(rows) * 2
    mean = np.array(data.draw(st.lists(NUMBERS, min_size=size, max_size=size)), np.float32).reshape(-1, 2)
    variance = np.array(
        data.draw(st.lists(st.floats(2**-30, 2**40, width=32), min_size=size, max_size=size)), np.float32
    ).reshape(-1, 2)
    named = {"mean": mean, "variance": variance}
    given = {f"{name}:{o}": values[:, j] for name, values in named.items() for j, o in enumerate("ab")}
    tables = [rows.assign(**given)]
    parts = [rows.assign(output=o, mean=mean[:, j], variance=variance[:, j]) for j, o in enumerate("ab")]
    tables.append(pd.concat(parts, ignore_index=True))
    table = data.draw(st.sampled_from(tables))
    order = np.random.default_rng(data.draw(st.integers(0, 2**32))).permutation(len(table))
    name = data.draw(st.sampled_from(["p.csv", "p.csv.gz", "p.parquet"]))

    cube = read(table.iloc[order], tmp_path_factory.mktemp("table"), name=name)["t"]

    for cell in TEMPLATE.cells:
        held = cube.sel(model="mine", shift=cell.shift, seed=cell.seed).isel(example=slice(size_of(cell)))
        np.testing.assert_array_equal(held["mean"].values, mean[cell.rows])
        np.testing.assert_array_equal(held["variance"].values, variance[cell.rows])


def test_below_the_largest_test_set_there_is_nothing(tmp_path):
    cube = read(wide(), tmp_path)["t"]
    assert cube["mean"].shape == (1, 2, 2, 5, 2)
    assert np.isnan(cube["mean"].sel(shift="identity").values[..., 4, :]).all()
    assert cube["n_examples"].values.tolist() == [[4, 4], [5, 5]]


def test_standard_deviations_become_variances(tmp_path):
    table = wide()
    cube = read(table, tmp_path)["t"].sel(model="mine", shift="gc@1", seed=7)
    rows = table[(table["shift"] == "gc@1") & (table["seed"] == 7)]
    np.testing.assert_allclose(cube["variance"].values[:5, 1], rows["sd:b"].to_numpy() ** 2, rtol=1e-6)


def test_quantiles_are_in_the_order_of_their_levels(tmp_path):
    template = joined({"outputs": ["a"]})
    table = keys(template).assign(**{"q0.9": 2.0, "mean": 0.0, "q.05": -2.0, "q0.5": 0.5})
    cube = read(table, tmp_path, template)["t"]
    assert cube["quantile"].values.tolist() == [0.05, 0.5, 0.9]
    assert cube["quantiles"].values[0, 0, 0, 0, 0].tolist() == [-2.0, 0.5, 2.0]
    assert "variance" not in cube


def test_columns_that_tell_nothing_apart_can_be_left_out(tmp_path):
    template = joined({"outputs": ["a"], "shifts": ["identity"]}, seeds=(3,))
    cube = read(keys(template)[["id"]].assign(mean=[1.0, 2, 3, 4]), tmp_path, template)["t"]
    assert cube["mean"].values.ravel().tolist() == [1, 2, 3, 4]


def test_the_sequences_of_the_template_may_stay_in_the_table(tmp_path):
    assert list(read(wide().assign(sequence="ACGT"), tmp_path)) == ["t"]


def test_ids_that_look_like_numbers_or_like_nothing_are_ids(tmp_path):
    template = joined({"outputs": ["a"], "shifts": ["identity"]}, seeds=(3,))
    odd = Template(template.benchmark, template.cells, np.array(["007", "NA", "nan", "1e5"], dtype=object))
    table = pd.DataFrame({"id": ["1e5", "nan", "NA", "007"], "mean": [4.0, 3.0, 2.0, 1.0]})
    assert read(table, tmp_path, odd)["t"]["mean"].values.ravel().tolist() == [1, 2, 3, 4]


def test_tasks_of_unlike_outputs_go_in_one_table(tmp_path):
    template = joined({"outputs": ["a", "b"], "name": "t"}, {"outputs": ["b"], "name": "u"})
    table = wide(template)
    table.loc[table["task"] == "u", ["mean:a", "sd:a", "sd:b"]] = np.nan
    cubes = read(table, tmp_path, template)
    assert cubes["u"]["mean"].shape[-1] == 1
    assert "variance" not in cubes["u"]
    np.testing.assert_array_equal(
        cubes["u"]["mean"].sel(shift="identity", seed=0).values.ravel()[:4],
        table[table["task"] == "u"]["mean:b"].iloc[:4],
    )


def test_a_task_without_rows_is_left_out(tmp_path):
    template = joined({"name": "t"}, {"name": "u"})
    table = wide(template)
    assert list(read(table[table["task"] == "u"], tmp_path, template)) == ["u"]


LONG = long(wide())


def at(place, column, value):
    def change(table):
        table[column] = table[column].astype(object)
        table.iloc[place, table.columns.get_loc(column)] = value
        return table

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (at(3, "id", "nobody"), "row 5: there is no such id"),
        (at(0, "id", "e4"), "row 2: the id is not one of this test set"),
        (at(3, "id", ""), "row 5: there is no such id"),
        (at(2, "shift", "gcc@1"), "row 4: no shift named 'gcc@1'; did you mean 'gc@1'?"),
        (at(2, "task", "tt"), "row 4: no task named 'tt'; did you mean 't'?"),
        (at(2, "seed", 8), "row 4: no seed named '8'"),
        (at(2, "seed", "x"), "row 4: no seed named 'x'"),
        (at(2, "output", "c"), "row 4: no output named 'c'"),
        (lambda table: pd.concat([table, table.iloc[[0, 5]]]), "rows 38, 39: the example has a row already"),
        (at([4, 6], "mean", np.nan), "rows 6, 8: 'mean' is empty or NaN"),
        (at([4, 6], "sd", np.nan), "rows 6, 8: 'sd' is empty or NaN"),
        (at(7, "mean", np.inf), "row 9: 'mean' is infinite"),
        (at(7, "sd", -0.1), "row 9: 'sd' is negative"),
        (at(7, "sd", 0.0), "row 9: 'sd' is too small or too large"),
        (at(7, "mean", -1e10), "row 9: 'mean' is too large"),
        (at(7, "mean", "0,5"), "row 9: 'mean' is no number"),
        (
            lambda table: table.drop(index=[1, 2]),
            "task 't', identity, seed 0: no row of output a for 2 of 4 examples: 'e1', 'e2'",
        ),
        (
            lambda table: table[table["seed"] == 0],
            "task 't', gc@1, seed 7: no row for 5 of 5 examples: 'e0', 'e1', 'e2', and 2 more",
        ),
        (lambda table: table.iloc[:0], "the table has no rows"),
        (lambda table: table.assign(std=1.0), "no column is called 'std'; did you mean 'sd'?"),
        (lambda table: table.rename(columns={"mean": "Mean"}), "no column is called 'Mean'; did you mean 'mean'?"),
        (lambda table: table.rename(columns={"mean": "prediction"}), "there is no column 'mean'"),
        (lambda table: table.drop(columns="id"), "there is no column 'id'"),
        (lambda table: table.drop(columns="shift"), "there is no column 'shift'"),
        (
            lambda table: table.drop(columns="output").iloc[:18],
            "rows 2, 3, 4, 5, 6 and 13 more: the task has several outputs, and nothing says which",
        ),
        (lambda table: table.assign(variance=1.0), "there are both 'sd' and 'variance'"),
        (lambda table: table.assign(epistemic_variance=1.0), "there are both 'sd' and 'epistemic_variance'"),
        (lambda table: table.assign(**{"q0.5": 1.0, "q.50": 1.0}), "'q0.5' and 'q.50' are the same"),
        (lambda table: table.assign(q0=1.0), "no column is called 'q0'"),
        (lambda table: table.assign(**{"q.0": 1.0}), "the quantile level 0 is not between 0 and 1"),
        (lambda table: table.assign(**{"mean:a": 1.0}), "'mean:a' names an output, and 'mean' does not"),
        (lambda table: table.assign(**{"q0.1": 1.0, "q0.9": [0.5, *[2.0] * 35]}), "row 2: 'q0.9' is below 'q0.1'"),
        (
            lambda table: table.drop(columns="sd").assign(
                aleatoric_variance=[0.0, *[1.0] * 35], epistemic_variance=0.0
            ),
            "row 2: the variances are nothing together",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_rows(change, told, tmp_path):
    assert told in problems(change(LONG.copy()), tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda table: table.drop(columns="mean:b"), "task 't' has the outputs a, b, and there is no column 'mean:b'"),
        (lambda table: table.drop(columns="sd:a"), "task 't' has the outputs a, b, and there is no column 'sd:a'"),
        (
            lambda table: table.rename(columns={"mean:b": "mean:B"}),
            "no column is called 'mean:B'; did you mean 'mean:b'?",
        ),
        (lambda table: table.assign(output="a"), "'mean:a' names an output, and so does the column 'output'"),
        (lambda table: table.drop(index=[4]), "task 't', gc@1, seed 0: no row for 1 of 5 examples: 'e0'"),
        (at(4, "mean:b", np.nan), "row 6: 'mean:b' is empty or NaN"),
    ],
)
def test_what_is_wrong_with_a_row_an_example_is_told_too(change, told, tmp_path):
    assert told in problems(change(wide()), tmp_path)


def test_an_output_that_a_task_does_not_have_must_be_empty(tmp_path):
    template = joined({"outputs": ["a", "b"], "name": "t"}, {"outputs": ["b"], "name": "u"})
    table = wide(template)
    table.loc[table["task"] == "u", "sd:a"] = np.nan
    told = "rows 20, 21, 22, 23, 24 and 13 more: 'mean:a' is given, and the task has no such output"
    assert told in problems(table, tmp_path, template)


def test_everything_is_told_at_once(tmp_path):
    table = LONG.assign(std=1.0)
    for change in (at(1, "id", "x"), at(2, "shift", "y"), at(3, "mean", np.nan), at(4, "sd", -1)):
        table = change(table)
    assert len(problems(table, tmp_path)) == 6


def test_rows_of_parquet_are_counted_from_one(tmp_path):
    table = LONG.copy()
    table.loc[3, "mean"] = np.nan
    assert problems(table, tmp_path, name="p.parquet") == ["row 4: 'mean' is empty or NaN"]


def test_a_part_of_a_template_is_not_enough_for_a_submission(tmp_path):
    part = Template(TEMPLATE.benchmark, TEMPLATE.cells[:3], TEMPLATE.ids[:13])
    assert "the template is a part, without gc@1, seed 7 of task 't'" in problems(wide(part), tmp_path, part)


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("p.txt", b"", "is neither .csv, .csv.gz nor .parquet"),
        ("p.csv", b"", "is no table"),
        ("p.csv", b"id,mean\n\xff\xfe,1\n", "is no table"),
        ("p.csv.gz", b"id,mean\n", "p.csv.gz"),
        ("p.parquet", b"id,mean\n", "is no table"),
        ("p.csv", b"id;mean\ne0;1\n", "no column is called 'id;mean'"),
        ("p.csv", b",id,mean\n0,e0,1\n", "no column is called 'Unnamed: 0'"),
    ],
)
def test_what_is_no_table_is_told(name, data, told, tmp_path):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=re.escape(told)):
        read_predictions(tmp_path / name, TEMPLATE, "mine")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_predictions(tmp_path / "p.csv", TEMPLATE, "mine")


def test_without_what_reads_parquet_that_is_told(tmp_path, monkeypatch):
    def missing(path):
        raise ImportError("pyarrow")

    wide().to_parquet(tmp_path / "p.parquet")
    monkeypatch.setattr(pd, "read_parquet", missing)
    with pytest.raises(InputError, match=re.escape("pip install 'regharness[parquet]'")):
        read_predictions(tmp_path / "p.parquet", TEMPLATE, "mine")


@pytest.fixture
def run(toys, tmp_path):
    return finished_run(tmp_path)


@pytest.fixture
def asked(run, tmp_path):
    write_template(run, tmp_path / "t.zip", load_catalog())
    return tmp_path / "t.zip"


@pytest.fixture
def answer(run, asked, tmp_path):
    """What a model of the run predicted, as a table that someone without the harness writes."""
    cube, template = run.cube("t").sel(model="constant"), open_template(asked)
    names = {"mean": "mean", "variance": "aleatoric_variance"}
    rows = keys(template).assign(**{f"{name}:{o}": np.nan for o in "ab" for name in names})
    for cell in template.cells:
        held = cube.sel(shift=cell.shift, seed=cell.seed).isel(example=slice(size_of(cell)))
        for o, (name, theirs) in product("ab", names.items()):
            rows.loc[rows.index[cell.rows], f"{name}:{o}"] = held[theirs].sel(output=o).values.astype(float)
    rows.sample(frac=1, random_state=1).to_csv(tmp_path / "p.csv", index=False)
    return tmp_path / "p.csv"


def test_a_table_is_scored_as_the_model_that_it_is_of(run, asked, answer, tmp_path):
    from_predictions(answer, asked, CARD, tmp_path / "mine.zip", load_catalog(), of_run(run))
    verdict = verify(tmp_path / "mine.zip", load_catalog(), of_run(run))
    assert verdict.reasons == []
    assert {check.name for check in verdict.checks if check.status == "not checked"} == {"re-run"}
    for name in ("mse", "crps", "coverage_90"):
        theirs = run.scores[name].sel(model="constant")
        found = verdict.claimed.scores[name].transpose(*theirs.dims)
        np.testing.assert_allclose(found.values, theirs.values, rtol=1e-6)


def test_without_targets_no_scores_are_stated(run, asked, answer, tmp_path):
    from_predictions(answer, asked, CARD, tmp_path / "mine.zip", load_catalog())
    told = manifest(tmp_path / "mine.zip")
    assert "claims" not in told
    assert told["provenance"]["made_by"] == "table"
    assert "controls.json" not in content(tmp_path / "mine.zip")
    assert verify(tmp_path / "mine.zip", load_catalog(), of_run(run)).reasons == []


def test_targets_of_another_benchmark_are_refused(run, asked, answer, tmp_path):
    (tmp_path / "more").mkdir()
    other = finished_run(tmp_path / "more", seeds=[0, 1, 2])
    with pytest.raises(InputError, match="the targets are of other test sets of 'toy'"):
        from_predictions(answer, asked, CARD, tmp_path / "mine.zip", load_catalog(), of_run(other))


def test_the_least_standard_deviation_is_taken(run, asked, tmp_path):
    table = keys(open_template(asked)).assign(**{"mean:a": 0.0, "mean:b": 1e-45, "sd:a": 1e-6, "sd:b": 1e9})
    table.to_csv(tmp_path / "p.csv", index=False)
    from_predictions(tmp_path / "p.csv", asked, CARD, tmp_path / "mine.zip", load_catalog())
    assert verify(tmp_path / "mine.zip", load_catalog(), of_run(run)).reasons == []


def test_the_verb_writes_a_submission_of_a_table(run, asked, answer, tmp_path):
    (tmp_path / "card.yaml").write_text("slug: my-model\ndisplay: My model\n")
    files = {"--template": asked, "--card": tmp_path / "card.yaml", "-o": tmp_path / "m.zip", "--targets": run.folder}
    words = [str(word) for pair in files.items() for word in pair]
    done = CliRunner().invoke(cli, ["submission", "from-predictions", str(answer), *words])
    assert "m.zip: 'My model'" in done.output
    assert verify(tmp_path / "m.zip", load_catalog(), of_run(run)).claimed is not None
