import json

import pytest
from builders import spec, write
from click.testing import CliRunner

from regharness.catalog import load_catalog
from regharness.cli import cli
from regharness.plan import make_plan
from regharness.runner import execute
from regharness.spec_loading import load
from regharness.staleness import Facts

ONE = {"name": "t", "data": {"use": "toy"}}


def constant(name="constant", **parameters):
    return {"name": name, "use": "constant", "with": parameters}


@pytest.fixture
def planned(toys, tmp_path):
    """Run a spec, then plan another into the same folder, in words or with ``--json``."""

    def plan(after, *words, before=None):
        if before is not None:
            catalog = load_catalog()
            execute(make_plan(load(write(tmp_path, before), catalog), catalog), tmp_path / "r", catalog)
        file = str(write(tmp_path, after))
        done = CliRunner().invoke(cli, ["plan", file, "-o", str(tmp_path / "r"), *words], obj=())
        assert done.exit_code == 0, done.output
        return done.stdout

    return plan


def reasons(text, **cell):
    return [c["reasons"] for c in json.loads(text)["cells"] if cell.items() <= c.items()]


def test_a_finished_run_has_nothing_to_compute(planned):
    before = spec()
    assert {c["done"] for c in json.loads(planned(before, "--json", before=before))["cells"]} == {True}
    assert "to compute\n" not in planned(before)


def test_a_changed_parameter_is_named_with_both_values(planned):
    before, after = (spec(models=[constant("a", offset=x), constant("b")], tasks=[ONE]) for x in (5.0, 8.0))
    text = planned(after, "--json", before=before)
    assert reasons(text, model="a") == [["parameter offset of model 'a': 8.0, was 5.0"]] * 2
    assert reasons(text, model="b") == [[]] * 2


def test_cells_with_the_same_reason_are_one_line(planned):
    before, after = (spec(models=[constant("a", offset=x), constant("b")]) for x in (5.0, 8.0))
    assert "  8 cells, model a: parameter offset of model 'a': 8.0, was 5.0\n" in planned(after, before=before)


def test_a_changed_input_file_is_named(planned, tmp_path):
    (tmp_path / "value.txt").write_text("1.0")
    it = spec(models=[{"name": "m", "use": "from_file", "with": {"path": "value.txt"}}], tasks=[ONE], seeds=[0])
    planned(it, before=it)
    (tmp_path / "value.txt").write_text("2.0")
    assert reasons(planned(it, "--json")) == [[f"file {tmp_path / 'value.txt'} of model 'm' has changed"]]


def test_a_file_that_moved_makes_nothing_stale(planned, tmp_path):
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).write_text("1.0")
    before, after = (
        spec(models=[{"name": "m", "use": "from_file", "with": {"path": name}}], tasks=[ONE])
        for name in ("one.txt", "two.txt")
    )
    assert reasons(planned(after, "--json", before=before)) == [[], []]


def test_another_file_with_other_content_is_named_with_the_one_before(planned, tmp_path):
    (tmp_path / "one.txt").write_text("1.0")
    (tmp_path / "two.txt").write_text("2.0")
    before, after = (
        spec(models=[{"name": "m", "use": "from_file", "with": {"path": name}}], tasks=[ONE], seeds=[0])
        for name in ("one.txt", "two.txt")
    )
    expected = f"parameter path of model 'm': {tmp_path / 'two.txt'}, was {tmp_path / 'one.txt'}"
    assert reasons(planned(after, "--json", before=before)) == [[expected]]


def test_changed_data_make_every_model_of_their_task_stale(planned):
    other = {"name": "u", "data": {"use": "toy"}}
    before, after = (
        spec(tasks=[{"name": "t", "data": {"use": "toy", "with": {"train": n}}}, other], seeds=[0]) for n in (32, 48)
    )
    text = planned(after, "--json", before=before)
    assert reasons(text, task="t") == [["parameter train of the data of task 't': 48, was 32"]] * 2
    assert reasons(text, task="u") == [[], []]


def test_a_changed_shift_makes_its_own_cells_stale(planned):
    def shifted(broken):
        shift = {"use": "offset", "severity": [1], "with": {"broken": broken}}
        return spec(tasks=[{**ONE, "shifts": [shift]}], models=[constant()], seeds=[0])

    text = planned(shifted(True), "--json", before=shifted(False))
    assert reasons(text, shift="offset@1") == [["parameter broken of shift 'offset@1': true, was false"]]
    assert reasons(text, shift="identity") == [[]]


def test_an_uncertainty_method_that_is_added_or_changed_is_told(planned):
    def with_method(*values):
        methods = [{"uncertainty": {"use": "add_variance", "with": {"value": value}}} for value in values]
        return spec(models=[{"name": "m", "use": "constant", **(methods or [{}])[0]}], tasks=[ONE], seeds=[0])

    method = "the uncertainty method of model 'm'"
    assert reasons(planned(with_method(1.0), "--json", before=with_method())) == [[f"{method} was added"]]
    text = planned(with_method(2.0), "--json", before=with_method(1.0))
    assert reasons(text) == [[f"parameter value of {method}: 2.0, was 1.0"]]
    assert reasons(planned(with_method(), "--json")) == [[f"{method} was removed"]]


def test_another_component_under_the_same_name_is_told(planned):
    before, after = (
        spec(models=[{"name": "m", "use": use}], tasks=[ONE], seeds=[0]) for use in ("constant", "toy_oracle")
    )
    assert reasons(planned(after, "--json", before=before)) == [["model 'm': 'toy_oracle', was 'constant'"]]


def test_a_new_model_was_never_computed(planned):
    before, after = spec(models=[constant("a")]), spec(models=[constant("a"), constant("b")])
    assert "  8 cells, model b: never computed\n" in planned(after, before=before)


def test_a_failed_cell_says_why_it_failed(planned):
    it = spec(models=[constant(fault="raise")], tasks=[ONE], seeds=[0])
    assert reasons(planned(it, "--json", before=it)) == [["failed before: RuntimeError: cannot predict this"]]


def test_another_version_of_a_plugin_is_named_with_the_one_before(planned, plugin_folder):
    from regharness import catalog

    it = spec(models=[constant()], tasks=[ONE], seeds=[0])
    planned(it, before=it)
    metadata = plugin_folder / "regharness_toys-1.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("1.0", "2.0"))
    catalog._cached.cache_clear()
    expected = ["code of plugin regharness_toys: regharness_toys 2.0, was regharness_toys 1.0"]
    assert reasons(planned(it, "--json")) == [expected]


def test_a_changed_source_file_of_an_editable_plugin_is_named(planned, plugin_folder):
    from regharness import provenance

    folder = plugin_folder / "regharness_toys-1.0.dist-info"
    (folder / "direct_url.json").write_text(json.dumps({"url": "file:///x", "dir_info": {"editable": True}}))
    it = spec(models=[constant()], tasks=[ONE], seeds=[0])
    for cached in (provenance._editable, provenance._source_digest, provenance._package):
        cached.cache_clear()
    planned(it, before=it)
    source = plugin_folder / "regharness_toys.py"
    source.write_text(source.read_text() + "# Another line.\n")
    for cached in (provenance._source_digest, provenance._package):
        cached.cache_clear()
    found = reasons(planned(it, "--json"))
    provenance._editable.cache_clear()
    assert found == [["code of plugin regharness_toys has changed (regharness_toys.py)"]]


def test_another_version_of_regharness_is_named_with_the_one_before(planned, monkeypatch):
    from regharness import __version__, keys

    it = spec(models=[constant()], tasks=[ONE], seeds=[0])
    planned(it, before=it)
    monkeypatch.setattr(keys, "__version__", "9.9.9")
    assert reasons(planned(it, "--json")) == [[f"computed by regharness {__version__}, this is 9.9.9"]]


def test_a_record_without_its_parts_says_that_it_cannot_be_explained(planned, tmp_path):
    before, after = (spec(models=[constant(offset=x)], tasks=[ONE], seeds=[0]) for x in (5.0, 8.0))
    planned(before, before=before)
    records = tmp_path / "r" / "cells.jsonl"
    records.write_text(json.dumps({**json.loads(records.read_text()), "parts": {}}) + "\n")
    expected = "computed with other parameters, code or files, and its record does not say which"
    assert reasons(planned(after, "--json")) == [[expected]]


def test_a_cube_that_is_gone_is_a_reason(planned, tmp_path):
    it = spec(models=[constant()], tasks=[ONE], seeds=[0])
    planned(it, before=it)
    (tmp_path / "r" / "cubes" / "t.zarr").rename(tmp_path / "elsewhere")
    assert reasons(planned(it, "--json")) == [["the cube of task 't' is gone"]]


def test_facts_are_kept_behind_a_url_too(toys, tmp_path):
    from upath import UPath

    plan = make_plan(load(write(tmp_path, spec()), toys), toys)
    folder = UPath("memory://kept/run")
    Facts(folder).keep(plan.facts)
    assert {digest: Facts(folder).of(digest) for digest in plan.facts} == plan.facts


def test_facts_that_were_damaged_are_not_believed(toys, tmp_path):
    plan = make_plan(load(write(tmp_path, spec()), toys), toys)
    Facts(tmp_path).keep(plan.facts)
    digest = plan.cells[0].parts["model"]
    file = tmp_path / "facts" / f"{digest}.json"
    file.write_text(file.read_text().replace("constant", "constent"))
    assert Facts(tmp_path).of(digest) is None
