import json
import os
import platform
import subprocess
import sys

import numpy as np
import pytest
from builders import spec, write

import regharness as rh
from regharness.cell_provenance import provenance_lines, provenance_of
from regharness.plan import make_plan
from regharness.provenance import environment, peak_memory_mb
from regharness.records import Record
from regharness.runner import execute
from regharness.seeding import rng_for, seed_for, stream_text
from regharness.spec_loading import load


@pytest.fixture
def ran(toys, tmp_path):
    """A run's folder and the record of one of its cells."""
    file = write(tmp_path, spec(models=[{"name": "m", "use": "constant", "with": {"offset": 2.0}}], seeds=[3]))
    (tmp_path / "r").mkdir()
    execute(make_plan(load(file, toys), toys), tmp_path / "r", toys)
    records = [Record(**json.loads(line)) for line in (tmp_path / "r" / "cells.jsonl").read_text().splitlines()]
    return tmp_path / "r", next(record for record in records if record.shift == "offset@3")


def test_the_environment_names_versions_and_the_machine(toys):
    found = environment(toys.plugins)
    assert found["regharness"] == rh.__version__
    assert found["libraries"]["numpy"] == np.__version__
    assert (found["python"], found["cpus"]) == (platform.python_version(), os.cpu_count())
    assert json.loads(json.dumps(found)) == found


@pytest.mark.skipif(not os.path.exists("/proc/meminfo"), reason="compares with the kernel's own count")
def test_the_environment_knows_the_machines_memory(toys):
    with open("/proc/meminfo") as file:
        kilobytes = int(file.readline().split()[1])
    assert environment(toys.plugins)["memory_mb"] == pytest.approx(kilobytes * 1024 / 1e6, rel=0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="not known there")
def test_peak_memory_holds_what_was_given_back():
    code = (
        "from regharness.provenance import peak_memory_mb\n"
        "before = peak_memory_mb()\n"
        "held = b'x' * 300_000_000\n"
        "del held\n"
        "print(peak_memory_mb() - before)\n"
    )
    grown = float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert 290 < grown < 330


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system has no such number")
def test_peak_memory_is_not_that_of_the_process_that_started_this_one():
    held = b"x" * 600_000_000
    code = "from regharness.provenance import peak_memory_mb\nprint(peak_memory_mb())"
    peak = float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert peak_memory_mb() > len(held) / 1e6
    assert peak < 300


def test_a_cells_provenance_has_the_facts_of_every_part(ran):
    found = provenance_of(*ran)
    assert found["parts"]["model"]["facts"]["with"]["offset"] == 2.0
    assert found["parts"]["shift"]["facts"]["label"] == "offset@3"
    assert found["parts"]["regharness"]["facts"] == {"version": rh.__version__}
    assert (found["status"], found["seed"]) == ("done", 3)
    assert json.loads(json.dumps(found)) == found


def test_a_cells_streams_are_those_that_its_shift_and_model_are_given(ran):
    streams = provenance_of(*ran)["streams"]
    assert streams["model"] == seed_for(3, "model")
    assert streams["shift"] == stream_text(3, "shift", "t", "offset@3")


def test_a_streams_text_makes_the_stream_with_numpy_alone():
    text = stream_text(3, "shift", "t", "offset@3")
    bits = eval(text, {"PCG64": np.random.PCG64, "SeedSequence": np.random.SeedSequence})
    ours = rng_for(3, "shift", "t", "offset@3").integers(0, 2**32, 10)
    assert np.random.Generator(bits).integers(0, 2**32, 10).tolist() == ours.tolist()


def test_a_cells_provenance_can_be_read(ran):
    lines = list(provenance_lines(provenance_of(*ran)))
    assert "status  done" in lines
    assert "    use  constant" in lines
    assert "      offset  2.0" in lines
