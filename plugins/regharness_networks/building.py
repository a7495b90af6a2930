"""Find what builds a user's network, in an installed module or a Python file, and let it build. Knows no framework."""

from __future__ import annotations

import importlib
import importlib.util
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

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
        module = module_of(code) if code is not None else importlib.import_module(where)
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


@contextmanager
def randomness_kept() -> Iterator[None]:
    """Put the global random numbers of Python and numpy back, which what builds a network may draw from."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def module_of(path: Path) -> ModuleType:
    """A Python file as a module; the file is run, once."""
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
