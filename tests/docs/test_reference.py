"""The reference says what the program says; `make docs` writes it."""

import importlib.util
from pathlib import Path

import pytest

from regharness.catalog import load_catalog
from regharness.cli.components import KINDS
from regharness.discovery import own_plugins_only

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ["README", "commands", "hooks", "python", *KINDS]


@pytest.fixture(scope="module")
def built():
    """Every page as the script would write it now."""
    where = importlib.util.spec_from_file_location("build_reference", DOCS / "build_reference.py")
    module = importlib.util.module_from_spec(where)
    where.loader.exec_module(module)
    with own_plugins_only():
        return module.pages(load_catalog())


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_the_reference_is_what_make_docs_would_write(built, page):
    assert (DOCS / "reference" / f"{page}.md").read_text(encoding="utf-8") == built[f"{page}.md"]


def test_the_reference_has_no_page_that_nothing_writes(built):
    assert {path.name for path in (DOCS / "reference").iterdir()} == set(built)
