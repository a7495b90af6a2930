"""Turn a spec's YAML into a frozen `BenchmarkSpec`. Reads no data, builds no model.

Every problem of a spec is found in one pass and carries its place.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pydantic

from regharness.catalog import Catalog
from regharness.dims import IDENTITY
from regharness.errors import InputError, Problem, unknown_name
from regharness.faults import describe
from regharness.run_options import executor_faults
from regharness.spec import BenchmarkSpec
from regharness.spec_profiles import apply_profile
from regharness.yaml_source import Document, Place, read


def load(path: Path | str, catalog: Catalog, profile: str | None = None) -> BenchmarkSpec:
    """Read and check a spec.

    Parameters
    ----------
    path
        A file, or the name of a spec that travels with the package, such as ``quickstart``.
    catalog
        What is installed.
    profile
        Which of the sizes that the spec offers; the spec as it stands if left out.

    Returns
    -------
    BenchmarkSpec
        With ``extends`` merged, the profile applied, every default filled in and every path absolute.

    Raises
    ------
    InputError
        With every problem found.
    """
    document = _extended(find(path), ())
    if not isinstance(document.value, dict):
        raise InputError(document.mark(()).problem("a spec is a mapping", "start with 'name: ...'"))
    if profile is not None:
        apply_profile(document, profile)
    if document.value.get("metrics") == "default":
        names = catalog.names("metric")
        document.value["metrics"] = [n for n in names if catalog.component("metric", n).default]
    problems = list(_component_problems(document, catalog))
    problems += _executor_problems(document, catalog)
    problems += _repeats(document.value, document)
    problems += _dangling(document.value, document)
    spec: BenchmarkSpec | None = None
    try:
        spec = BenchmarkSpec.model_validate(document.value)
    except pydantic.ValidationError as error:
        for place, message, help in describe(error, BenchmarkSpec):
            problems.append(document.mark(place, key="unknown key" in message).problem(message, help))
    if problems:
        raise InputError(sorted(problems, key=_order))
    assert spec is not None
    return spec


def find(path: Path | str) -> Path:
    """The file of a spec: a path, or the name of one that travels with the package."""
    path = Path(path)
    if path.is_file() or path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        return path
    shipped = {file.stem: file for folder in _shipped() for file in sorted(folder.glob("*.yaml"))}
    if path.name not in shipped:
        message, choices = unknown_name("spec", str(path), shipped, listed="a file, or one of")
        raise InputError(message, help=choices)
    return shipped[path.name]


def _shipped() -> Iterator[Path]:
    package = Path(str(files("regharness")))
    # A wheel carries the specs inside the package; a checkout has them beside the source root.
    yield from (folder for folder in (package / "specs", package.parents[1] / "specs") if folder.is_dir())


def _order(problem: Problem) -> tuple[str, int, int]:
    path, line, column = problem.where.rsplit(":", 2)
    return path, int(line), int(column)


def _extended(path: Path, seen: tuple[Path, ...]) -> Document:
    """Read `path` and lay it over the spec it extends: mappings merge, everything else replaces."""
    document = read(path)
    if not isinstance(document.value, dict) or "extends" not in document.value:
        return document
    mark = document.mark(("extends",))
    base = document.value.pop("extends")
    if not isinstance(base, str):
        raise InputError(mark.problem("'extends' takes the path of one spec"))
    other = (path.parent / base).resolve()
    if other in (*seen, path.resolve()):
        raise InputError(mark.problem(f"'extends' comes back to {base}"))
    if not other.is_file():
        raise InputError(mark.problem(f"no spec at {other}"))
    below = _extended(other, (*seen, path.resolve()))
    if not isinstance(below.value, dict):
        raise InputError(below.mark(()).problem("a spec is a mapping"))
    _lay_over(below.value, document.value, below, document, ())
    below.marks[()] = document.marks[()]
    return below


def _lay_over(below: dict[str, Any], above: dict[str, Any], into: Document, source: Document, at: Place) -> None:
    for key, value in above.items():
        place = (*at, key)
        if isinstance(value, dict) and isinstance(below.get(key), dict) and at == ():
            _lay_over(below[key], value, into, source, place)
            continue
        below[key] = value
        depth = len(place)
        into.marks = {p: mark for p, mark in into.marks.items() if p[:depth] != place}
        into.marks.update({p: mark for p, mark in source.marks.items() if p[:depth] == place})


def _entries(value: Any, key: str, at: Place = ()) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The mappings in the list under `key`, wrong shapes left to the shape's own check."""
    entries = value.get(key) if isinstance(value, dict) else None
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict):
            yield (*at, key, index), entry


def _uses(value: Any) -> Iterator[tuple[str, Place, dict[str, Any]]]:
    """Every ``{use, with}`` of a spec: its kind, its place, and the mapping itself."""
    for place, task in _entries(value, "tasks"):
        if isinstance(task.get("data"), dict):
            yield "data", (*place, "data"), task["data"]
        for at, shift in _entries(task, "shifts", place):
            yield "shift", at, shift
    for place, model in _entries(value, "models"):
        yield "model", place, model
        if isinstance(model.get("uncertainty"), dict):
            yield "uncertainty", (*place, "uncertainty"), model["uncertainty"]
    metrics = value.get("metrics")
    if isinstance(metrics, list):
        value["metrics"] = [{"use": entry} if isinstance(entry, str) else entry for entry in metrics]
    for place, metric in _entries(value, "metrics"):
        yield "metric", place, metric


def _component_problems(document: Document, catalog: Catalog) -> Iterator[Problem]:
    """Check every component; what passes gets its resolved parameters written into `document`."""
    for kind, place, entry in _uses(document.value):
        if not isinstance(entry.get("use"), str):
            continue
        mark = document.mark((*place, "use"))
        try:
            catalog.require(kind, entry["use"])
            yield from _parameter_problems(kind, place, entry, document, catalog)
        except InputError as error:
            yield from (mark.problem(problem.message, problem.help) for problem in error.problems)


def _parameter_problems(
    kind: str, place: Place, entry: dict[str, Any], document: Document, catalog: Catalog
) -> Iterator[Problem]:
    given = entry.get("with", {})
    if not isinstance(given, dict):
        return
    # A file is relative to the spec that names it, which `extends` can make another than the one that runs.
    base = Path(document.mark((*place, "use")).path).resolve().parent
    try:
        parameters = catalog.check(kind, entry["use"], given, base)
    except pydantic.ValidationError as error:
        for inner, message, help in describe(error, catalog.parameters(kind, entry["use"])):
            mark = document.mark((*place, "with", *inner), key="unknown key" in message)
            yield mark.problem(message, help)
        return
    entry["with"] = parameters.model_dump(mode="json", by_alias=True)
    if kind == "shift":
        yield from _severity_problems(place, entry, document, catalog.build(kind, entry["use"], parameters))


def _executor_problems(document: Document, catalog: Catalog) -> Iterator[Problem]:
    """Check who runs the cells; an executor's parameters depend on the entry around it.

    Where a spec names none, the command line may still name one that can do what the entry asks.
    """
    run = document.value.get("run")
    if not isinstance(run, dict) or "executor" not in run:
        return
    written = run["executor"]
    executor = {"use": written} if isinstance(written, str) else written
    if not isinstance(executor, dict) or not isinstance(executor.get("use"), str):
        return
    use, given = executor["use"], executor.get("with", {})
    if not isinstance(given, dict):
        return
    place: Place = ("run", "executor", "use") if isinstance(written, dict) else ("run", "executor")
    try:
        catalog.require("executor", use)
        base = Path(document.mark(place).path).resolve().parent
        faults = list(executor_faults(use, given, run, catalog, base))
        for at, message, help in faults:
            yield document.mark(("run", *at), key="unknown key" in message).problem(message, help)
        if not faults:
            dumped = catalog.check("executor", use, given, base).model_dump(mode="json", by_alias=True)
            dumped.pop("workers", None)
            run["executor"] = {"use": use, "with": dumped}
    except InputError as error:
        mark = document.mark(place)
        yield from (mark.problem(problem.message, problem.help) for problem in error.problems)


def _severity_problems(place: Place, entry: dict[str, Any], document: Document, operator: Any) -> Iterator[Problem]:
    levels = tuple(operator.severities)
    given = entry.setdefault("severity", list(levels))
    for index, severity in enumerate(given if isinstance(given, list) else [given]):
        if isinstance(severity, int) and severity not in levels:
            mark = document.mark((*place, "severity", index))
            choices = ", ".join(map(str, levels))
            yield mark.problem(f"'{entry['use']}' has no severity {severity}", f"it has: {choices}")


def _repeats(value: dict[str, Any], document: Document) -> Iterator[Problem]:
    """Names that must be unique and are not."""
    yield from _unique("task", _named(value, "tasks", "name"), document)
    yield from _unique("model", _named(value, "models", "name"), document)
    yield from _unique("metric", _named(value, "metrics", "use"), document)
    seeds = value.get("seeds")
    if isinstance(seeds, list):
        yield from _unique("seed", [(("seeds", i), seed) for i, seed in enumerate(seeds)], document)
    for place, task in _entries(value, "tasks"):
        labels: list[tuple[Place, Hashable]] = []
        for at, shift in _entries(task, "shifts", place):
            label = shift.get("name") or shift.get("use")
            if label == IDENTITY:
                yield document.mark(at).problem("'identity' is always there and cannot name a shift")
            severity = shift.get("severity")
            levels = severity if isinstance(severity, list) else [severity]
            labels += [(at, f"{label}@{level}") for level in levels]
        yield from _unique("shift", labels, document, "give one of them a 'name'")


def _named(value: dict[str, Any], key: str, fallback: str) -> list[tuple[Place, Hashable]]:
    found = [(place, entry.get("name") or entry.get(fallback)) for place, entry in _entries(value, key)]
    return [(place, name) for place, name in found if isinstance(name, str)]


def _unique(what: str, named: list[tuple[Place, Hashable]], document: Document, help: str = "") -> Iterator[Problem]:
    first: dict[Hashable, Place] = {}
    for place, name in named:
        if isinstance(name, (list, dict)):
            continue
        if name in first:
            earlier = document.mark(first[name])
            message = f"the {what} '{name}' is already in line {earlier.line}"
            yield document.mark((*place, "name")).problem(message, help)
        first.setdefault(name, place)


def _dangling(value: dict[str, Any], document: Document) -> Iterator[Problem]:
    """Names that refer to something the spec does not have."""
    tasks = [str(name) for _, name in _named(value, "tasks", "name")]
    for place, model in _entries(value, "models"):
        wanted = model.get("tasks")
        for index, task in enumerate(wanted if isinstance(wanted, list) else []):
            if isinstance(task, str) and task not in tasks:
                message, choices = unknown_name("task", task, tasks, listed="tasks")
                yield document.mark((*place, "tasks", index)).problem(message, choices)
    board = value.get("leaderboard")
    board = board if isinstance(board, dict) else {}
    named: list[tuple[Place, Any]] = [(("leaderboard", "rank_by"), board.get("rank_by"))]
    for key in ("columns", "by_shift"):
        shown = board.get(key)
        named += [(("leaderboard", key, i), name) for i, name in enumerate(shown if isinstance(shown, list) else [])]
    metrics = [str(name) for _, name in _named(value, "metrics", "use")]
    for place, name in named:
        if isinstance(name, str) and name not in metrics:
            message, choices = unknown_name("metric", name, metrics, listed="metrics of the spec")
            yield document.mark(place).problem(message, choices)
