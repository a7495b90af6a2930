"""Can I still trust this model when the biology or the assay changes?

Public names only; each is imported when first used, so that ``import regharness`` costs little.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from regharness.component import Component
from regharness.markers import hookimpl

__version__ = "0.1.0"

if TYPE_CHECKING:
    from regharness.api import data, metric, model, open_run, run, shift
    from regharness.array_intervals import confidence_intervals
    from regharness.array_scoring import evaluate
    from regharness.cube_scoring import evaluate_cube
    from regharness.errors import InputError
    from regharness.interfaces import DataInfo, Dataset, Prediction, RunContext, SequenceBatch
    from regharness.parameters import InputFile, Parameters
    from regharness.run_folder import Run

_HOMES = {
    "api": ("data", "metric", "model", "open_run", "run", "shift"),
    "array_intervals": ("confidence_intervals",),
    "array_scoring": ("evaluate",),
    "cube_scoring": ("evaluate_cube",),
    "errors": ("InputError",),
    "interfaces": ("DataInfo", "Dataset", "Prediction", "RunContext", "SequenceBatch"),
    "parameters": ("InputFile", "Parameters"),
    "run_folder": ("Run",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Component",
    "DataInfo",
    "Dataset",
    "InputError",
    "InputFile",
    "Parameters",
    "Prediction",
    "Run",
    "RunContext",
    "SequenceBatch",
    "confidence_intervals",
    "data",
    "evaluate",
    "evaluate_cube",
    "hookimpl",
    "metric",
    "model",
    "open_run",
    "run",
    "shift",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'regharness' has no attribute '{name}'")
    return getattr(importlib.import_module(f"regharness.{_HOME[name]}"), name)
