"""Say what ran: versions, code digests, host facts. Decides nothing."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from regharness import __version__
from regharness.discovery import Plugin, Plugins

LIBRARIES = ("numpy", "scipy", "xarray", "zarr", "torch", "tensorflow", "keras", "onnxruntime")


def facts(plugins: Plugins) -> dict[str, Any]:
    """Versions and host facts for ``run.json``. Imports none of the libraries it reports."""
    return {
        "regharness": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "libraries": {name: version for name in LIBRARIES if (version := _version(name))},
        "plugins": {name: f"{plugin.distribution} {plugin.version}" for name, plugin in sorted(plugins.loaded.items())},
    }


def devices() -> list[str]:
    """Devices that the installed frameworks can use. Imports PyTorch where it is installed."""
    found = ["cpu"]
    if importlib.util.find_spec("torch") is not None:
        import torch

        found += [f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count())]
        if torch.backends.mps.is_available():
            found.append("mps")
    return found


def execution_providers() -> list[str]:
    """Execution providers of the ONNX Runtime that is installed; none where it is not. Imports it."""
    if importlib.util.find_spec("onnxruntime") is None:
        return []
    import onnxruntime

    return list(onnxruntime.get_available_providers())


def code_version(plugin: Plugin) -> str:
    """Version of a plugin's code, as it enters the cell key.

    An installed plugin is told by its distribution's version. An editable one changes under that version, so
    its files, and those of the packages beside it that it imports, count too.
    """
    name = f"{plugin.distribution} {plugin.version}"
    return f"{name} {_source_digest(plugin.module)}" if _editable(plugin.distribution) else name


@functools.cache
def _editable(distribution: str) -> bool:
    try:
        text = importlib.metadata.distribution(distribution).read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        return False
    return text is not None and bool(json.loads(text).get("dir_info", {}).get("editable"))


@functools.cache
def _source_digest(module: str) -> str:
    digest = hashlib.sha256()
    for file in sorted(_sources(module.split(".")[0], set())):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _sources(package: str, seen: set[str]) -> Iterator[Path]:
    seen.add(package)
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        return
    origin = Path(found.origin)
    if origin.name != "__init__.py":
        yield origin
        return
    files = [file for file in origin.parent.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    yield from files
    beside = {entry.name for entry in origin.parent.parent.iterdir() if (entry / "__init__.py").is_file()}
    for name in sorted(_imported(files) & beside - seen):
        yield from _sources(name, seen)


def _imported(files: Iterable[Path]) -> set[str]:
    names: set[str] = set()
    for file in files:
        if file.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                names.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
    return names


def _version(library: str) -> str | None:
    module = sys.modules.get(library)
    try:
        return str(getattr(module, "__version__", "")) or importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None
