"""Own a run's folder: where things lie in it, and how to read them back. Computes nothing."""

from __future__ import annotations

import functools
import io
import itertools
import json
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pydantic
import xarray as xr
from ruamel.yaml import YAML
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import MemoryStore

from regharness import dims
from regharness.board_reading import from_json
from regharness.catalog import load_catalog
from regharness.comparison import compare
from regharness.cube import CUBES, open_cube
from regharness.errors import InputError, unknown_name
from regharness.integrity import examine
from regharness.leaderboard import build, matrix
from regharness.records import Name, cell_records, test_set_records
from regharness.render import BoardView
from regharness.run_blocks import has_blocks, run_on_blocks
from regharness.run_view import to_html, to_line
from regharness.score_tables import metric_names, pick_metric
from regharness.spec import BenchmarkSpec, MetricEntry
from regharness.storage import Place, place, read, write_whole
from regharness.whole_folders import whole_files
from regharness.yaml_source import parse

SPEC = "spec.yaml"
PROVENANCE = "run.json"
SCORES = "scores.zarr"
BLOCKS = "blocks.zarr"
LEADERBOARD = "leaderboard.json"

_FAILURE = (dims.TASK, dims.MODEL, dims.SHIFT, dims.SEED)


class Run:
    """A run in its folder, on this machine or behind a URL.

    Attributes
    ----------
    folder
        Where it lies.
    spec
        The resolved spec it was last run with.
    """

    def __init__(self, folder: Place, spec: BenchmarkSpec) -> None:
        self.folder = folder
        self.spec = spec

    def __repr__(self) -> str:
        return to_line(self)

    def _repr_html_(self) -> str:
        return to_html(self)

    @property
    def name(self) -> str:
        """The spec's name."""
        return self.spec.name

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks, in the spec's order."""
        return [task.name for task in self.spec.tasks]

    def shifts(self, task: str) -> list[str]:
        """Labels of a task's shifts, ``identity`` first."""
        entry = next(entry for entry in self.spec.tasks if entry.name == task)
        return [dims.IDENTITY] + [
            f"{shift.label}@{severity}" for shift in entry.shifts for severity in shift.severity or ()
        ]

    def models(self, task: str) -> list[str]:
        """Names of the models that take part in a task, in the spec's order."""
        return [model.name for model in self.spec.models if model.tasks is None or task in model.tasks]

    @property
    def labels(self) -> dict[str, list[Any]]:
        """All tasks, models, shifts and seeds, in the spec's order."""
        return {
            dims.TASK: self.tasks,
            dims.MODEL: [model.name for model in self.spec.models],
            dims.SHIFT: list(dict.fromkeys(shift for task in self.tasks for shift in self.shifts(task))),
            dims.SEED: list(self.spec.seeds),
        }

    @property
    def cubes(self) -> dict[str, xr.Dataset]:
        """Task to its cube."""
        return {task: self.cube(task) for task in self.tasks}

    def cube(self, task: str) -> xr.Dataset:
        """A task's predictions and targets, lazily opened, in the spec's order.

        Cells of models, shifts and seeds that the spec no longer names stay on disk and are left out here. A cell
        that is damaged, or whose test set is, counts as missing.
        """
        if task not in self.tasks:
            message, choices = unknown_name("task", task, self.tasks, listed="tasks")
            raise InputError(message, help=choices)
        path = self.folder / CUBES / f"{task}.zarr"
        if read(path / "zarr.json") is None:
            raise InputError(f"{self.folder} has no cube of task '{task}' yet", help="run its spec again")
        hurt = self._hurt(task)
        labels: dict[str, list[Any]] = {
            "model": self.models(task),
            "shift": self.shifts(task),
            "seed": list(self.spec.seeds),
        }
        opened = open_cube(path)
        for name, wanted in labels.items():
            lacking = set(wanted) - set(opened[name].values.tolist() if name in opened.coords else ())
            if lacking:
                raise InputError(
                    f"the cube of task '{task}' in {self.folder} has no {name} {min(lacking)} yet",
                    help="a run was stopped before it could begin with it; run its spec again",
                )
        cube: xr.Dataset = opened.sel(labels)
        if hurt:
            status = cube[dims.STATUS].load()
            for model, shift, seed in itertools.product(*labels.values()):
                if {(task, model, shift, seed), (task, shift, seed)} & hurt:
                    status.loc[{"model": model, "shift": shift, "seed": seed}] = dims.MISSING
        return cube.sortby(dims.QUANTILE) if dims.QUANTILE in cube.dims else cube

    def _hurt(self, task: str) -> set[Name]:
        """Names of cells and test sets that are known to be damaged, or that a quick look finds so."""
        cells, test_sets = cell_records(self.folder), test_set_records(self.folder)
        damages = examine(self.folder, task, cells, test_sets, deep=False)
        files = [damage for damage in damages if damage.what == "file"]
        if files:
            raise InputError(
                f"{files[0].file} of the cube of task '{task}' is {files[0].reason}",
                help="'regharness run' of its spec mends it",
            )
        known = [record.name for records in (cells, test_sets) for record in records if record.status == "damaged"]
        return {damage.name for damage in damages} | set(known)

    @functools.cached_property
    def scores(self) -> xr.Dataset:
        """Every metric, dims task x model x shift x seed x output, loaded."""
        scores = _stored(self.folder / SCORES)
        if scores is None:
            raise InputError(f"{self.folder} has no scores yet", help=f"regharness score {self.folder}")
        return scores

    @functools.cached_property
    def provenance(self) -> dict[str, Any]:
        """Versions, host facts, timings and what ran each model."""
        try:
            found: dict[str, Any] = json.loads(read(self.folder / PROVENANCE) or b"{}")
        except ValueError:
            # The next run that computes something writes it anew.
            return {}
        return found

    @property
    def task_infos(self) -> dict[str, dict[str, Any]]:
        """Task to what its data are: outputs, unit, length, sizes, warnings."""
        infos: dict[str, dict[str, Any]] = self.provenance.get("tasks", {})
        return infos

    @functools.cached_property
    def failures(self) -> list[dict[str, Any]]:
        """Cells that failed: task, model, shift, seed and the reason."""
        records, test_sets, failed = cell_records(self.folder), test_set_records(self.folder), []
        for task in self.tasks:
            labels = (self.models(task), self.shifts(task), self.spec.seeds)
            status = self.cube(task)[dims.STATUS].values
            for m, s, k in np.argwhere(status == dims.FAILED):
                record = records.last(task, labels[0][m], labels[1][s], labels[2][k])
                if record is None:
                    continue
                reason = record.reason
                test_set = test_sets.last(task, record.shift, record.seed)
                if record.status == "done" and test_set is not None:
                    reason = f"its test set was not stored: {test_set.reason}"
                failed.append({**dict(zip(_FAILURE, record.name, strict=True)), "reason": reason})
        return failed

    @functools.cached_property
    def scored_blocks(self) -> xr.Dataset:
        """What blocks of examples contribute to the metrics that the spec ranks by and shows, loaded."""
        stored = _stored(self.folder / BLOCKS)
        return xr.Dataset() if stored is None else stored

    def blocks(self, metric: str) -> xr.Dataset | None:
        """What blocks of examples contribute to a metric, dims task x model x shift x seed x block.

        Computed from the predictions where scoring did not. None for a metric to which blocks cannot contribute: one
        that compares shifts, or gives a curve.
        """
        if metric in self.scored_blocks:
            return self.scored_blocks
        entry = next((entry for entry in self.spec.metrics if entry.label == metric), MetricEntry(use=metric))
        made = load_catalog().create("metric", entry.use, entry.with_)
        return run_on_blocks(self.cubes, {metric: made}, self.labels) if has_blocks(made) else None

    @functools.cached_property
    def last_board(self) -> BoardView | None:
        """The leaderboard that was made when the run was last scored; None if there is none that can be read."""
        try:
            return BoardView(from_json(read(self.folder / LEADERBOARD) or b""))
        except ValueError:
            return None

    def leaderboard(
        self, rank_by: str | None = None, tasks: Sequence[str] | None = None, columns: Sequence[str] | None = None
    ) -> BoardView:
        """Models ranked, by the spec's metric or another; renders in a terminal and in a notebook.

        `columns` are the other metrics to show, in place of the spec's.
        """
        metric = pick_metric(self.scores, rank_by, by_shift=False)
        scored = metric_names(self.scores)
        chosen = [name for name in self.spec.leaderboard.columns if name in scored] if columns is None else columns
        blocks, failures = self.blocks(metric), self.failures
        return BoardView(
            build(self.scores, rank_by=metric, tasks=tasks, columns=chosen, blocks=blocks, failures=failures)
        )

    def matrix(
        self, by: Literal["shift", "severity"], metric: str | None = None, tasks: Sequence[str] | None = None
    ) -> BoardView:
        """One metric of every model, by shift or by severity."""
        name = pick_metric(self.scores, metric)
        return BoardView(matrix(self.scores, by, metric=name, tasks=tasks, blocks=self.blocks(name)))

    def compare(
        self, first: str, second: str, metric: str | None = None, tasks: Sequence[str] | None = None
    ) -> BoardView:
        """Two models, paired by seed and examples: differences with intervals and tests, by shift and over all."""
        name = pick_metric(self.scores, metric)
        return BoardView(compare(self.scores, [first, second], metric=name, tasks=tasks, blocks=self.blocks(name)))


def open_run(path: Place | str) -> Run:
    """Open a run's folder: a path, a URL such as ``s3://bucket/run``, or a zip file with a run in it.

    Raises
    ------
    InputError
        When there is none.
    """
    folder = place(path)
    try:
        spec = BenchmarkSpec.model_validate(_spec_value(folder))
    except pydantic.ValidationError:
        raise InputError(
            f"{folder / SPEC} is not the spec of a run", help="put back what a run had written there"
        ) from None
    return Run(folder, spec)


def write_spec(folder: Place, spec: BenchmarkSpec) -> None:
    """Write the resolved spec of a run."""
    text = io.StringIO()
    yaml = YAML(typ="rt", pure=True)
    yaml.dump(spec.dump(), text)
    write_whole(folder / SPEC, text.getvalue().encode())


def read_spec_name(folder: Place) -> str:
    """The name of the spec whose run lies in `folder`."""
    value = _spec_value(folder)
    return str(value.get("name", "")) if isinstance(value, dict) else ""


def _spec_value(folder: Place) -> Any:
    content = read(folder / SPEC)
    if content is None:
        raise InputError(f"no run at {folder}", help="'regharness run SPEC' makes one, in runs/<spec name>")
    try:
        return _parsed(content.decode(), str(folder / SPEC))
    except UnicodeDecodeError as error:
        raise InputError(f"{folder / SPEC} is not UTF-8 text: {error.reason} at byte {error.start}") from None


@functools.lru_cache(maxsize=1)
def _parsed(text: str, shown: str) -> Any:
    """What a spec holds, not to be changed; a run asks for its own several times."""
    return parse(text, shown).value


def _stored(at: Place) -> xr.Dataset | None:
    """A dataset that scoring stored, loaded; None if there is no whole one."""
    files = whole_files(at)
    if files is None:
        return None
    # All of one scoring: what is replaced while it is read cannot be mixed with what replaces it.
    held = MemoryStore({name: default_buffer_prototype().buffer.from_bytes(data) for name, data in files.items()})
    opened: xr.Dataset = xr.open_zarr(held, chunks=None)  # type: ignore[no-untyped-call,unused-ignore]
    return opened.load()
