"""The pages of the guide are done as they stand, and lead to what they show."""

import re
import tomllib
from pathlib import Path

import pytest
from stories import DOCS, blocks, play

ROOT = Path(__file__).parents[2]
STORIES = ["tutorial.md", "my-model.md", "my-data.md", "concepts.md"]
GUIDE = [*STORIES, "plugins.md", "faq.md"]


@pytest.mark.slow
@pytest.mark.parametrize("page", STORIES)
def test_a_page_does_what_it_says(page, tmp_path):
    play(page, tmp_path)


@pytest.mark.parametrize("page", GUIDE)
def test_what_a_page_installs_is_an_extra_that_there_is(page):
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    lines = [line for language, text in blocks(page) if language == "sh" for line in text.splitlines()]
    asked = [name for line in lines for named in re.findall(r"regharness\[(.*?)\]", line) for name in named.split(",")]
    assert set(asked) <= set(extras)


@pytest.mark.parametrize("page", sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")))
def test_every_link_of_a_page_leads_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", (DOCS / page).read_text(), flags=re.MULTILINE | re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]
    assert [link for link in links if not ((DOCS / page).parent / link).exists()] == []


@pytest.mark.parametrize("page", GUIDE)
def test_the_guide_has_the_page_in_its_index(page):
    assert f"]({page})" in (DOCS / "README.md").read_text()
