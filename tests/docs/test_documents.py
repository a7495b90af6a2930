"""What README and CONTRIBUTING show is run as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper

from regharness import hookspecs
from regharness.catalog import load_catalog
from regharness.plan import make_plan
from regharness.seeding import rng_for
from regharness.spec_loading import load

ROOT = Path(__file__).parents[2]


def blocks(document: str, language: str) -> list[str]:
    """Code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)


def call(words, folder, **environment):
    done = subprocess.run(words, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_spec_of_the_readme_is_valid(tmp_path):
    rng = rng_for(0, "readme")
    rows = ["".join("ACGT"[b] for b in row) for row in rng.integers(0, 4, (80, 60))]
    table = pd.DataFrame({"sequence": rows, "chrom": ["chr1", "chr8"] * 40})
    for name in ("log2_k562", "log2_hepg2", "se_k562", "se_hepg2"):
        table[name] = rng.uniform(0.1, 1.0, len(table))
    table.to_csv(tmp_path / "my_mpra.tsv", sep="\t", index=False)
    (tmp_path / "spec.yaml").write_text(blocks("README.md", "yaml")[0])
    assert load(tmp_path / "spec.yaml", load_catalog()).rank_by == "crps"


def write_graph(path):
    """An ONNX graph that gives what it takes, of 230 bp."""
    node = helper.make_node("Identity", ["x"], ["y"])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 4, 230]) for name in "xy"]
    onnx.save(helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:])), path)


def test_the_models_of_the_readme_are_valid(tmp_path):
    for name in ("weights.safetensors", "net.py", "model.keras"):
        (tmp_path / name).touch()
    write_graph(tmp_path / "model.onnx")
    (tmp_path / "spec.yaml").write_text(
        "name: s\nmetrics: [mse]\ntasks: [{name: t, data: {use: simulated_mpra}}]\n" + blocks("README.md", "yaml")[1]
    )
    assert [model.use for model in load(tmp_path / "spec.yaml", load_catalog()).models] == ["torch", "keras", "onnx"]


def test_the_metrics_of_the_readme_are_valid(tmp_path):
    (tmp_path / "spec.yaml").write_text(
        "name: s\nmodels: [{name: cnn, use: mean}]\ntasks: [{name: t, data: {use: simulated_mpra}}]\n"
        + blocks("README.md", "yaml")[3]
    )
    spec = load(tmp_path / "spec.yaml", load_catalog())
    assert make_plan(spec, load_catalog()).spec.leaderboard.columns == ["coverage_90", "ood_auroc", "mce"]


def test_the_shifts_of_the_readme_are_valid(tmp_path):
    (tmp_path / "spec.yaml").write_text(
        "name: s\nmetrics: [mse]\nmodels: [{name: m, use: mean}]\n"
        + "tasks:\n  - name: t\n    data: {use: simulated_mpra}\n"
        + indent(blocks("README.md", "yaml")[2], "    ")
    )
    assert len(load(tmp_path / "spec.yaml", load_catalog()).tasks[0].shifts) == 2


def test_the_models_of_the_page_on_models_are_valid(tmp_path):
    (tmp_path / "spec.yaml").write_text(
        "name: s\nmetrics: [mse]\ntasks: [{name: t, data: {use: simulated_mpra}}]\n"
        + blocks("docs/models.md", "yaml")[0]
    )
    assert len(load(tmp_path / "spec.yaml", load_catalog()).models) == 3


def test_the_leaderboard_of_the_page_on_leaderboards_is_valid(tmp_path):
    (tmp_path / "spec.yaml").write_text(
        "name: s\nmetrics: default\nmodels: [{name: m, use: mean}]\ntasks: [{name: t, data: {use: simulated_mpra}}]\n"
        + blocks("docs/leaderboard.md", "yaml")[0]
    )
    assert load(tmp_path / "spec.yaml", load_catalog()).leaderboard.by_shift == ["coverage_95"]


def test_the_models_of_the_page_on_gpus_are_valid(tmp_path):
    write_graph(tmp_path / "model.onnx")
    (tmp_path / "spec.yaml").write_text(
        "name: s\nmetrics: [mse]\ntasks: [{name: t, data: {use: simulated_mpra}}]\n" + blocks("docs/gpu.md", "yaml")[0]
    )
    assert len(load(tmp_path / "spec.yaml", load_catalog()).models) == 3


SMALL = """name: my
metrics: [mse]
models: [{name: gc, use: gc_linear}]
tasks:
  - name: simulation
    data: {use: simulated_mpra, with: {train: 60, calibration: 20, test: 20, length: 60}}
    shifts: [{use: gc_content, severity: 3}]
"""


@pytest.mark.parametrize("number", range(len(blocks("docs/scale.md", "yaml"))))
def test_what_the_page_on_scale_says_of_executors_is_valid(number, tmp_path):
    (tmp_path / "spec.yaml").write_text(SMALL + blocks("docs/scale.md", "yaml")[number])
    assert load(tmp_path / "spec.yaml", load_catalog()).run.executor.use in ("processes", "dask")


@pytest.mark.slow
def test_the_commands_of_the_page_on_scale_run(tmp_path):
    (tmp_path / "my.yaml").write_text(SMALL)
    lines = [line[2:] for block in blocks("docs/scale.md", "console") for line in block.splitlines()]
    assert len(lines) >= 5
    for line in lines:
        assert call([sys.executable, "-m", *line.split()], tmp_path)


@pytest.mark.parametrize("kind", ["model", "uncertainty"])
def test_the_page_on_models_names_every_model_and_method(kind):
    page, catalog = (ROOT / "docs" / "models.md").read_text(), load_catalog()
    own = [name for name in catalog.names(kind) if catalog.owner(kind, name).distribution == "regharness"]
    assert [name for name in own if f"`{name}`" not in page and f"`use: {name}`" not in page] == []


@pytest.mark.parametrize("spec", sorted((ROOT / "specs").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_spec_is_valid(spec, tmp_path):
    for file in (ROOT / "specs").iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    if "deepstarr" in spec.stem:
        mirror = os.environ.get("REGHARNESS_DATA_DIR")
        if mirror is None:
            pytest.skip("REGHARNESS_DATA_DIR is not set")
        (tmp_path / "deepstarr").symlink_to(Path(mirror) / "deepstarr")
    assert load(tmp_path / spec.name, load_catalog()).name == spec.stem


def test_the_python_of_the_page_on_statistics_runs_and_gives_what_it_says(tmp_path):
    code = "\n".join(blocks("docs/statistics.md", "python"))
    said = code.rsplit("  # ", 1)[1].strip()
    assert call([sys.executable, "-W", "error", "-c", code], tmp_path).splitlines()[-1] == said


def installed(document, folder):
    """The plugin that a document writes, with the entry point of CONTRIBUTING, as an installed distribution."""
    for block in blocks(document, "python"):
        path = folder / block.split("\n", 1)[0].removeprefix("# ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(block)
    info = folder / "my_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my_plugin\nVersion: 1.0\n")
    entry_points = blocks("CONTRIBUTING.md", "toml")[0].replace("[project.entry-points.regharness]", "[regharness]")
    (info / "entry_points.txt").write_text(entry_points.replace('"', ""))
    return {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}


@pytest.fixture
def plugin(tmp_path):
    """The plugin that CONTRIBUTING writes, as an installed distribution."""
    installed("CONTRIBUTING.md", tmp_path)
    return tmp_path


@pytest.mark.slow
def test_the_observer_of_the_page_on_trackers_hears_a_run(tmp_path):
    path = installed("docs/trackers.md", tmp_path)
    (tmp_path / "my.yaml").write_text(SMALL)
    heard = call([sys.executable, "-m", "regharness", "run", "my.yaml", "--quiet"], tmp_path, **path)
    assert "gc on gc_content@3, seed 0: done in" in heard
    # It prints the leaderboard, and so does the command.
    assert heard.count("simulation: mse, lower is better") == 2


def test_the_page_on_trackers_names_every_hook_of_a_run():
    page = (ROOT / "docs" / "trackers.md").read_text()
    hooks = [name for name in vars(hookspecs) if name.endswith(("_started", "_finished", "_lost"))]
    assert [name for name in hooks if f"`{name}`" not in page] == []


def test_the_commands_of_the_page_on_trackers_are_there():
    (block,) = blocks("docs/trackers.md", "sh")
    assert (ROOT / "examples" / "regharness-mlflow" / "pyproject.toml").is_file()
    assert "pip install examples/regharness-mlflow\n" in block


@pytest.mark.slow
def test_the_contract_test_of_contributing_passes(plugin):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_model.py"]
    assert "passed" in call(command, plugin, PYTHONPATH=str(plugin))


def test_the_model_of_contributing_joins_a_run(plugin):
    data = "{use: simulated_mpra, with: {train: 50, calibration: 20, test: 20, length: 60}}"
    spec = f"name: s\ntasks: [{{name: t, data: {data}}}]\nmetrics: [mse]\n" + blocks("CONTRIBUTING.md", "yaml")[0]
    (plugin / "s.yaml").write_text(spec)
    command = [sys.executable, "-m", "regharness", "run", "s.yaml", "--quiet"]
    assert "1  mean" in call(command, plugin, PYTHONPATH=str(plugin))


def test_the_shift_of_contributing_keeps_the_contract_of_shifts(plugin):
    (plugin / "tests" / "test_shift.py").write_text(
        "from my_plugin.shift import Compression\n"
        "from regharness.testing import ShiftOperatorContract\n\n"
        "class TestCompression(ShiftOperatorContract):\n"
        "    def make_shift(self):\n"
        "        return Compression()\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_shift.py"]
    assert "passed" in call(command, plugin, PYTHONPATH=str(plugin))


@pytest.fixture(scope="module")
def submitted(tmp_path_factory):
    """A folder in which the page on submissions was followed from top to bottom, and what its commands said."""
    folder, said = tmp_path_factory.mktemp("submissions"), {}
    page = (ROOT / "docs" / "submissions.md").read_text()
    for language, block in re.findall(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        if language == "yaml":
            (folder / block.split("\n", 1)[0].removeprefix("# ")).write_text(block)
        elif language == "python":
            call([sys.executable, "-W", "error", "-c", block], folder)
        else:
            said |= {line[2:]: call([sys.executable, "-m", *line[2:].split()], folder) for line in block.splitlines()}
    return folder, said


@pytest.mark.slow
def test_every_submission_of_the_page_on_submissions_passes(submitted):
    verified = [text for line, text in submitted[1].items() if " verify " in line]
    assert len(verified) == 6
    assert all(": passed," in text for text in verified)


@pytest.mark.slow
def test_the_site_of_the_page_on_submissions_shows_both(submitted):
    page = (submitted[0] / "site" / "index.html").read_text()
    assert "GC and a line" in page
    assert "kmers" in page


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    """A folder in which quickstart was run."""
    folder = tmp_path_factory.mktemp("quickstart")
    call([sys.executable, "-m", "regharness", "run", "quickstart", "--quiet"], folder)
    return folder


@pytest.mark.slow
def test_the_commands_of_the_readme_run(quickstart):
    lines = [line[2:] for block in blocks("README.md", "console") for line in block.splitlines()]
    assert len(lines) >= 5
    for line in lines:
        assert call([sys.executable, "-m", *line.split()], quickstart)


@pytest.mark.slow
def test_the_commands_of_the_page_on_leaderboards_run(quickstart):
    for line in blocks("docs/leaderboard.md", "console")[0].splitlines():
        assert call([sys.executable, "-m", *line.removeprefix("$ ").split()], quickstart)


@pytest.mark.slow
def test_the_python_of_the_readme_runs(quickstart):
    call([sys.executable, "-W", "error", "-c", "\n".join(blocks("README.md", "python"))], quickstart)


@pytest.mark.slow
def test_quickstart_shows_the_first_claims(quickstart):
    import regharness as rh

    scores = rh.open_run(quickstart / "runs" / "quickstart").scores.sel(task="simulation").mean(["seed", "output"])
    mse, coverage = scores["mse"], scores["coverage_95"]
    for model in ("cnn", "cnn+motifs"):
        identity = mse.sel(model=model, shift="identity")
        for mild in ("gc_content@1", "gc_content@3"):
            assert abs(mse.sel(model=model, shift=mild) / identity - 1) < 0.15
            assert coverage.sel(model=model, shift=mild) > 0.92
        for strong in ("motif_effect_rewiring@5", "assay_noise@5"):
            assert mse.sel(model=model, shift=strong) > 2 * identity
            assert coverage.sel(model=model, shift=strong) < 0.8
    prior = mse.sel(model="cnn+motifs", shift="identity") / mse.sel(model="cnn", shift="identity")
    assert prior < 2 / 3
