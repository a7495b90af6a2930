"""Submissions for tests: made from toy runs, taken apart and put together again as a clever forger would."""

from __future__ import annotations

import hashlib
import json
import time
import zipfile
from pathlib import Path

import numpy as np
from builders import spec
from builders import write as write_spec

import regharness as rh
from regharness.catalog import load_catalog
from regharness.submission.manifest import tree_digest
from regharness.submission.packing import pack
from regharness.submission.targets import of_run
from regharness.submission.verification import verify

OWN_SPEC = {
    "name": "hostile",
    "seeds": [0, 1],
    "tasks": [
        {
            "name": "t",
            "data": {
                "use": "simulated_mpra",
                "with": {"train": 200, "calibration": 60, "test": 48, "length": 60, "cell_types": ["K562", "HepG2"]},
            },
            "shifts": [{"use": "gc_content", "severity": [1, 3]}],
        }
    ],
    "models": [
        {"name": "line", "use": "gc_linear"},
        {"name": "flat", "use": "mean", "uncertainty": {"use": "split_conformal"}},
    ],
    "metrics": ["mse", "crps", "coverage_90", "aurc"],
}
"""Of regharness's own plugins, so that many tests can share its run."""
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


class Bench:
    """A finished run of regharness's own plugins, its targets, and what was packed of it."""

    def __init__(self, folder: Path) -> None:
        self.run = rh.run(write_spec(folder, OWN_SPEC), folder / "run")
        self.catalog = load_catalog()
        self.targets = of_run(self.run)
        for model in ("line", "flat"):
            pack(self.run, model, folder / f"{model}.zip", self.catalog)
        self.folder = folder

    def forged(self, change, model="line"):
        """The file after ``change(files, manifest)``, sealed again; a manifest that is returned goes in as it is."""
        files = content(self.folder / f"{model}.zip")
        told = json.loads(files["manifest.json"])
        made = change(files, told)
        files = sealed(files, told) if not isinstance(made, bytes) else {**files, "manifest.json": made}
        return write(self.folder / "forged.zip", files)

    def failed(self, file, targets=True):
        """The checks that failed, to why; within five seconds."""
        start = time.perf_counter()
        verdict = verify(file, self.catalog, self.targets if targets else None)
        assert time.perf_counter() - start < 5
        failed = {check.name: check.reason for check in verdict.checks if check.status == "failed"}
        assert verdict.passed == (not failed)
        return failed
