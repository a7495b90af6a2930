"""Change what a submission file holds and seal it again, as a stranger who has read our code would."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

MANIFEST = "manifest.json"


class Opened:
    """A submission file as values that a test may change.

    Attributes
    ----------
    manifest
        Its manifest, plain values.
    files
        All other members, by path.
    cube
        The entry of its only task in the manifest.
    """

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            self.files = {name: archive.read(name) for name in archive.namelist() if name != MANIFEST}
            self.manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
        self.cube = self.manifest["cubes"][0]
        self.folder = f"cubes/{self.cube['task']}.zarr"

    def path(self, name: str) -> str:
        """Path of what is called `name` in the task's group."""
        return f"{self.folder}/{name}"

    def chunk(self, variable: str) -> str:
        """Path of the only chunk of a variable."""
        (found,) = [path for path in self.files if path.startswith(f"{self.folder}/{variable}/c.")]
        return found

    def numbers(self, variable: str, change: Callable[[Any], None]) -> None:
        """Change a variable's numbers, dims model x shift x seed x example x output (x quantile)."""
        shape = json.loads(self.files[self.path(f"{variable}/zarr.json")])["shape"]
        values = np.frombuffer(self.files[self.chunk(variable)], "<f4").reshape(shape).copy()
        change(values)
        self.files[self.chunk(variable)] = values.tobytes()

    def metadata(self, name: str, **changes: Any) -> None:
        """Replace keys of a ``zarr.json``; of the group if `name` is empty."""
        path = self.path(f"{name}/zarr.json" if name else "zarr.json")
        self.files[path] = json.dumps({**json.loads(self.files[path]), **changes}).encode()

    def sealed(self) -> bytes:
        """The manifest with the digests that belong to the files."""
        files = [
            {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for path, content in sorted(self.files.items())
        ]
        manifest = {"files": files, **self.manifest, **({} if self.manifest.get("files") == [] else {"files": files})}
        manifest.pop("tree_sha256", None)
        text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
        manifest["tree_sha256"] = hashlib.sha256(text.encode()).hexdigest()
        return json.dumps(manifest).encode()

    def write(self, path: Path, manifest: bytes | None = None) -> Path:
        """Write it as an honest program would, sealed unless a manifest is given."""
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self.files.items():
                archive.writestr(name, content)
            archive.writestr(MANIFEST, self.sealed() if manifest is None else manifest)
        return path
