"""The table that `make bench` writes: its ratios by hand, and what it says when one has become worse."""

import ast
import importlib
import json
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def table(monkeypatch, tmp_path):
    """The script, which finds no table that was committed before and writes into a folder of its own."""
    monkeypatch.syspath_prepend(str(FOLDER))
    for name in ("table", "ratios"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    module = importlib.import_module("table")
    monkeypatch.setattr(module, "RESULTS", tmp_path / "RESULTS.md")
    monkeypatch.setattr(
        module,
        "RATIOS",
        [
            module.Ratio("ours", "theirs", "test_a.py::test_ours", "test_a.py::test_theirs", at_most=1.1),
            module.Ratio("ours", "slow", "test_a.py::test_ours", "test_a.py::test_slow", at_least=20),
            module.Ratio("memory", "inputs", "test_a.py::test_ours", extra="of the inputs"),
        ],
    )
    monkeypatch.setattr(module, "FACTS", [module.Fact("one of ours", "test_a.py::test_ours", "s", at_most=3)])
    yield module
    for name in ("table", "ratios"):
        sys.modules.pop(name, None)


def write(folder, **least):
    """What pytest-benchmark writes, with these least seconds."""
    benchmarks = [
        {
            "fullname": f"benchmarks/test_a.py::test_{name}",
            "stats": {"min": value},
            "extra_info": {"of the inputs": 1.03},
        }
        for name, value in least.items()
    ]
    (folder / "m.json").write_text(json.dumps({"benchmarks": benchmarks}))
    return str(folder / "m.json")


def lines(folder):
    return [line for line in (folder / "RESULTS.md").read_text().splitlines() if line.startswith("|")]


def test_ratios_are_of_least_times_and_read_against_their_targets(table, tmp_path):
    assert table.main([write(tmp_path, ours=2.0, theirs=1.0, slow=50.0)]) == 0
    assert "| ours | theirs | 2x | at most 1.1x | **no** |  |" in lines(tmp_path)
    assert "| ours | slow | 25x | at least 20x | yes |  |" in lines(tmp_path)
    assert "| memory | inputs | 1.03x |  |  |  |" in lines(tmp_path)
    assert "| one of ours | 2 s | at most 3 s | yes |" in lines(tmp_path)


def test_the_machine_is_named(table, tmp_path):
    table.main([write(tmp_path, ours=2.0, theirs=1.0, slow=50.0)])
    names = {line.split("|")[1].strip() for line in lines(tmp_path)}
    assert {"processor", "memory", "system", "Python", "libraries", "date"} <= names


@pytest.mark.parametrize(
    ("ours", "slow", "said"),
    [
        (2.3, 57.5, ""),
        (2.5, 62.5, "worse: ours against theirs: 2.5x, and 2x the last time"),
        (2.0, 40.0, "worse: ours against slow: 20x, and 25x the last time"),
        (1.0, 100.0, ""),
    ],
)
def test_a_ratio_that_is_a_fifth_worse_fails(table, tmp_path, ours, slow, said):
    table.main([write(tmp_path, ours=2.0, theirs=1.0, slow=50.0)])
    heard = []
    code = table.main([write(tmp_path, ours=ours, theirs=1.0, slow=slow)], heard.append)
    assert code == bool(said)
    assert heard[1:] == [said] * bool(said)
    assert sum("**worse**" in line for line in lines(tmp_path)) == bool(said)


def test_what_is_worse_can_be_accepted(table, tmp_path):
    table.main([write(tmp_path, ours=2.0, theirs=1.0, slow=50.0)])
    assert table.main([write(tmp_path, ours=9.0, theirs=1.0, slow=225.0), "--accept"]) == 0


def test_a_benchmark_that_was_not_measured_is_named(table, tmp_path):
    heard = []
    assert table.main([write(tmp_path, ours=2.0, theirs=1.0)], heard.append) == 2
    assert heard == ["no measurement of test_a.py::test_slow"]
    assert not (tmp_path / "RESULTS.md").exists()


def rows():
    sys.path.insert(0, str(FOLDER))
    try:
        module = importlib.import_module("ratios")
    finally:
        sys.path.remove(str(FOLDER))
        sys.modules.pop("ratios", None)
    return [*module.RATIOS, *module.FACTS]


@pytest.mark.parametrize(
    "name", sorted({n for row in rows() for n in (row.measured, getattr(row, "reference", "")) if n})
)
def test_every_ratio_names_a_benchmark_that_is_there(name):
    file, *path = name.split("[")[0].split("::")
    tree: ast.AST = ast.parse((FOLDER / file).read_text())
    for part in path:
        tree = next(node for node in tree.body if getattr(node, "name", "") == part)


def test_no_two_rows_say_the_same():
    told = [(row.what, getattr(row, "against", row.__class__.__name__ + getattr(row, "unit", ""))) for row in rows()]
    assert len(set(told)) == len(told)
