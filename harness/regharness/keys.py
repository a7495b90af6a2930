"""Own what keys are made of: the facts that a result depends on, by part, and their digests. Plans no cell."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regharness import __version__
from regharness.catalog import Catalog
from regharness.nested import nested_uses
from regharness.parameters import Parameters, file_digest, input_files
from regharness.provenance import code_version, source_digests

Facts = dict[str, Any]
"""Plain JSON values."""

ABOUT = "about"
"""What explains facts and is none: where a file lies, which source files a digest of code is of."""


def digest_of(facts: Mapping[str, Any]) -> str:
    """Sha256 of facts without what is about them."""
    counted = {name: value for name, value in facts.items() if name != ABOUT}
    return hashlib.sha256(json.dumps(counted, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def key_of(parts: Mapping[str, str]) -> str:
    """Sha256 over named digests."""
    text = "\n".join(f"{name} {parts[name]}" for name in sorted(parts))
    return hashlib.sha256(text.encode()).hexdigest()


def code_digest(version: str) -> str:
    """Digest of the facts of a plugin's code, by its version as the facts of a component have it."""
    return digest_of({"version": version})


class FactBook:
    """The facts of one plan by their digests, each found once.

    Attributes
    ----------
    facts
        Digest to facts: those of every part of a key, and those of the code of every plugin among them.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.facts: dict[str, Facts] = {}
        self._catalog = catalog
        self._files: dict[Path, str] = {}
        self.core = self.add({"version": __version__})

    def add(self, facts: Facts) -> str:
        """Hold facts; give their digest."""
        digest = digest_of(facts)
        self.facts.setdefault(digest, facts)
        return digest

    def component(self, kind: str, use: str, parameters: Parameters) -> Facts:
        """What a component's behaviour depends on. A file counts by its content, not by where it lies."""
        dumped = parameters.model_dump(by_alias=True)
        files = dict(input_files(dumped))
        for path in files.values():
            if path not in self._files:
                self._files[path] = file_digest(path)
        plugins = [self._catalog.owner(kind, use)]
        plugins += [self._catalog.owner(part.kind, part.use) for part in nested_uses(parameters)]
        code = {}
        for plugin in plugins:
            code[plugin.name] = code_version(plugin)
            self.add({"version": code[plugin.name], ABOUT: {"sources": source_digests(plugin)}})
        return {
            "use": use,
            "code": code,
            "with": json.loads(json.dumps(dumped, default=self._plain)),
            ABOUT: {"files": {name: str(path) for name, path in files.items()}},
        }

    def _plain(self, value: Any) -> Any:
        if isinstance(value, (set, frozenset)):
            return sorted(map(self._plain, value))
        return self._files[value] if isinstance(value, Path) else str(value)
