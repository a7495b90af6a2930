"""Every error of the page on errors is printed by the command above it."""

import importlib.util
import shlex

import mistakes
import pytest
from stories import blocks

from regharness.cli import main

ERRORS = [text for language, text in blocks("faq.md") if language == "text"]
FIND = importlib.util.find_spec


def heard(line, capsys):
    """What a command says on both streams, and its exit status."""
    with pytest.raises(SystemExit, match=r"^\d+$") as stop:
        main(shlex.split(line.removeprefix("$ regharness ")))
    out, err = capsys.readouterr()
    return out + err, stop.value.code


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with everything that the page names."""
    folder = tmp_path_factory.mktemp("mistakes")
    mistakes.make(folder)
    return folder


@pytest.fixture(autouse=True)
def there(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("REGHARNESS_DATA_DIR", str(folder / "mirror"))


def test_the_page_has_twenty_errors_and_more():
    assert len({text.splitlines()[0] for text in ERRORS}) >= 20


@pytest.mark.parametrize("text", ERRORS, ids=lambda text: text.splitlines()[0].removeprefix("$ regharness "))
def test_an_error_of_the_page_is_what_is_printed(text, folder, capsys, monkeypatch):
    command, *lines = text.splitlines()
    if "runs/my" in command or "--only" in command:
        assert heard("$ regharness run my.yaml --quiet", capsys)[1] == 0
    if "torchless" in command:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name, *of: None if name == "torch" else FIND(name, *of))

    said, status = heard(command, capsys)

    assert status == (1 if lines[0].startswith("failed") else 2)
    printed = said.replace(str(folder), "FOLDER").splitlines()
    for line in lines:
        begins = line.removesuffix("...")
        assert [one for one in printed if one.startswith(begins) and (begins != line or one == line)], said
