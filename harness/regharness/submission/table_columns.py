"""Own what the columns of a table of predictions are called and mean. Reads no row."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from regharness import dims
from regharness.errors import Problem
from regharness.quantiles import level_label, level_problem
from regharness.submission.benchmark import BenchmarkTask
from regharness.submission.template import KEYS

OUTPUT = "output"
IGNORED = ("sequence",)
"""Columns of a template that a table may keep."""
VARIABLES = {
    "mean": dims.MEAN,
    "sd": dims.VARIANCE,
    "variance": dims.VARIANCE,
    "aleatoric_variance": dims.ALEATORIC,
    "epistemic_variance": dims.EPISTEMIC,
}
"""Name of a column to what a submission calls it; quantiles, q0.05 and the like, beside."""

PARTS = ("aleatoric_variance", "epistemic_variance")
"""Of a variance."""

_QUANTILE = re.compile(r"q(0?\.\d+)")


@dataclass(frozen=True)
class ValueColumn:
    """A column of predictions.

    Attributes
    ----------
    name
        As the table has it.
    kind
        A key of `VARIABLES`, or ``"quantile"``.
    output
        Which output it is of; None for the one of its row.
    level
        Of a quantile.
    """

    name: str
    kind: str
    output: str | None
    level: float = 0.0

    @property
    def what(self) -> tuple[str, float]:
        """What it holds, whatever the output."""
        return self.kind, self.level


@dataclass(frozen=True)
class Columns:
    """The columns of a table.

    Attributes
    ----------
    keys
        Those that say which example a row is of.
    values
        Those that hold predictions.
    """

    keys: tuple[str, ...]
    values: tuple[ValueColumn, ...]


def understood(names: Sequence[str], tasks: Sequence[BenchmarkTask], seeds: int) -> tuple[Columns, list[Problem]]:
    """What the columns of a table mean, and everything that is wrong with them.

    Parameters
    ----------
    names
        As the table has them.
    tasks
        That it may answer to.
    seeds
        How many there are.
    """
    keys = tuple(name for name in (*KEYS, OUTPUT) if name in names)
    outputs = list(dict.fromkeys(output for task in tasks for output in task.outputs))
    values, problems = [], []
    for name in names:
        column = _value_column(name, outputs)
        if column is not None:
            values.append(column)
        elif name not in (*keys, *IGNORED):
            problems.append(_unknown(name, outputs))
    problems += _missing(keys, values, tasks, seeds)
    problems += _at_odds(keys, values)
    return Columns(keys, tuple(values)), problems


def _value_column(name: str, outputs: Sequence[str]) -> ValueColumn | None:
    kind, colon, output = name.partition(":")
    if colon and output not in outputs:
        return None
    of = output if colon else None
    if kind in VARIABLES:
        return ValueColumn(name, kind, of)
    level = _QUANTILE.fullmatch(kind)
    return None if level is None else ValueColumn(name, "quantile", of, level_label(float(level[1])))


def _unknown(name: str, outputs: Sequence[str]) -> Problem:
    known = [*KEYS, OUTPUT, *VARIABLES, "q0.05", *(f"{kind}:{output}" for kind in VARIABLES for output in outputs)]
    close = difflib.get_close_matches(name.strip().lower(), [one.lower() for one in known], n=1)
    near = next((one for one in known if close and one.lower() == close[0]), None)
    told = f"no column is called '{name}'" + (f"; did you mean '{near}'?" if near else "")
    remedy = f"columns: {', '.join([*KEYS, OUTPUT, *VARIABLES])}, q0.05 and other quantiles"
    if name == "" or name.startswith("Unnamed: "):
        remedy = "write the table without its index: to_csv(..., index=False)"
    elif ";" in name or "\t" in name:
        remedy = "separate columns by commas"
    elif len(outputs) > 1:
        remedy += f"; each also as mean:{outputs[0]}"
    return Problem(told, help=remedy)


def _missing(
    keys: Sequence[str], values: Sequence[ValueColumn], tasks: Sequence[BenchmarkTask], seeds: int
) -> Iterator[Problem]:
    several = {
        "id": True,
        "task": len(tasks) > 1,
        "shift": any(len(task.shifts) > 1 for task in tasks),
        "seed": seeds > 1,
    }
    for name, needed in several.items():
        if needed and name not in keys:
            yield Problem(f"there is no column '{name}'", help="take it from inputs.csv of the template")
    if not any(column.kind == "mean" for column in values):
        yield Problem("there is no column 'mean'", help="the prediction; or 'mean:OUTPUT' for each of several outputs")


def _at_odds(keys: Sequence[str], values: Sequence[ValueColumn]) -> Iterator[Problem]:
    """Columns that say the same thing twice."""
    named = [column.name for column in values if column.output is not None]
    plain = [column.name for column in values if column.output is None]
    if named and (plain or OUTPUT in keys):
        other = f"'{plain[0]}' does not" if plain else "so does the column 'output'"
        yield Problem(f"'{named[0]}' names an output, and {other}", help="name the output in all, or in none")
    for one, other_one in combinations(values, 2):
        if (one.output, one.what) == (other_one.output, other_one.what):
            yield Problem(f"'{one.name}' and '{other_one.name}' are the same", help="leave one of them out")
    kinds = {column.kind for column in values}
    for one_kind, others in (("sd", ("variance", *PARTS)), ("variance", PARTS)):
        both = [kind for kind in others if kind in kinds]
        if one_kind in kinds and both:
            yield Problem(f"there are both '{one_kind}' and '{both[0]}'", help="leave one of them out")
    wrong = level_problem(sorted({column.level for column in values if column.kind == "quantile"}))
    if wrong:
        yield Problem(wrong, help="name quantiles by their level, such as q0.05")
