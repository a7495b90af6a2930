"""Own how a page of the guide is read and played: its files written, its commands called, in order, in one folder.

A block of Python, YAML or TOML whose first line is a comment with a path is a file; other Python is a program.
`console` holds commands after `$`. `text` is what a program printed, to the letter, or what the last command did: the
same words, for digits of what was trained differ from processor to processor. `sh` installs, and is not played; a block
in any other language is refused.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ([\w./-]+\.(?:py|yaml|toml))\n")


def blocks(page: str) -> list[tuple[str, str]]:
    """Language and text of each block of a page."""
    return BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))


def words(text: str) -> set[str]:
    """What a text says, without its numbers, rules, punctuation and the width of its columns."""
    return {word.strip(".,:;()[]") for word in re.findall(r"[^\s│─]+", text) if re.search(r"[A-Za-z]", word)}


def play(page: str, folder: Path, **environment: str) -> None:
    """Do all that a page says, in `folder`; an assertion fails where something does not come as it says."""
    printed, exact = "", False
    for language, text in blocks(page):
        named = FILE.match(text)
        if language in ("python", "yaml", "toml") and named:
            (folder / named[1]).parent.mkdir(parents=True, exist_ok=True)
            (folder / named[1]).write_text(text, encoding="utf-8")
        elif language == "python":
            printed, exact = call([sys.executable, "-W", "error", "-c", text], folder, environment), True
        elif language == "console":
            for line in text.splitlines():
                assert line.startswith("$ "), line
                printed, exact = call(command(line[2:]), folder, environment), False
        elif language == "text" and exact:
            assert text == printed
        elif language == "text":
            assert words(text) <= words(printed), f"{sorted(words(text) - words(printed))} not in:\n{printed}"
        else:
            assert language == "sh", f"{page} has a block in '{language}', which nothing plays"


def command(line: str) -> list[str]:
    """The words of a command, with this Python in the place of those that an installation has."""
    first, *rest = shlex.split(line)
    known = {"python": [sys.executable], "regharness": [sys.executable, "-m", "regharness"]}
    known["pytest"] = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    return [*known[first], *rest]


def call(line: list[str], folder: Path, environment: dict[str, str]) -> str:
    """What a program that ends well prints."""
    own = {**os.environ, "COLUMNS": "120", **environment}
    done = subprocess.run(line, cwd=folder, env=own, capture_output=True, text=True)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout
