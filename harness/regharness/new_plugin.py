"""Own the files of a new plugin: a distribution with one part, made from templates. Installs nothing."""

from __future__ import annotations

import importlib.util
import keyword
import re
from importlib import resources
from pathlib import Path
from string import Template

from regharness.catalog import HOOKS, TITLES, Catalog
from regharness.errors import InputError
from regharness.storage_faults import storing

KINDS = (*TITLES, "command", "observer")
"""Kinds of part: those that specs name, a verb of the command line, and what listens to runs."""

SUMMARIES = {
    "data": "Sequences of every GC content, whose measurement grows with it.",
    "shift": "Bases that are read as N.",
    "model": "A linear function of how often each base occurs.",
    "uncertainty": "The mean squared error on the calibration split, as variance.",
    "metric": "Median distance between prediction and target.",
    "executor": "The jobs in one process, those of a model together.",
    "report": "The scores as a table.",
    "command": "Says how much there is in a run.",
    "observer": "Says what becomes of each cell.",
}
_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_TEMPLATES = resources.files("regharness") / "plugin_templates"


def write_plugin(name: str, kind: str, folder: Path, catalog: Catalog) -> list[Path]:
    """Write a plugin that works as it is: a distribution with an entry point, one part, its tests and a spec.

    Parameters
    ----------
    name
        Of the distribution: small letters, digits and hyphens. Its module, and its part, have underscores for hyphens.
    kind
        One of `KINDS`.
    folder
        Where to write it; it must not exist.
    catalog
        What is installed: a name that is taken is refused.

    Returns
    -------
    list of Path
        The files, inside `folder`.

    Raises
    ------
    InputError
        When the name cannot be one, is taken, or the folder exists.
    StorageError
        When it cannot be written.
    """
    module = name.replace("-", "_")
    _check(name, module, kind, catalog)
    if folder.exists():
        raise InputError(f"{folder} exists already", help="nothing was written; take another name, or -o FOLDER")
    files = plugin_files(name, kind)
    with storing(folder):
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    return [folder / path for path in files]


def plugin_files(name: str, kind: str) -> dict[str, str]:
    """The files of such a plugin, by path."""
    module = name.replace("-", "_")
    values = {
        "name": name,
        "module": module,
        "component": module,
        "part": kind,
        "class_name": "".join(word.capitalize() for word in module.split("_")),
        "function": module,
        "verb": name.replace("_", "-"),
        "summary": SUMMARIES[kind],
        "hook": HOOKS.get(kind, ""),
        "try_it": "regharness run example.yaml",
    }
    if kind == "command":
        values["try_it"] += f"\n    regharness {values['verb']} runs/{module}"
    own = _TEMPLATES / kind / "__init__.py.tmpl"
    sources = {
        "pyproject.toml": _TEMPLATES / "pyproject.toml.tmpl",
        "README.md": _TEMPLATES / "README.md.tmpl",
        "example.yaml": _TEMPLATES / kind / "example.yaml.tmpl",
        f"src/{module}/__init__.py": own if own.is_file() else _TEMPLATES / "component.py.tmpl",
        f"src/{module}/{kind}.py": _TEMPLATES / kind / "part.py.tmpl",
        f"tests/test_{kind}.py": _TEMPLATES / kind / "test.py.tmpl",
    }
    return {path: Template(source.read_text("utf-8")).substitute(values) for path, source in sources.items()}


def _check(name: str, module: str, kind: str, catalog: Catalog) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(
            f"'{name}' is no name of a plugin",
            help="it starts with a small letter, and has small letters, digits and single hyphens, such as 'my-model'",
        )
    if keyword.iskeyword(module) or importlib.util.find_spec(module) is not None:
        what = "a word of Python" if keyword.iskeyword(module) else "a module that is installed"
        raise InputError(f"'{module}' is {what} already", help="take another name")
    if kind in HOOKS and module in catalog.names(kind):
        owner = catalog.owner(kind, module)
        raise InputError(
            f"there is a {TITLES[kind]} named '{module}', of the plugin {owner.name}", help="take another name"
        )
