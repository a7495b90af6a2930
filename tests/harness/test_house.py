"""Facts about the project itself."""

import ast
import inspect
import json
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from regharness import hookspecs
from regharness.catalog import HOOKS, load_catalog
from regharness.provenance import facts

ROOT = Path(__file__).parents[2]
CORE = ROOT / "harness" / "regharness"
PLUGINS = sorted(path.name for path in (ROOT / "plugins").iterdir() if (path / "__init__.py").is_file())
HOOK_NAMES = sorted(name for name in vars(hookspecs) if name.startswith("regharness_"))
FRAMEWORKS = {"torch", "tensorflow", "keras", "onnxruntime", "onnx", "dask", "matplotlib", "sklearn", "numba", "pandas"}


def imports(file: Path) -> set[str]:
    """Modules that a file imports anywhere but under TYPE_CHECKING."""
    tree = ast.parse(file.read_text())
    typing_only = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and isinstance(branch.test, ast.Name) and branch.test.id == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def core_modules() -> dict[str, Path]:
    return {
        ".".join(("regharness", *file.relative_to(CORE).with_suffix("").parts)).removesuffix(".__init__"): file
        for file in CORE.rglob("*.py")
    }


def test_no_module_of_the_core_imports_another_in_a_circle():
    modules = core_modules()
    graph = {name: (imports(file) & modules.keys()) - {name, "regharness"} for name, file in modules.items()}
    # Raises CycleError, naming the circle.
    assert len(list(TopologicalSorter(graph).static_order())) >= len(graph)


@pytest.mark.parametrize("file", sorted(CORE.rglob("*.py")), ids=lambda file: str(file.relative_to(CORE)))
def test_the_core_imports_and_names_no_plugin(file):
    texts = {n.value for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Constant)}
    named = {str(text).split(":")[0].split(".")[0] for text in texts | imports(file)}
    assert not named & set(PLUGINS) - set(HOOK_NAMES)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_imports_no_other_plugin(plugin):
    shared = {"regharness_motifs", "regharness_networks", "regharness_reference"}
    used = {name.split(".")[0] for file in (ROOT / "plugins" / plugin).rglob("*.py") for name in imports(file)}
    assert not (used & set(PLUGINS)) - {plugin, *shared}


@pytest.mark.parametrize("name", HOOK_NAMES)
def test_every_hook_is_documented(name):
    assert len(inspect.getdoc(getattr(hookspecs, name)) or "") > 40


@pytest.mark.parametrize("name", HOOK_NAMES)
def test_every_hook_is_used_by_the_project_itself(name):
    used = [file for folder in ("plugins", "harness") for file in (ROOT / folder).rglob("*.py")]
    assert any(f"def {name}(" in file.read_text() for file in used if file.name != "hookspecs.py")


@pytest.mark.parametrize("name", HOOK_NAMES)
def test_every_hook_is_exercised_by_the_plugin_from_outside(name):
    from importlib import util

    package = ROOT / "tests" / "thirdparty" / "regharness_example" / "src" / "regharness_example" / "__init__.py"
    assert util.spec_from_file_location("example", package) is not None
    assert f"def {name}(" in package.read_text()


def test_every_collecting_hook_has_a_kind():
    lifecycle = {
        "regharness_commands",
        *(name for name in HOOK_NAMES if name.endswith(("_started", "_finished", "_lost"))),
    }
    assert set(HOOKS.values()) == set(HOOK_NAMES) - lifecycle


def loaded_after(code: str) -> set[str]:
    """Top-level packages in memory after a fresh Python has run `code`."""
    script = f"{code}\nimport sys, json; print('\\n' + json.dumps(sorted({{n.split('.')[0] for n in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("words", [["--help"], ["list", "plugins"], ["list", "models"], ["list", "metrics"]])
def test_start_up_loads_no_framework(words):
    code = f"from regharness.cli import main\ntry:\n    main({words!r})\nexcept SystemExit:\n    pass"
    assert not loaded_after(code) & (FRAMEWORKS | {"xarray", "zarr", "scipy"})


def test_help_loads_neither_numpy_nor_pydantic():
    code = "from regharness.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass"
    assert not loaded_after(code) & {"numpy", "pydantic"}


def test_reading_parameters_of_every_component_loads_no_framework():
    code = (
        "from regharness.catalog import HOOKS, load_catalog\n"
        "c = load_catalog()\n"
        "for kind in HOOKS:\n"
        "    for name in c.names(kind):\n"
        "        if c.component(kind, name).parameters is not None:\n"
        "            c.parameters(kind, name)"
    )
    assert not loaded_after(code) & FRAMEWORKS


def test_every_component_has_a_summary():
    catalog = load_catalog()
    assert not [n for kind in HOOKS for n in catalog.names(kind) if not catalog.component(kind, n).summary]


def test_every_parameter_is_described():
    catalog = load_catalog()
    undescribed = [
        f"{kind} {name}.{field}"
        for kind in HOOKS
        for name in catalog.names(kind)
        if catalog.component(kind, name).parameters is not None
        for field, info in catalog.parameters(kind, name).model_fields.items()
        if not info.description
    ]
    assert undescribed == []


def test_the_versions_of_the_package_agree():
    from importlib.metadata import version

    assert facts(load_catalog().plugins)["regharness"] == version("regharness")
