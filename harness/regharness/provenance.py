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
from contextlib import suppress
from pathlib import Path
from typing import Any

from regharness import __version__
from regharness.discovery import Plugin, Plugins

LIBRARIES = ("numpy", "scipy", "xarray", "zarr", "torch", "tensorflow", "keras", "onnxruntime")


_BLOCKS = (ast.stmt, ast.ExceptHandler, ast.match_case)


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


def environment(plugins: Plugins) -> dict[str, Any]:
    """What a process computes with: versions, and the machine. Imports no framework, so that a worker can ask early."""
    return {**facts(plugins), **_machine()}


def peak_memory_mb() -> float | None:
    """Most memory that this process has held until now, in megabytes of 1e6 bytes; None where that is not known."""
    with suppress(OSError):
        # What getrusage knows, a process inherits from the one that started it.
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) * 1024 / 1e6, 1)
    try:
        import resource
    except ImportError:
        return None
    return round(
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6, 1
    )


@functools.cache
def _machine() -> dict[str, Any]:
    model = platform.processor()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    found: dict[str, Any] = {"host": platform.node(), "cpu": model}
    with suppress(AttributeError, ValueError, OSError):
        found["memory_mb"] = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6)
    return found


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


def source_digests(plugin: Plugin) -> dict[str, str]:
    """Digest of every file that counts for an editable plugin, by its place in the source tree; else nothing."""
    if not _editable(plugin.distribution):
        return {}
    return {name: digest[:16] for name, digest in sorted(_sources(plugin.module.split(".")[0]).items())}


@functools.cache
def _editable(distribution: str) -> bool:
    try:
        text = importlib.metadata.distribution(distribution).read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        return False
    return text is not None and bool(json.loads(text).get("dir_info", {}).get("editable"))


@functools.cache
def _source_digest(module: str) -> str:
    text = "".join(f"{name} {digest}\n" for name, digest in sorted(_sources(module.split(".")[0]).items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _sources(package: str) -> dict[str, str]:
    """Digests of the files of a package, and of those beside it that it imports, directly or through others."""
    found: dict[str, str] = {}
    seen, todo = {package}, [package]
    while todo:
        digests, beside = _package(todo.pop())
        found.update(digests)
        todo += beside - seen
        seen |= beside
    return found


@functools.cache
def _package(name: str) -> tuple[dict[str, str], frozenset[str]]:
    """Digests of a package's files, and the packages beside it that it imports."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        return {}, frozenset()
    origin = Path(found.origin)
    if origin.name != "__init__.py":
        return {origin.name: hashlib.sha256(origin.read_bytes()).hexdigest()}, frozenset()
    folder = origin.parent
    digests, imported = {}, set()
    for file in folder.rglob("*"):
        if "__pycache__" in file.parts or not file.is_file():
            continue
        content = file.read_bytes()
        digests[file.relative_to(folder.parent).as_posix()] = hashlib.sha256(content).hexdigest()
        if file.suffix == ".py":
            imported |= _imported(content)
    beside = {entry.name for entry in folder.parent.iterdir() if (entry / "__init__.py").is_file()}
    return digests, frozenset(imported & beside - {name})


def _imported(source: bytes) -> set[str]:
    names: set[str] = set()
    todo: list[ast.AST] = [ast.parse(source)]
    while todo:
        node = todo.pop()
        # Imports are statements, and those lie in statements: expressions, the most of a file, are passed by.
        todo += (one for one in ast.iter_child_nodes(node) if isinstance(one, _BLOCKS))
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
