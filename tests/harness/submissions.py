"""Submissions for tests: made from toy runs, taken apart and put together again as a clever forger would."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
from builders import spec
from builders import write as write_spec

import regharness as rh
from regharness.submission.manifest import tree_digest

METRICS = ["mse", "crps", "coverage_90", "aurc", "mean_error"]


def finished_run(tmp_path, name="run", **changes):
    """A toy run of two models under three shifts and two seeds."""
    return rh.run(write_spec(tmp_path, spec(metrics=METRICS, **changes)), tmp_path / name)


def content(path) -> dict[str, bytes]:
    """Path to content of every file of an archive."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def manifest(path) -> dict:
    return json.loads(content(path)["manifest.json"])


def write(path, files: dict[str, bytes]) -> Path:
    """A plain zip of these files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return Path(path)


def sealed(files: dict[str, bytes], told: dict | None = None) -> dict[str, bytes]:
    """The files with a manifest whose digests are theirs."""
    told = json.loads(files["manifest.json"]) if told is None else told
    rest = {name: data for name, data in files.items() if name != "manifest.json"}
    told["files"] = [
        {"path": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in sorted(rest.items())
    ]
    told["tree_sha256"] = tree_digest(told)
    return {**rest, "manifest.json": json.dumps(told).encode()}


def chunk(files: dict[str, bytes], variable: str, task: str = "t") -> tuple[str, np.ndarray]:
    """Path and numbers of the one chunk of a variable."""
    (path,) = (name for name in files if name.startswith(f"cubes/{task}.zarr/{variable}/c."))
    return path, np.frombuffer(files[path], "<f4").copy()
