"""The pages of the shift operators say what the operators say; `make docs` writes them."""

import importlib.util
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from regharness.catalog import load_catalog

ROOT = Path(__file__).parents[2]
SHIFTS = ROOT / "docs" / "shifts"
MOST_BYTES = 40_000
CATALOG = load_catalog()
NAMES = [name for name in CATALOG.names("shift") if CATALOG.owner("shift", name).distribution == "regharness"]


@pytest.fixture(scope="module")
def pages():
    """The module that writes the pages."""
    where = importlib.util.spec_from_file_location("build_shift_pages", ROOT / "docs" / "build_shift_pages.py")
    module = importlib.util.module_from_spec(where)
    where.loader.exec_module(module)
    return module


def page(name: str) -> str:
    return (SHIFTS / f"{name}.md").read_text(encoding="utf-8")


def entries(name: str) -> list[dict]:
    """The shift entries that a page shows."""
    return YAML(typ="safe").load(re.search(r"```yaml\n(.*?)```", page(name), re.DOTALL)[1])["shifts"]


@pytest.mark.parametrize("name", NAMES)
def test_every_operator_has_a_page_that_says_what_it_says(pages, name):
    assert page(name).startswith(pages.description(CATALOG, name) + pages.MEASURED)


@pytest.mark.parametrize("name", NAMES)
def test_every_entry_that_a_page_shows_is_valid(name):
    assert all(CATALOG.create("shift", entry["use"], entry.get("with", {})) for entry in entries(name))


@pytest.mark.parametrize("name", NAMES)
def test_the_severity_table_of_a_page_is_the_operators(name):
    section = page(name).split("## Severities\n\n")[1].split("\n\n")[0]
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", section, re.MULTILINE)
    by_setting = zip(*(levels.split(" | ") for _, levels in rows), strict=True)
    shown = {tuple(map(float, levels)) for levels in by_setting}
    made = [CATALOG.create("shift", entry["use"], entry.get("with", {})) for entry in entries(name)]
    assert shown == {operator.levels for operator in made if operator.levels}


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_of_a_page_is_there_and_small(name):
    figures = [SHIFTS / link for link in re.findall(r"!\[.*?\]\((.*?)\)", page(name))]
    assert all(0 < figure.stat().st_size < MOST_BYTES for figure in figures)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_measures_every_severity_for_every_figure(name):
    measured = page(name).split("## What it does to a test set\n")[1]
    severities = CATALOG.create("shift", name, entries(name)[0].get("with", {})).severities
    rows = re.findall(r"^\| (identity|\d+) \|", measured, re.MULTILINE)
    assert rows == ["identity", *map(str, severities)] * measured.count("![")


def test_no_page_and_no_figure_belongs_to_no_operator():
    assert {file.stem for file in SHIFTS.glob("*.md")} == {*NAMES, "README"}
    linked = {link for name in NAMES for link in re.findall(r"\(figures/(.*?)\)", page(name))}
    assert {file.name for file in (SHIFTS / "figures").iterdir()} == linked


def test_the_index_is_up_to_date(pages):
    assert page("README") == pages.index(CATALOG)
