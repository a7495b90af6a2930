"""The reference says what the program says; `make docs` writes it."""

import subprocess
import sys
from pathlib import Path

import pytest

from regharness.cli.components import KINDS

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ["README", "commands", "hooks", "python", *KINDS]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with every page as the script writes it now, in a process of its own."""
    folder = tmp_path_factory.mktemp("reference")
    command = [sys.executable, str(DOCS / "build_reference.py"), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_the_reference_is_what_make_docs_would_write(built, page):
    there, now = (folder / f"{page}.md" for folder in (DOCS / "reference", built))
    assert there.read_text(encoding="utf-8") == now.read_text(encoding="utf-8")


def test_the_reference_has_no_page_that_nothing_writes(built):
    assert {path.name for path in (DOCS / "reference").iterdir()} == {path.name for path in built.iterdir()}
