"""Write a community leaderboard as a folder of static pages, whole or not at all. Overwrites nothing but a site."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from regharness.errors import InputError
from regharness.results import Results
from regharness.whole_folders import is_whole, new_folder
from regharness_report.site_pages import site_pages

MARK = "regharness-site.json"
"""Says that a folder is a site, so that the next one may take its place."""


def write_site(results: Sequence[Results], folder: Path, files: Mapping[str, Path] | None = None) -> None:
    """Write the site; equal results give equal bytes.

    Parameters
    ----------
    results
        One a benchmark, the most important first.
    folder
        Where it appears: nothing may be there, or a site that nobody has changed since it was written.
    files
        Place in the site to a file to copy there, such as the submissions for download.

    Raises
    ------
    InputError
        When something else is in `folder`, or a file has no place of its own in the site.
    StorageError
        When it cannot be written.
    """
    _refuse_other_things(folder)
    with new_folder(folder) as part:
        (part / MARK).write_text(json.dumps({"schema_version": 1, "kind": "site"}) + "\n")
        for place, text in site_pages(results):
            _new(part, place).write_text(text, encoding="utf-8", newline="\n")
        for place, source in (files or {}).items():
            shutil.copyfile(source, _new(part, place))


def _refuse_other_things(folder: Path) -> None:
    help = "give another folder with -o, or move that one away"
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise InputError(f"{folder} is there already, and is no site", help=help)
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / MARK).is_file():
            raise InputError(f"{folder} holds something else than a site", help=help)
        if not is_whole(folder):
            raise InputError(f"the site in {folder} has been changed since it was written", help=help)


def _new(part: Path, place: str) -> Path:
    """Where a file of the site is written; its folder is made."""
    steps = PurePosixPath(place)
    if steps.is_absolute() or ".." in steps.parts or "\\" in place or not steps.parts:
        raise InputError(f"'{place}' is no place in a site", help="give a path below it")
    path = part / steps
    if path.exists():
        raise InputError(f"two files of the site would lie at {place}", help="give each its own place")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
