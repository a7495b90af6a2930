"""Read back what a template says: its benchmark, and which examples it has. Leaves the sequences alone."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydantic
from numpy.typing import NDArray

from regharness.errors import InputError
from regharness.submission.benchmark import Benchmark, BenchmarkTask
from regharness.submission.refusal import Refused
from regharness.submission.strict_json import parse
from regharness.submission.template import BENCHMARK, INPUTS, KEYS

MOST_BENCHMARK = 8_000_000


@dataclass(frozen=True)
class Cell:
    """A test set in a template: where its rows are.

    Attributes
    ----------
    rows
        Of the template, in the order of the test set.
    """

    task: str
    shift: str
    seed: int
    rows: slice


@dataclass(frozen=True)
class Template:
    """The examples that are to be predicted.

    Attributes
    ----------
    benchmark
        What they are of.
    cells
        Its test sets, each once.
    ids
        ``(row,)`` the id of each example.
    """

    benchmark: Benchmark
    cells: tuple[Cell, ...]
    ids: NDArray[Any]

    @property
    def tasks(self) -> list[BenchmarkTask]:
        """The tasks of the benchmark that are in the template."""
        held = {cell.task for cell in self.cells}
        return [task for task in self.benchmark.tasks if task.name in held]

    def lacking(self, task: BenchmarkTask) -> list[str]:
        """The test sets of a task that the template, being a part, does not have."""
        held = {(cell.shift, cell.seed) for cell in self.cells if cell.task == task.name}
        wanted = [(shift, seed) for shift in task.shifts for seed in self.benchmark.seeds]
        return [f"{shift}, seed {seed}" for shift, seed in wanted if (shift, seed) not in held]


def open_template(path: Path) -> Template:
    """A template that `regharness.submission.template.write_template` wrote.

    Raises
    ------
    InputError
        When it is none, or was changed.
    """
    remedy = "give the file that 'regharness submission template' wrote, as it is"
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(BENCHMARK).file_size > MOST_BENCHMARK:
                raise InputError(f"{BENCHMARK} in {path} is too large", help=remedy)
            benchmark = Benchmark.model_validate(parse(archive.read(BENCHMARK), BENCHMARK))
            with archive.open(INPUTS) as file:
                kinds: Any = {"task": "category", "shift": "category", "seed": np.int64, "id": str}
                rows = pd.read_csv(file, usecols=list(KEYS), dtype=kinds, keep_default_na=False)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}", help=remedy) from None
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, Refused, pydantic.ValidationError):
        raise InputError(f"{path} is no template, or was changed", help=remedy) from None
    return Template(benchmark, tuple(_cells(rows, benchmark, path, remedy)), rows["id"].to_numpy(object))


def _cells(rows: pd.DataFrame, benchmark: Benchmark, path: Path, remedy: str) -> list[Cell]:
    """The runs of rows of one test set, each as long as the benchmark says."""
    codes = np.stack([rows["task"].cat.codes, rows["shift"].cat.codes, rows["seed"]])
    starts = np.flatnonzero(np.append(len(rows) > 0, (codes[:, 1:] != codes[:, :-1]).any(axis=0))).tolist()
    found = [
        Cell(str(rows["task"].iat[a]), str(rows["shift"].iat[a]), int(rows["seed"].iat[a]), slice(a, b))
        for a, b in zip(starts, [*starts, len(rows)][1:], strict=True)
    ]
    stated = {
        (task.name, shift, entry.seed): entry.examples
        for task in benchmark.tasks
        for shift, entries in task.test_sets.items()
        for entry in entries
    }
    sizes = {(cell.task, cell.shift, cell.seed): cell.rows.stop - cell.rows.start for cell in found}
    if not found or len(sizes) != len(found) or any(stated.get(name) != size for name, size in sizes.items()):
        raise InputError(f"{INPUTS} in {path} is not as {BENCHMARK} there says", help=remedy)
    return found
