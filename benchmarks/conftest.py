"""The plugin of the benchmarks, as an installed distribution of this process and of those that it starts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from regharness import catalog

PLUGIN = Path(__file__).with_name("bench_plugin.py")


@pytest.fixture(scope="session")
def bench_plugin(tmp_path_factory):
    """Install it, where Python looks first."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "bench_plugin.py").write_text(PLUGIN.read_text())
    info = folder / "bench_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bench_plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[regharness]\nbench_plugin = bench_plugin\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        catalog._cached.cache_clear()
        yield
    catalog._cached.cache_clear()
