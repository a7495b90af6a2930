"""Tests that need a GPU. ``make test-gpu`` runs them; it fails where there is none, and elsewhere tells what ran."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest

import regharness as rh

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "plugins")]

from gpus import cuda, gpu_providers  # noqa: E402

NONE = """no GPU: PyTorch finds no CUDA device, and ONNX Runtime neither CUDAExecutionProvider nor a WebGPU device.
These tests would show nothing here. docs/gpu.md says what they need."""
ROWS = pytest.StashKey[list[str]]()


def pytest_collection_finish(session):
    """Stop before the first test where all of them would be skipped."""
    here = [item for item in session.items if Path(__file__).parent in item.path.parents]
    if here and "gpu" in session.config.option.markexpr and not cuda() and not gpu_providers():
        pytest.exit(NONE, returncode=1)


@pytest.fixture(autouse=True)
def _asked_for(request):
    if "gpu" not in request.config.option.markexpr:
        pytest.skip("needs a GPU, and is run by make test-gpu")


@pytest.fixture
def on_cuda():
    if not cuda():
        pytest.skip("PyTorch finds no CUDA device")
    return rh.RunContext(device="cuda:0")


@pytest.fixture
def as_on_the_cpu(request):
    """Check that two models predict the same to 1e-3, and note what ran."""

    def check(on_gpu, on_cpu, batch, context, what):
        expected = on_cpu.predict(batch, rh.RunContext(device="cpu")).mean
        on_gpu.predict(batch, context)
        start = time.perf_counter()
        found = on_gpu.predict(batch, context).mean
        seconds = time.perf_counter() - start
        difference = float(np.abs(found - expected).max())
        ran = "; ".join(f"{name} {value}" for name, value in on_gpu.execution().items())
        row = (
            f"| {what} | {ran} | {len(batch):,} x {batch.sequence.shape[1]} bp in {seconds:.3f} s | {difference:.1e} |"
        )
        request.config.stash.setdefault(ROWS, []).append(row)
        assert difference < 1e-3

    return check


def pytest_terminal_summary(terminalreporter, config):
    """Print what ran as rows of the table in docs/gpu.md."""
    rows = config.stash.get(ROWS, [])
    if rows:
        terminalreporter.section("what ran, for docs/gpu.md")
        for row in rows:
            terminalreporter.line(row)
