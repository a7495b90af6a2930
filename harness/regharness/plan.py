"""Turn a spec and the installed plugins into cells with content keys. Computes no prediction.

All that can fail early fails here: input files, data, shifts that a task cannot have, models that need what
its data lack.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from regharness import __version__
from regharness.blocks import refuse_whole
from regharness.catalog import Catalog
from regharness.dims import IDENTITY
from regharness.errors import InputError, Problem, unknown_name
from regharness.fitting import build_model
from regharness.interfaces import DataGenerator, DataInfo, ModelAdapter, ShiftOperator
from regharness.metric_checks import metric_problems
from regharness.nested import nested_uses
from regharness.parameters import file_digests
from regharness.provenance import code_version
from regharness.quantiles import declared_levels, level_label, level_problem
from regharness.spec import BenchmarkSpec, ModelEntry, TaskEntry, Use

FILTERS = ("task", "model", "shift", "seed")


@dataclass(frozen=True)
class Shift:
    """One shift at one severity; severity 0 is ``identity``.

    Attributes
    ----------
    label
        ``operator@severity``, or with the entry's name in place of the operator's.
    """

    label: str
    operator_name: str
    severity: int
    operator: ShiftOperator | None


@dataclass(frozen=True)
class Task:
    """A task's data, what they are, and its shifts with ``identity`` first."""

    name: str
    generator: DataGenerator
    info: DataInfo
    shifts: tuple[Shift, ...]


@dataclass(frozen=True)
class Cell:
    """One model x shift x seed of a task.

    Attributes
    ----------
    key
        Sha256 over all that its prediction depends on; equal key, equal result.
    fit_key
        The same for the fitted model alone.
    """

    task: str
    model: str
    shift: str
    seed: int
    key: str
    fit_key: str

    @property
    def name(self) -> tuple[str, str, str, int]:
        """What tells the cell from others of its run, whatever its parameters."""
        return self.task, self.model, self.shift, self.seed


@dataclass(frozen=True)
class Plan:
    """What a run computes: cells ordered by task, seed, model, shift.

    Attributes
    ----------
    quantile_levels
        Model to the levels of the quantiles that it declares.
    """

    spec: BenchmarkSpec
    tasks: dict[str, Task]
    cells: tuple[Cell, ...]
    quantile_levels: dict[str, tuple[float, ...]]

    def models(self, task: str) -> list[ModelEntry]:
        """Models that take part in a task, in the spec's order."""
        return [model for model in self.spec.models if model.tasks is None or task in model.tasks]

    def levels(self, task: str) -> list[float]:
        """Levels of the quantiles of all models that take part in a task, from low to high."""
        given = (self.quantile_levels[model.name] for model in self.models(task))
        return sorted({level_label(level) for levels in given for level in levels})


def make_plan(spec: BenchmarkSpec, catalog: Catalog) -> Plan:
    """Plan a checked spec.

    Raises
    ------
    InputError
        With every problem of every task and model.
    """
    problems: list[Problem] = []
    tasks: dict[str, Task] = {}
    levels: dict[str, tuple[float, ...]] = {}
    for entry in spec.tasks:
        try:
            tasks[entry.name] = _task(entry, catalog)
        except InputError as error:
            problems += [_of(f"task '{entry.name}'", problem) for problem in error.problems]
    for model in spec.models:
        try:
            built = build_model(model, catalog)
            levels[model.name] = declared_levels(built)
            problems += _unmet(model, built, tasks)
        except InputError as error:
            problems += [_of(f"model '{model.name}'", problem) for problem in error.problems]
    problems += metric_problems(spec, catalog)
    if problems:
        raise InputError(problems)
    return Plan(spec, tasks, tuple(_cells(spec, tasks, catalog)), levels)


def select(cells: Iterable[Cell], only: Iterable[str]) -> list[Cell]:
    """Keep the cells that match every ``KEY=GLOB``; several globs of one key are alternatives.

    Raises
    ------
    InputError
        For an unknown key, or when nothing matches.
    """
    wanted: dict[str, list[str]] = {}
    for text in only:
        key, equals, glob = text.partition("=")
        if not equals:
            raise InputError(f"--only takes KEY=GLOB, not '{text}'", help=f"keys: {', '.join(FILTERS)}")
        if key not in FILTERS:
            message, choices = unknown_name("key", key, FILTERS, listed="keys")
            raise InputError(f"--only {text}: {message}", help=choices)
        wanted.setdefault(key, []).append(glob)
    cells = list(cells)
    kept = [
        cell
        for cell in cells
        if all(any(fnmatchcase(str(getattr(cell, key)), g) for g in globs) for key, globs in wanted.items())
    ]
    if not kept:
        raise InputError(
            f"no cell matches {' '.join('--only ' + text for text in only)}",
            help="; ".join(
                f"{key}: {', '.join(sorted({str(getattr(cell, key)) for cell in cells}))}" for key in wanted
            ),
        )
    return kept


def _of(entry: str, problem: Problem) -> Problem:
    return Problem(f"{entry}: {problem.message}", problem.where, problem.source, problem.column, problem.help)


def _task(entry: TaskEntry, catalog: Catalog) -> Task:
    generator = catalog.create("data", entry.data.use, entry.data.with_)
    info = generator.describe()
    shifts = [Shift(IDENTITY, IDENTITY, 0, None)]
    problems: list[Problem] = []
    for shift in entry.shifts:
        operator = catalog.create("shift", shift.use, shift.with_)
        operator.severities = tuple(shift.severity or ())
        lacking = sorted(operator.needs - info.offers)
        try:
            if lacking:
                raise InputError(
                    f"shift '{shift.label}' needs {', '.join(lacking)}, which '{entry.data.use}' does not offer",
                    help=f"it offers: {', '.join(sorted(info.offers)) or 'nothing beyond sequences and targets'}",
                )
            refuse_whole(generator, shift.label, operator)
            operator.check(info)
        except InputError as error:
            problems += error.problems
        shifts += [
            Shift(f"{shift.label}@{severity}", shift.use, severity, operator) for severity in shift.severity or ()
        ]
    if problems:
        raise InputError(problems)
    return Task(entry.name, generator, info, tuple(shifts))


def _unmet(entry: ModelEntry, model: ModelAdapter, tasks: dict[str, Task]) -> Iterator[Problem]:
    wrong = level_problem(declared_levels(model))
    if wrong:
        yield Problem(f"model '{entry.name}': {wrong}", help="see its quantile_levels")
    for task in tasks.values():
        if entry.tasks is not None and task.name not in entry.tasks:
            continue
        lacking = sorted(model.needs - task.info.offers)
        if lacking:
            yield Problem(
                f"model '{entry.name}' needs {', '.join(lacking)}, which the data of task '{task.name}' do not offer",
                help="name its tasks with 'tasks: [...]'",
            )


def _cells(spec: BenchmarkSpec, tasks: dict[str, Task], catalog: Catalog) -> Iterator[Cell]:
    models = {model.name: (model, _model_facts(model, catalog)) for model in spec.models}
    trainable = {name: build_model(model, catalog).trainable for name, (model, _) in models.items()}
    for task_entry in spec.tasks:
        task = tasks[task_entry.name]
        data = _facts("data", task_entry.data, catalog)
        shift_facts = {
            f"{shift.label}@{severity}": _facts("shift", shift, catalog)
            for shift in task_entry.shifts
            for severity in shift.severity or ()
        }
        for seed in spec.seeds:
            source = {"data": data, "seed": seed}
            for name, (model, facts) in models.items():
                if model.tasks is not None and task.name not in model.tasks:
                    continue
                fit_key = _key({"model": facts, **(source if trainable[name] else {})})
                for shift in task.shifts:
                    # The label and the task name the random stream of the shift, so they count.
                    drawn = {"task": task.name, "shift": shift.label, "facts": shift_facts.get(shift.label)}
                    yield Cell(task.name, name, shift.label, seed, _key({"fit": fit_key, **source, **drawn}), fit_key)


def _model_facts(entry: ModelEntry, catalog: Catalog) -> dict[str, Any]:
    facts = _facts("model", entry, catalog)
    if entry.uncertainty is not None:
        facts["uncertainty"] = _facts("uncertainty", entry.uncertainty, catalog)
    return facts


def _facts(kind: str, entry: Use, catalog: Catalog) -> dict[str, Any]:
    """What a component's behaviour depends on. A file counts by its content, not by where it lies."""
    parameters = catalog.check(kind, entry.use, entry.with_, Path())
    dumped = parameters.model_dump()
    digests = file_digests(dumped)
    facts = {
        "use": entry.use,
        "code": code_version(catalog.owner(kind, entry.use)),
        "with": json.loads(json.dumps(dumped, default=lambda value: digests.get(str(value), str(value)))),
    }
    parts = [code_version(catalog.owner(part.kind, part.use)) for part in nested_uses(parameters)]
    return {**facts, "parts": parts} if parts else facts


def _key(facts: dict[str, Any]) -> str:
    text = json.dumps({"regharness": __version__, **facts}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
