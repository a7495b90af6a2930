"""The page on metrics names each of them as it is."""

import re
from pathlib import Path

import pytest

from regharness.catalog import load_catalog
from regharness.spec_loading import load

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
CATALOG = load_catalog()
OWN = [name for name in CATALOG.names("metric") if CATALOG.owner("metric", name).distribution == "regharness"]


def rows():
    """Names in each row of a table, with what it says is better."""
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            yield re.findall(r"`([^`]+)`", cells[0]), cells[1]


BETTER = {name: better for names, better in rows() for name in names}


def entry(name):
    """A metric's name in the table: metrics that differ by a level share one."""
    return re.sub(r"_\d+$", "_C", name)


def test_the_page_names_every_metric_and_no_other():
    assert {entry(name) for name in OWN} == set(BETTER)


@pytest.mark.parametrize("name", OWN)
def test_the_page_says_which_scores_are_better(name):
    direction, said = CATALOG.create("metric", name).direction, BETTER[entry(name)]

    if said == "that of `of`":
        assert "of" in CATALOG.parameters("metric", name).model_fields
    elif direction is None:
        assert said == "label"
    elif isinstance(direction, str):
        assert said == direction
    else:
        level = name.rpartition("_")[2]
        numbers = [part.replace("C", level) for part in said.split(", ")]
        assert direction in [float(a) / float(b or 1) for a, _, b in (part.partition("/") for part in numbers)]


def test_the_default_metrics_of_the_page_are_the_default():
    said = re.search(r"`metrics: default` stands for `([^`]*)`", PAGE)[1].split()

    assert sorted(said) == [name for name in OWN if CATALOG.component("metric", name).default]


def test_the_metrics_of_the_page_are_valid(tmp_path):
    block = re.search(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1]
    (tmp_path / "spec.yaml").write_text(
        "name: s\nmodels: [{name: m, use: mean}]\ntasks: [{name: t, data: {use: simulated_mpra}}]\n" + block
    )

    assert len(load(tmp_path / "spec.yaml", CATALOG).metrics) == 3
