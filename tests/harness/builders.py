"""Specs for tests, as plain values and as files."""

from __future__ import annotations

import copy
import json
from pathlib import Path

SPEC = {
    "name": "toy",
    "seeds": [0, 1],
    "tasks": [
        {
            "name": "t",
            "data": {"use": "toy"},
            "shifts": [{"use": "offset", "severity": [1, 3]}, {"use": "half"}],
        }
    ],
    "models": [{"name": "constant", "use": "constant"}, {"name": "oracle", "use": "toy_oracle"}],
    "metrics": ["mse", "crps", "mean_error"],
}


def spec(**changes) -> dict:
    """The toy spec with some of its top-level keys replaced."""
    return {**copy.deepcopy(SPEC), **changes}


def write(folder: Path, value: dict, name: str = "toy.yaml") -> Path:
    """Write a spec as a file; JSON is YAML."""
    path = folder / name
    path.write_text(json.dumps(value, indent=1))
    return path
