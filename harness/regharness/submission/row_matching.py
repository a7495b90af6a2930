"""Find the example that each row of a table is of, whatever the order of rows. Looks at no prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regharness.errors import Problem, unknown_name
from regharness.submission.table_columns import OUTPUT, Columns
from regharness.submission.table_files import Table
from regharness.submission.template_reading import Template

MOST_TOLD = 8
"""Of problems of one kind, so many are told one by one."""

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Matched:
    """Where the rows of a table belong.

    Attributes
    ----------
    slot
        ``(row,)`` place in the template; -1 where there is none.
    task
        ``(row,)`` place in `Template.tasks`; -1 where it is unknown.
    output
        ``(row,)`` place among the outputs of the row's task, where a row is of one output; None where it is of all.
    problems
        Everything that is wrong with them.
    """

    slot: Codes
    task: Codes
    output: Codes | None
    problems: list[Problem]

    @property
    def known(self) -> NDArray[np.bool_]:
        """``(row,)``: rows that belong somewhere."""
        there: NDArray[np.bool_] = self.slot >= 0
        return there if self.output is None else there & (self.output >= 0)


def match(table: Table, template: Template, columns: Columns) -> Matched:
    """Match the rows of a table with the examples of a template."""
    return _Matching(table, template, columns).match()


class _Matching:
    def __init__(self, table: Table, template: Template, columns: Columns) -> None:
        self._table, self._template, self._columns = table, template, columns
        self._tasks, self._length = template.tasks, len(table.frame)
        self._problems: list[Problem] = []

    def match(self) -> Matched:
        tasks = [task.name for task in self._tasks]
        shifts = list(dict.fromkeys(shift for task in self._tasks for shift in task.shifts))
        seeds = list(self._template.benchmark.seeds)
        codes = self._codes("task", tasks), self._codes("shift", shifts), self._codes("seed", seeds)
        places = np.full((len(tasks) + 1, len(shifts) + 1, len(seeds) + 1), -1)
        for number, one in enumerate(self._template.cells):
            places[tasks.index(one.task), shifts.index(one.shift), seeds.index(one.seed)] = number
        # An unknown label is the last place, in which there is no cell.
        cell: Codes = places[codes]
        labelled = np.all(np.stack(codes) >= 0, axis=0)
        self._tell(
            labelled & (cell < 0), "the template has no such test set", "take task, shift and seed from inputs.csv"
        )
        slot = self._slots(cell)
        output = self._outputs(codes[0]) if any(column.output is None for column in self._columns.values) else None
        found = Matched(slot, codes[0], output, self._problems)
        self._repeated(found)
        self._missing(found)
        return found

    def _codes(self, key: str, labels: Sequence[Any]) -> Codes:
        """Place of each row's label; -1 for an unknown one."""
        if key not in self._columns.keys:
            return np.zeros(self._length, np.int64)
        given = self._table.frame[key]
        if key == "seed":
            given = pd.to_numeric(given, errors="coerce")
        codes: Codes = pd.Index(labels).get_indexer(pd.Index(given)).astype(np.int64)
        self._unknown(key, self._table.frame[key], codes < 0, labels)
        return codes

    def _unknown(self, key: str, given: pd.Series[Any], wrong: NDArray[np.bool_], labels: Sequence[Any]) -> None:
        if not wrong.any():
            return
        values = given[wrong].astype("string").fillna("")
        for value in values.unique()[:MOST_TOLD]:
            mask = wrong & (given.astype("string").fillna("") == value).to_numpy(bool)
            told, choices = unknown_name(key, str(value), map(str, labels), listed=f"{key}s of the template")
            self._tell(mask, told if value else f"there is no {key}", choices)
        if values.nunique() > MOST_TOLD:
            self._problems.append(Problem(f"{values.nunique() - MOST_TOLD:,} other {key}s are unknown"))

    def _slots(self, cell: Codes) -> Codes:
        """Place of each row in the template."""
        ids = self._template.ids
        names, held = pd.factorize(ids)
        of_row = np.concatenate(
            [np.full(one.rows.stop - one.rows.start, n) for n, one in enumerate(self._template.cells)]
        )
        known = pd.Index(of_row * len(held) + names)
        codes = pd.Index(held).get_indexer(pd.Index(self._table.frame["id"]))
        wanted = np.where((cell >= 0) & (codes >= 0), cell * len(held) + codes, -1)
        slot: Codes = known.get_indexer(pd.Index(wanted)).astype(np.int64)
        remedy = f"ids are those of inputs.csv, such as '{ids[0]}'"
        self._tell((codes < 0), "there is no such id", remedy)
        self._tell((codes >= 0) & (cell >= 0) & (slot < 0), "the id is not one of this test set", remedy)
        return slot

    def _outputs(self, task: Codes) -> Codes:
        """Place of each row's output among those of its task."""
        labels = list(dict.fromkeys(output for one in self._tasks for output in one.outputs))
        if OUTPUT not in self._columns.keys:
            several = np.array([len(one.outputs) > 1 for one in self._tasks] + [False])
            remedy = f"add a column 'output', or name columns such as mean:{labels[0]}, mean:{labels[-1]}"
            self._tell(several[task], "the task has several outputs, and nothing says which", remedy)
            return np.where(several[task], -1, 0)
        codes = self._codes(OUTPUT, labels)
        places = np.full((len(self._tasks) + 1, len(labels) + 1), -1)
        for number, one in enumerate(self._tasks):
            places[number, [labels.index(output) for output in one.outputs]] = range(len(one.outputs))
        found: Codes = places[task, codes]
        self._tell((task >= 0) & (codes >= 0) & (found < 0), "the task has no such output", "see benchmark.json")
        return found

    def _repeated(self, found: Matched) -> None:
        key = found.slot if found.output is None else found.slot * self._widest + found.output
        again = found.known & pd.Series(np.where(found.known, key, -1)).duplicated().to_numpy()
        self._tell(again, "the example has a row already", "give each example one row")

    def _missing(self, found: Matched) -> None:
        """Tell the examples without a row, of the tasks that have any."""
        seen = np.zeros((len(self._template.ids), self._widest), bool)
        seen[found.slot[found.known], slice(None) if found.output is None else found.output[found.known]] = True
        left: list[Problem] = []
        for place, task in enumerate(self._tasks):
            if not (found.task == place).any():
                continue
            lacking = self._template.lacking(task)
            if lacking:
                told = f"the template is a part, without {lacking[0]} of task '{task.name}'"
                self._problems.append(
                    Problem(told, help="a submission is of whole tasks: give a template of the whole")
                )
                continue
            for cell in self._template.cells:
                if cell.task == task.name:
                    left += self._without(
                        f"task '{task.name}', {cell.shift}, seed {cell.seed}", cell.rows, seen, task.outputs
                    )
        self._problems += left[:MOST_TOLD]
        if len(left) > MOST_TOLD:
            self._problems.append(Problem(f"{len(left) - MOST_TOLD:,} other test sets lack rows"))
        if not self._length:
            self._problems.append(Problem("the table has no rows"))

    def _without(self, where: str, rows: slice, seen: NDArray[np.bool_], outputs: Sequence[str]) -> list[Problem]:
        empty: NDArray[np.bool_] = np.logical_not(seen[rows, : len(outputs)])
        lacking: NDArray[np.bool_] = np.asarray(np.any(empty, axis=1), dtype=bool)
        if not lacking.any():
            return []
        names = [f"'{name}'" for name in self._template.ids[rows][lacking][:3]]
        number = int(lacking.sum())
        more = f", and {number - 3:,} more" if number > 3 else ""
        which = [output for output, column in zip(outputs, empty.T, strict=True) if column.any()]
        of = f" of output {', '.join(which)}" if len(which) < len(outputs) else ""
        told = f"{where}: no row{of} for {number:,} of {len(lacking):,} examples: {', '.join(names)}{more}"
        return [Problem(told, help="predict every example of a task, or leave the task out")]

    @property
    def _widest(self) -> int:
        return max(len(task.outputs) for task in self._tasks)

    def _tell(self, mask: NDArray[np.bool_], told: str, remedy: str) -> None:
        if mask.any():
            self._problems.append(Problem(f"{self._table.rows(mask)}: {told}", help=remedy))
