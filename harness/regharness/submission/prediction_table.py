"""Turn a table of predictions into what a submission holds, or say everything that is wrong with it, by rows.

Nothing is filled in and nothing left out: an example without a prediction is a problem of the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from regharness import dims
from regharness.errors import InputError, Problem
from regharness.submission.benchmark import BenchmarkTask
from regharness.submission.row_matching import Matched, match
from regharness.submission.table_columns import PARTS, VARIABLES, Columns, ValueColumn, understood
from regharness.submission.table_files import Table, read_table
from regharness.submission.template_reading import Template
from regharness.submission.values import LARGEST, LEAST_SD

What = tuple[str, float]
"""Kind of a column, and its level."""

_TINY = np.finfo(np.float32).tiny
_LEAST = np.nextafter(np.float32(LEAST_SD**2), np.float32(1))
_LIMITS: dict[str, tuple[float, float, str]] = {
    "mean": (-LARGEST, LARGEST, f"means lie within {LARGEST:g}"),
    "quantile": (-LARGEST, LARGEST, f"quantiles lie within {LARGEST:g}"),
    "sd": (LEAST_SD, LARGEST, f"standard deviations are from {LEAST_SD:g} to {LARGEST:g}"),
    "variance": (LEAST_SD**2, LARGEST**2, f"variances are from {LEAST_SD**2:g} to {LARGEST**2:g}"),
    **dict.fromkeys(PARTS, (0.0, LARGEST**2, f"parts of a variance are from 0 to {LARGEST**2:g}")),
}
"""Kind to the least and the largest value, and how to say so."""


def read_predictions(path: Path, template: Template, slug: str) -> dict[str, xr.Dataset]:
    """The predictions of a table.

    Parameters
    ----------
    path
        ``.csv``, ``.csv.gz`` or ``.parquet``.
    template
        Which examples there are.
    slug
        What the model is called.

    Returns
    -------
    dict
        Task to ``mean`` and, where there are, variances and quantiles: dims model x shift x seed x example x output,
        float32, with ``n_examples``; padding is NaN.

    Raises
    ------
    InputError
        With everything that is wrong.
    """
    table = read_table(path)
    columns, problems = understood(list(table.frame.columns), template.tasks, len(template.benchmark.seeds))
    if not any(problem.message.startswith("there is no column") for problem in problems):
        matched = match(table, template, columns)
        problems += matched.problems
        values = _Values(table, template, columns, matched)
        problems += values.problems
    if problems:
        raise InputError([Problem(one.message, where=str(path), help=one.help) for one in problems])
    return {task.name: values.cube(place, task, slug) for place, task in enumerate(template.tasks) if values.has(place)}


class _Values:
    """The numbers of a table, in the order of the template."""

    def __init__(self, table: Table, template: Template, columns: Columns, matched: Matched) -> None:
        self._table, self._template, self._matched = table, template, matched
        self._tasks = template.tasks
        self.problems: list[Problem] = []
        shape = len(template.ids), max(len(task.outputs) for task in self._tasks)
        self._held: dict[What, NDArray[np.float32]] = {}
        self._given: dict[What, set[int]] = {}
        self._row = np.full(shape, -1)
        for column in columns.values:
            self._held.setdefault(column.what, np.full(shape, np.nan, np.float32))
            self._given.setdefault(column.what, set())
        numbers = {column.name: self._numbers(column) for column in columns.values}
        for column in columns.values:
            self._take(column, numbers[column.name])
        for column in columns.values:
            self._gaps(column, numbers[column.name])
        self._columns_missing(columns)
        self._order()
        self._totals()

    def has(self, task: int) -> bool:
        """Whether the table predicts a task."""
        return bool((self._matched.task == task).any())

    def cube(self, place: int, task: BenchmarkTask, slug: str) -> xr.Dataset:
        """The predictions of a task."""
        seeds = list(self._template.benchmark.seeds)
        cells = {(cell.shift, cell.seed): cell.rows for cell in self._template.cells if cell.task == task.name}
        sizes = np.array([[cells[s, k].stop - cells[s, k].start for k in seeds] for s in task.shifts])
        levels = sorted(level for (kind, level), given in self._given.items() if kind == "quantile" and place in given)

        def laid(what: What) -> NDArray[np.float32]:
            found = np.full((1, *sizes.shape, sizes.max(), len(task.outputs)), np.nan, np.float32)
            for s, shift in enumerate(task.shifts):
                for k, seed in enumerate(seeds):
                    found[0, s, k, : sizes[s, k]] = self._held[what][cells[shift, seed], : len(task.outputs)]
            return found

        coords: dict[str, Any] = {
            dims.MODEL: [slug],
            dims.SHIFT: task.shifts,
            dims.SEED: seeds,
            dims.OUTPUT: task.outputs,
        }
        parts: dict[str, Any] = {
            VARIABLES[kind]: (dims.PREDICTED, laid((kind, level)))
            for (kind, level), given in self._given.items()
            if kind != "quantile" and place in given
        }
        if levels:
            parts[dims.QUANTILES] = dims.QUANTILED, np.stack([laid(("quantile", level)) for level in levels], axis=-1)
            coords[dims.QUANTILE] = levels
        return xr.Dataset({**parts, dims.N_EXAMPLES: ((dims.SHIFT, dims.SEED), sizes)}, coords)

    def _numbers(self, column: ValueColumn) -> NDArray[np.float64]:
        given = self._table.frame[column.name]
        numbers = pd.to_numeric(given, errors="coerce")
        words = numbers.isna() & given.notna()
        self._tell(words.to_numpy(bool), f"'{column.name}' is no number", "write numbers with a point, such as 0.5")
        return np.asarray(numbers, np.float64)

    def _outputs(self, column: ValueColumn) -> NDArray[np.int64]:
        """``(row,)`` place of the output that a column is of; -1 where the row's task has no such output."""
        if column.output is None:
            assert self._matched.output is not None
            return self._matched.output
        places = [task.outputs.index(column.output) if column.output in task.outputs else -1 for task in self._tasks]
        return np.array([*places, -1])[self._matched.task]

    def _take(self, column: ValueColumn, numbers: NDArray[np.float64]) -> None:
        output, slot = self._outputs(column), self._matched.slot
        there = (slot >= 0) & (output >= 0)
        filled = ~np.isnan(numbers)
        # Without an output a row has been told of already.
        if column.output is not None:
            beyond = filled & (self._matched.task >= 0) & (output < 0)
            self._tell(beyond, f"'{column.name}' is given, and the task has no such output", "leave it empty there")
        self._given[column.what] |= set(np.unique(self._matched.task[there & filled]).tolist())
        self._limits(column, numbers, there)
        with np.errstate(over="ignore"):
            found = np.where(column.kind == "sd", numbers**2, numbers).astype(np.float32)
        # A number of fewer digits than its format has is nothing but zero, and the least one stays the least.
        found[np.abs(found) < _TINY] = 0
        if column.kind in ("sd", "variance"):
            found[found == np.float32(LEAST_SD**2)] = _LEAST
        self._held[column.what][slot[there], output[there]] = found[there]
        self._row[slot[there], output[there]] = np.flatnonzero(there)

    def _limits(self, column: ValueColumn, numbers: NDArray[np.float64], there: NDArray[np.bool_]) -> None:
        least, largest, told = _LIMITS[column.kind]
        with np.errstate(invalid="ignore"):
            infinite = there & np.isinf(numbers)
            negative = there & (numbers < 0) & ~infinite & (least >= 0)
            outside = there & ((numbers < least) | (numbers > largest)) & ~infinite & ~negative
        self._tell(infinite, f"'{column.name}' is infinite", told)
        self._tell(negative, f"'{column.name}' is negative", told)
        small = column.kind in ("sd", "variance")
        self._tell(outside, f"'{column.name}' is too {'small or too large' if small else 'large'}", told)

    def _gaps(self, column: ValueColumn, numbers: NDArray[np.float64]) -> None:
        """Tell what is missing of a column, in tasks that have any of its kind; of means, in all."""
        given = np.zeros(len(self._tasks) + 1, bool)
        given[list(self._given[column.what])] = True
        if column.kind == "mean":
            given[:-1] = True
        gap = self._matched.known & given[self._matched.task] & (self._outputs(column) >= 0) & np.isnan(numbers)
        # What is no number at all has been told already.
        gap &= self._table.frame[column.name].isna().to_numpy(bool)
        self._tell(
            gap, f"'{column.name}' is empty or NaN", "predict every example, and give all rows or none an uncertainty"
        )

    def _columns_missing(self, columns: Columns) -> None:
        """Tell outputs that have no column of a kind, in tasks in which others have one."""
        named = {(column.what, column.output) for column in columns.values if column.output is not None}
        if not named:
            return
        for what, given in self._given.items():
            answered = [place for place in range(len(self._tasks)) if self.has(place)]
            for place in answered if what[0] == "mean" else sorted(given):
                task = self._tasks[place]
                kind = f"q{what[1]:g}" if what[0] == "quantile" else what[0]
                lacking = [f"'{kind}:{output}'" for output in task.outputs if (what, output) not in named]
                if lacking:
                    told = f"task '{task.name}' has the outputs {', '.join(task.outputs)}, and there is no column "
                    self.problems.append(Problem(told + ", ".join(lacking), help="give each output a column"))

    def _order(self) -> None:
        """Tell quantiles that are below one of a lower level."""
        levels = sorted(level for kind, level in self._held if kind == "quantile")
        for low, high in pairwise(levels):
            with np.errstate(invalid="ignore"):
                falling = self._held["quantile", high] < self._held["quantile", low]
            self._tell(
                self._rows_of(falling), f"'q{high:g}' is below 'q{low:g}'", "quantiles do not fall as levels rise"
            )

    def _totals(self) -> None:
        """Tell parts of a variance that are nothing together."""
        parts = [self._held[part, 0.0] for part in PARTS if (part, 0.0) in self._held]
        if parts:
            total = np.nansum([part.astype(np.float64) for part in parts], axis=0)
            there = np.any([~np.isnan(part) for part in parts], axis=0) & (np.min(parts, axis=0) >= 0)
            remedy = f"a standard deviation is at least {LEAST_SD:g}"
            self._tell(self._rows_of(there & (total < LEAST_SD**2)), "the variances are nothing together", remedy)

    def _rows_of(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The rows of the table that gave some numbers of the template's."""
        found = np.zeros(len(self._table.frame), bool)
        found[self._row[mask & (self._row >= 0)]] = True
        return found

    def _tell(self, mask: NDArray[np.bool_], told: str, remedy: str) -> None:
        if mask.any():
            self.problems.append(Problem(f"{self._table.rows(mask)}: {told}", help=remedy))


def ids_of(template: Template, tasks: Mapping[str, xr.Dataset]) -> dict[str, xr.DataArray]:
    """Task to the ids of its test sets, dims shift x seed x example."""
    found = {}
    for name, cube in tasks.items():
        ids = np.full((cube.sizes[dims.SHIFT], cube.sizes[dims.SEED], cube.sizes[dims.EXAMPLE]), "", dtype=object)
        shifts, seeds = cube[dims.SHIFT].values.tolist(), cube[dims.SEED].values.tolist()
        for cell in template.cells:
            if cell.task == name:
                rows = template.ids[cell.rows]
                ids[shifts.index(cell.shift), seeds.index(cell.seed), : len(rows)] = rows
        found[name] = xr.DataArray(ids, dims=(dims.SHIFT, dims.SEED, dims.EXAMPLE))
    return found
