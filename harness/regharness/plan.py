"""Turn a spec and the installed plugins into cells with content keys. Computes no prediction.

All that can fail early fails here: input files, data, shifts that a task cannot have, models that need what
its data lack.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from regharness.blocks import refuse_whole
from regharness.catalog import Catalog
from regharness.dims import IDENTITY
from regharness.errors import InputError, Problem
from regharness.fitting import build_model
from regharness.interfaces import DataGenerator, DataInfo, ModelAdapter, ShiftOperator
from regharness.keys import FactBook, Facts, digest_of, key_of
from regharness.metric_checks import metric_problems
from regharness.plan_filters import matches, parsed_filters
from regharness.quantiles import declared_levels, level_label, level_problem
from regharness.spec import BenchmarkSpec, ModelEntry, TaskEntry


@dataclass(frozen=True)
class Shift:
    """One shift at one severity; severity 0 is ``identity``.

    Attributes
    ----------
    label
        ``operator@severity``, or with the entry's name in place of the operator's.
    digest
        Of what the shifted test set depends on beside the data and the seed.
    """

    label: str
    operator_name: str
    severity: int
    operator: ShiftOperator | None
    digest: str


@dataclass(frozen=True)
class Task:
    """A task's data, what they are, and its shifts with ``identity`` first.

    Attributes
    ----------
    digest
        Of what the data depend on beside the seed.
    """

    name: str
    generator: DataGenerator
    info: DataInfo
    shifts: tuple[Shift, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class TestSet:
    """The test set of a task under one shift, for one seed; a job beside the cells.

    Attributes
    ----------
    key
        Sha256 over all that it depends on.
    parts
        Name of each part of the key to the digest of its facts. Not among what is pickled.
    """

    task: str
    shift: str
    seed: int
    key: str
    parts: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    fit = ""
    __test__ = False

    @property
    def name(self) -> tuple[str, str, int]:
        """What tells the test set from others of its run, whatever its parameters."""
        return self.task, self.shift, self.seed

    @property
    def label(self) -> str:
        """What a user is told that a worker is at."""
        return f"{self.task}: test set of {self.shift}, seed {self.seed}"

    @property
    def examples(self) -> str:
        """What its examples are made from."""
        return f"{self.task}/{self.seed}"

    def __reduce__(self) -> tuple[Any, ...]:
        return TestSet, (self.task, self.shift, self.seed, self.key)


@dataclass(frozen=True, slots=True)
class Cell:
    """One model x shift x seed of a task; a job.

    Attributes
    ----------
    key
        Sha256 over all that its prediction depends on; equal key, equal result.
    fit_key
        The same for the fitted model alone.
    set_parts, model_parts
        The `parts`, shared with the cells of the same test set and of the same model. Not among what is pickled.
    """

    task: str
    model: str
    shift: str
    seed: int
    key: str
    fit_key: str
    set_parts: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    model_parts: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> tuple[str, str, str, int]:
        """What tells the cell from others of its run, whatever its parameters."""
        return self.task, self.model, self.shift, self.seed

    @property
    def parts(self) -> dict[str, str]:
        """Name of each part of the key (data, shift, model, uncertainty, seed, regharness) to its digest."""
        return {**self.set_parts, **self.model_parts}

    @property
    def label(self) -> str:
        """What a user is told that a worker is at."""
        return f"{self.task}: {self.model}, {self.shift}, seed {self.seed}"

    @property
    def fit(self) -> str:
        """What cells of the same fitted model share."""
        return self.fit_key

    @property
    def examples(self) -> str:
        """What its examples are made from."""
        return f"{self.task}/{self.seed}"

    def __reduce__(self) -> tuple[Any, ...]:
        return Cell, (self.task, self.model, self.shift, self.seed, self.key, self.fit_key)


@dataclass(frozen=True)
class Plan:
    """What a run computes: cells ordered by task, seed, model, shift.

    Attributes
    ----------
    test_sets
        One of each task, seed and shift, in this order.
    quantile_levels
        Model to the levels of the quantiles that it declares.
    facts
        The facts behind the digests of the cells' parts, save that of the seed, which a cell names.
    """

    spec: BenchmarkSpec
    tasks: dict[str, Task]
    cells: tuple[Cell, ...]
    test_sets: tuple[TestSet, ...]
    quantile_levels: dict[str, tuple[float, ...]]
    facts: dict[str, Facts]

    def models(self, task: str) -> list[ModelEntry]:
        """Models that take part in a task, in the spec's order."""
        return [model for model in self.spec.models if model.tasks is None or task in model.tasks]

    def levels(self, task: str) -> list[float]:
        """Levels of the quantiles of all models that take part in a task, from low to high."""
        given = (self.quantile_levels[model.name] for model in self.models(task))
        return sorted({level_label(level) for levels in given for level in levels})


@dataclass(frozen=True)
class _Model:
    entry: ModelEntry
    trainable: bool
    parts: dict[str, str]


def make_plan(spec: BenchmarkSpec, catalog: Catalog) -> Plan:
    """Plan a checked spec.

    Raises
    ------
    InputError
        With every problem of every task and model.
    """
    problems: list[Problem] = []
    tasks: dict[str, Task] = {}
    models: list[_Model] = []
    levels: dict[str, tuple[float, ...]] = {}
    book = FactBook(catalog)
    for entry in spec.tasks:
        try:
            tasks[entry.name] = _task(entry, catalog, book)
        except InputError as error:
            problems += [_of(f"task '{entry.name}'", problem) for problem in error.problems]
    for model in spec.models:
        try:
            built = build_model(model, catalog)
            levels[model.name] = declared_levels(built)
            problems += _unmet(model, built, tasks)
            models.append(_Model(model, built.trainable, _model_parts(model, catalog, book)))
        except InputError as error:
            problems += [_of(f"model '{model.name}'", problem) for problem in error.problems]
    problems += metric_problems(spec, catalog)
    if problems:
        raise InputError(problems)
    sets = [list(_test_sets(task, seed, book)) for task in tasks.values() for seed in spec.seeds]
    cells = tuple(cell for of_seed in sets for model in models for cell in _cells(of_seed, model))
    return Plan(spec, tasks, cells, tuple(made for of_seed in sets for made in of_seed), levels, book.facts)


def select(cells: Sequence[Cell], only: Iterable[str]) -> list[Cell]:
    """Keep the cells that match every ``KEY=GLOB``; several globs of one key are alternatives.

    Raises
    ------
    InputError
        For an unknown key, or when nothing matches.
    """
    wanted = parsed_filters(only)
    kept = list(cells)
    for key, globs in wanted.items():
        held = {getattr(cell, key) for cell in cells}
        matching = {value for value in held if matches(value, globs)}
        kept = [cell for cell in kept if getattr(cell, key) in matching]
    if not kept:
        raise InputError(
            f"no cell matches {' '.join('--only ' + text for text in only)}",
            help="; ".join(
                f"{key}: {', '.join(sorted({str(getattr(cell, key)) for cell in cells}))}" for key in wanted
            ),
        )
    return kept


def make_task(entry: TaskEntry, catalog: Catalog) -> Task:
    """Make a task of a checked spec, for whoever has no plan."""
    return _task(entry, catalog, FactBook(catalog))


def _of(entry: str, problem: Problem) -> Problem:
    return Problem(f"{entry}: {problem.message}", problem.where, problem.source, problem.column, problem.help)


def _task(entry: TaskEntry, catalog: Catalog, book: FactBook) -> Task:
    parameters = catalog.checked("data", entry.data.use, entry.data.with_)
    data = book.add(book.component("data", entry.data.use, parameters))
    generator = catalog.build("data", entry.data.use, parameters)
    info = generator.describe()
    # The label and the task name the random stream of a shift, so they count.
    shifts = [Shift(IDENTITY, IDENTITY, 0, None, book.add({"task": entry.name, "label": IDENTITY}))]
    problems: list[Problem] = []
    for shift in entry.shifts:
        parameters = catalog.checked("shift", shift.use, shift.with_)
        facts = book.component("shift", shift.use, parameters)
        operator = catalog.build("shift", shift.use, parameters)
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
        for severity in shift.severity or ():
            label = f"{shift.label}@{severity}"
            digest = book.add({"task": entry.name, "label": label, **facts})
            shifts.append(Shift(label, shift.use, severity, operator, digest))
    if problems:
        raise InputError(problems)
    return Task(entry.name, generator, info, tuple(shifts), data)


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


def _model_parts(entry: ModelEntry, catalog: Catalog, book: FactBook) -> dict[str, str]:
    uses = {"model": entry} if entry.uncertainty is None else {"model": entry, "uncertainty": entry.uncertainty}
    return {
        kind: book.add(book.component(kind, use.use, catalog.checked(kind, use.use, use.with_)))
        for kind, use in uses.items()
    }


def _test_sets(task: Task, seed: int, book: FactBook) -> Iterator[TestSet]:
    seeded = {"data": task.digest, "seed": digest_of({"seed": seed}), "regharness": book.core}
    for shift in task.shifts:
        parts = {**seeded, "shift": shift.digest}
        yield TestSet(task.name, shift.label, seed, key_of(parts), parts)


def _cells(sets: list[TestSet], model: _Model) -> Iterator[Cell]:
    """The cells of a model on the test sets of one task and seed."""
    wanted = model.entry.tasks
    if wanted is not None and sets[0].task not in wanted:
        return
    source = ("data", "seed", "regharness") if model.trainable else ("regharness",)
    fit_key = key_of({**model.parts, **{part: sets[0].parts[part] for part in source}})
    for made in sets:
        key = key_of({"fit": fit_key, "test set": made.key})
        yield Cell(made.task, model.entry.name, made.shift, made.seed, key, fit_key, made.parts, model.parts)
