"""Find what builds a user's network: a name in an installed module, or in a Python file. Builds nothing."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from regharness.errors import CellError, unknown_name


def named(name: str, code: Path | None) -> Callable[..., Any]:
    """What ``package.module:Name`` names, or ``Name`` in the file `code`, which is run.

    Raises
    ------
    CellError
        For a module that cannot be imported, and a name that is not in it or cannot be called.
    """
    where, _, attribute = name.rpartition(":")
    try:
        module = _from_file(code) if code is not None else importlib.import_module(where)
    except Exception as error:
        raise CellError(f"{code.name if code else where} cannot be imported: {type(error).__name__}: {error}") from None
    if not hasattr(module, attribute):
        public = [one for one in vars(module) if not one.startswith("_")]
        message, choices = unknown_name("name", attribute, public, listed="it has")
        raise CellError(f"{code.name if code else where}: {message} ({choices})")
    found: Callable[..., Any] = getattr(module, attribute)
    if not callable(found):
        raise CellError(f"'{name}' is {type(found).__name__}, and cannot be called to build a network")
    return found


def _from_file(path: Path) -> ModuleType:
    # Named for its place, so that two files of one name do not meet.
    name = f"regharness_code_{abs(hash(str(path.resolve())))}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
