"""Own which data a shift is shown on: those of a spec's task, or small ones that need nothing. Shifts nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from regharness.catalog import Catalog
from regharness.errors import InputError, unknown_name
from regharness.interfaces import DataGenerator, ShiftOperator
from regharness.spec import ShiftEntry
from regharness.spec_loading import load

SMALL = {"train": 2, "calibration": 2, "test": 4000}
"""Examples that a generator is asked for; a shift looks at nothing but the test set."""


@dataclass(frozen=True)
class Stage:
    """A shift and data to show it on.

    Attributes
    ----------
    label
        What the shift is called: as in the spec, or the operator's name.
    operator
        At the severities to show.
    generator
        Of the data.
    task
        A name for the data: of the spec's task, or of the generator.
    parameters
        What the operator was given.
    """

    label: str
    operator: ShiftOperator
    generator: DataGenerator
    task: str
    parameters: dict[str, Any]


def stage(catalog: Catalog, name: str, data: str | None = None, given: dict[str, Any] | None = None) -> Stage:
    """Find data for a shift.

    Parameters
    ----------
    catalog
        What is installed.
    name
        A shift operator.
    data
        ``SPEC`` or ``SPEC:TASK``; the shift's parameters and severities are then those of its first entry in
        the task, where it has one. If left out: small data of a generator that is asked how many test examples
        it should make, of the operator's own plugin if there is one, else of the first that offers what the
        operator needs.
    given
        Parameters of the shift where no spec gives them.

    Raises
    ------
    InputError
        When the spec, the task or the operator's parameters are wrong, or no generator fits.
    """
    return _of_spec(catalog, name, data) if data else _small(catalog, name, given or {})


def _of_spec(catalog: Catalog, name: str, data: str) -> Stage:
    spec_name, task_name = data, ""
    head, colon, tail = data.rpartition(":")
    if colon and "/" not in tail and "\\" not in tail:
        spec_name, task_name = head, tail
    tasks = {task.name: task for task in load(spec_name, catalog).tasks}
    if not task_name and len(tasks) > 1:
        raise InputError(
            f"{spec_name} has {len(tasks)} tasks", help=f"name one: {', '.join(f'{spec_name}:{t}' for t in tasks)}"
        )
    if task_name and task_name not in tasks:
        message, choices = unknown_name("task", task_name, tasks, listed=f"tasks of {spec_name}")
        raise InputError(message, help=choices)
    task = tasks[task_name] if task_name else next(iter(tasks.values()))
    generator = catalog.create("data", task.data.use, task.data.with_)
    entry = next((entry for entry in task.shifts if entry.use == name), ShiftEntry(use=name))
    operator: ShiftOperator = catalog.create("shift", name, entry.with_)
    if entry.severity:
        operator.severities = tuple(entry.severity)
    return Stage(entry.label, operator, generator, task.name, entry.with_)


def _small(catalog: Catalog, name: str, given: dict[str, Any]) -> Stage:
    required = [field for field in _required(catalog, "shift", name) if field not in given]
    if required:
        raise InputError(
            f"shift operator '{name}' needs {', '.join(required)}, which has no default",
            help="name a spec whose task has the shift: --data SPEC[:TASK]",
        )
    operator: ShiftOperator = catalog.create("shift", name, given)
    for use in _preferred(catalog, name):
        fields = catalog.parameters("data", use).model_fields
        generator = catalog.create("data", use, {split: size for split, size in SMALL.items() if split in fields})
        if operator.needs <= generator.describe().offers:
            return Stage(name, operator, generator, use, given)
    needs = ", ".join(sorted(operator.needs))
    raise InputError(
        f"no installed data generator of small data offers what shift operator '{name}' needs: {needs}",
        help="name a spec whose task's data do: --data SPEC[:TASK]",
    )


def _preferred(catalog: Catalog, shift: str) -> list[str]:
    """Generators that can make small data by themselves, those of the shift's own plugin first."""
    plugin = catalog.owner("shift", shift).name
    names = [use for use in catalog.names("data") if _makes_small(catalog, use)]
    return sorted(names, key=lambda use: catalog.owner("data", use).name != plugin)


def _makes_small(catalog: Catalog, use: str) -> bool:
    # One that takes a number of test examples draws them; the others read or download what there is.
    test = catalog.parameters("data", use).model_fields.get("test")
    return test is not None and test.annotation is int and not _required(catalog, "data", use)


def _required(catalog: Catalog, kind: str, name: str) -> list[str]:
    fields = catalog.parameters(kind, name).model_fields
    return [field.alias or key for key, field in fields.items() if field.is_required()]
