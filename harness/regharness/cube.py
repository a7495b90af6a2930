"""Own a task's zarr cube of predictions and targets: grow it, and move into it what was delivered.

One group a task; every array carries its dimension names, so that ``xarray.open_zarr`` opens it with no help. Only the
main process writes here. Knows no model and computes no score. A chunk that was never written reads as NaN, and
``status`` tells it from a prediction.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from regharness import dims, text_chunks
from regharness.cube_metadata import FORMAT, render
from regharness.deliveries import CHECKSUM, Deliveries, checksum, is_whole, parse_piece, ticket
from regharness.errors import InputError
from regharness.layout import At, Layout, Variable
from regharness.plan import Plan, Task
from regharness.records import Record, Records, TestSetRecord
from regharness.storage import Place, make_folder, move, read, remove_many, remove_tree, write_whole, zarr_store

CUBES = "cubes"
HELD = 64_000_000
"""Bytes of shared chunks that wait to be written."""


class Cube:
    """A task's cube in a run's folder.

    Parameters
    ----------
    folder
        Of the run.
    task
        Whose cube.
    layout
        Where things lie in it.

    Attributes
    ----------
    path
        The zarr group.
    written
        Path to content of the small files that are known to be there.
    """

    def __init__(self, folder: Place, task: str, layout: Layout) -> None:
        self.path = folder / CUBES / f"{task}.zarr"
        self._layout_file = layout_file(folder, task)
        self.layout = layout
        self._chunks: dict[str, bytearray] = {}
        self.written: dict[str, bytes] = {}
        self._texts: dict[str, NDArray[Any]] = {}

    def grow(self, layout: Layout) -> None:
        """Take a layout that holds more; its metadata are written by `write_metadata`."""
        if layout != self.layout:
            self.layout = layout
            self._keep_layout()

    def _keep_layout(self) -> None:
        text = self.layout.to_json().encode()
        write_whole(self._layout_file, text + b"\n")

    def begin(self) -> None:
        """Start empty."""
        remove_tree(self.path)
        make_folder(self._layout_file.parent)
        self._keep_layout()

    def store_cell(self, deliveries: Deliveries, record: Record, before: Record | None) -> bool:
        """Move a delivered cell in; whether all of it was there. Small ones are written by `flush`."""
        at = self.layout.cell(record.model, record.shift, record.seed)
        return self._store(deliveries, at, record, before)

    def store_test_set(self, deliveries: Deliveries, record: TestSetRecord, before: TestSetRecord | None) -> bool:
        """Move a delivered test set in; whether all of it was there. Small ones are written by `flush`."""
        at = self.layout.test_set(record.shift, record.seed)
        return self._store(deliveries, at, record, before)

    def blank(self, path: str, name: Sequence[Any]) -> None:
        """Let a cell or test set read as nothing in a damaged chunk, by `flush`; without a name, mend its checksum.

        Text cannot be read in parts: of such a chunk nothing is left.
        """
        variable = path.split("/")[0]
        if variable not in self.layout.variables or path.endswith("zarr.json"):
            return
        described = self.layout.variables[variable]
        if described.kind == "text":
            remove_many([self.path / path])
            return
        content = self._open(variable, path)
        if name:
            shift, seed = self.layout.test_set(*name[-2:])
            self._blank(content, described, self.layout.slot(shift, seed))

    def _blank(self, content: bytearray, variable: Variable, slot: int) -> None:
        empty = np.full(self.layout.piece_shape(variable), np.nan, variable.kind).tobytes()
        content[slot * len(empty) : (slot + 1) * len(empty)] = empty

    def flush(self) -> None:
        """Write the chunks that several cells share, of the cells that were stored since the last time."""
        chunks = {path: bytes(content) for path, content in self._chunks.items()}
        chunks.update({path: text_chunks.encode(texts) for path, texts in self._texts.items()})
        for path, content in chunks.items():
            target = self.path / path
            make_folder(target.parent)
            write_whole(target, content + checksum(content))
        self._chunks.clear()
        self._texts.clear()

    def write_metadata(self, cells: Records[Record], test_sets: Records[TestSetRecord], keys: Mapping[At, str]) -> None:
        """Write all small files; a cell whose record has another key than planned is missing.

        Parameters
        ----------
        cells, test_sets
            Records of the run.
        keys
            Place to key, of the cells that count.
        """
        task = str(self.layout.attributes["task"])
        sets = {r.name[1:]: r for r in test_sets if r.task == task and r.status != "damaged"}
        known = {label for label, _, _ in self.layout.shifts}
        rendered = render(
            self.layout,
            dict(self._statuses(cells, sets, keys, task)),
            {
                self.layout.test_set(r.shift, r.seed): (r.examples, _numbers(r.magnitudes))
                for r in sets.values()
                if r.status == "done"
                if r.shift in known and r.seed in self.layout.seeds
            },
        )
        for path, content in rendered.items():
            target = self.path / path
            if self.written.get(path) != content and read(target) != content:
                make_folder(target.parent)
                write_whole(target, content)
        self.written = rendered

    def _statuses(
        self, cells: Records[Record], sets: Mapping[Any, TestSetRecord], keys: Mapping[At, str], task: str
    ) -> Iterable[tuple[At, tuple[int, str]]]:
        for record in cells:
            if record.task != task or record.model not in self.layout.models:
                continue
            at = self.layout.cell(record.model, record.shift, record.seed)
            if keys.get(at) != record.key or record.status == "damaged":
                continue
            if record.status == "failed":
                yield at, (dims.FAILED, record.key)
            elif (record.shift, record.seed) in sets:
                # What was predicted is kept, but without its test set there is nothing to hold it against.
                measured = sets[record.shift, record.seed].status == "done"
                yield at, (dims.DONE if measured else dims.FAILED, record.key)

    def _store(self, deliveries: Deliveries, at: At, record: Any, before: Any) -> bool:
        number = ticket(record.key, record.name)
        pieces = dict(record.pieces)
        for name in pieces:
            variable, piece = parse_piece(name)
            path, slot = self.layout.chunk_of(variable, at, piece)
            kind = self.layout.variables[variable].kind
            if not self.layout.packed:
                if not self._take(deliveries, number, name, path):
                    return False
                continue
            content = deliveries.read(number, name)
            if content is None:
                return False
            if kind == "text":
                self._write_text(variable, path, slot, text_chunks.decode(content[:-CHECKSUM]))
            else:
                size = len(content) - CHECKSUM
                self._open(variable, path)[slot * size : (slot + 1) * size] = content[:-CHECKSUM]
        self._clear(at, [name for name in (before.pieces if before is not None else ()) if name not in pieces])
        if sum(map(len, self._chunks.values())) > HELD:
            self.flush()
        return True

    def _take(self, deliveries: Deliveries, number: str, name: str, path: str) -> bool:
        """Move a piece that is a chunk of its own; it may have been moved before a run was killed."""
        source, target = deliveries.at(number, name), self.path / path
        if not source.exists():
            return bool(target.exists())
        move(source, target)
        return True

    def _clear(self, at: At, names: Iterable[str]) -> None:
        """Drop what an earlier, longer cell left behind."""
        for name in names:
            variable, piece = parse_piece(name)
            if variable not in self.layout.variables:
                continue
            path, slot = self.layout.chunk_of(variable, at, piece)
            kind = self.layout.variables[variable].kind
            if not self.layout.packed:
                remove_many([self.path / path])
            elif kind == "text":
                self._write_text(variable, path, slot, "")
            else:
                self._blank(self._open(variable, path), self.layout.variables[variable], slot)

    def _open(self, variable: str, path: str) -> bytearray:
        """A chunk that several cells share, to be written by `flush`; what it lacks is NaN."""
        if path not in self._chunks:
            described, file = self.layout.variables[variable], self.path / path
            content = bytearray(np.full(self.layout.chunk_shape(described), np.nan, described.kind).tobytes())
            # A chunk that is not whole has cells that are: their records tell which.
            held = (read(file) or b"")[: len(content)]
            content[: len(held)] = held
            self._chunks[path] = content
        return self._chunks[path]

    def _write_text(self, variable: str, path: str, slot: int, values: Any) -> None:
        """Put a piece into a chunk of text that several cells share, to be written by `flush`."""
        if path not in self._texts:
            shape = self.layout.chunk_shape(self.layout.variables[variable])
            held = self._read(path)
            texts = text_chunks.padded((), math.prod(shape)) if held is None else text_chunks.decode(held)
            self._texts[path] = texts.reshape(-1, *shape[2:])
        self._texts[path][slot] = values

    def _read(self, path: str) -> bytes | None:
        """A chunk without its checksum; None when it is not there, or not whole."""
        content = read(self.path / path)
        return content[:-CHECKSUM] if content is not None and is_whole(content) else None


def open_or_begin(plan: Plan, task: Task, folder: Place) -> tuple[Cube, bool]:
    """A task's cube, grown to hold the plan, and whether it was begun anew.

    Raises
    ------
    InputError
        When a cube of an earlier version lies there, or one with other outputs.
    """
    shifts = [(shift.label, shift.operator_name, shift.severity) for shift in task.shifts]
    models = [model.name for model in plan.models(task.name)]
    held = read_layout(folder, task.name)
    new = held is None
    if held is None:
        _refuse_earlier_version(folder / CUBES / f"{task.name}.zarr")
        attributes = {
            "task": task.name,
            "data": next(entry.data.use for entry in plan.spec.tasks if entry.name == task.name),
            "unit": task.info.unit,
            "spec": plan.spec.name,
        }
        held = Layout.begin(attributes, task.info.outputs, task.info.sizes["test"], len(shifts), len(plan.spec.seeds))
    held.refuse_other_outputs(task.info.outputs, folder / CUBES / f"{task.name}.zarr")
    cube = Cube(folder, task.name, held)
    if new:
        cube.begin()
    cube.grow(held.grown(models, shifts, plan.spec.seeds, plan.levels(task.name)))
    return cube, new


def layout_file(folder: Place, task: str) -> Place:
    """Where a cube's layout is kept."""
    return folder / CUBES / f"{task}.layout.json"


def read_layout(folder: Place, task: str) -> Layout | None:
    """The layout of a cube; None when there is none, or it is damaged."""
    content = read(layout_file(folder, task))
    try:
        return None if content is None else Layout.from_json(content.decode())
    except ValueError:
        return None


def open_cube(path: Place) -> xr.Dataset:
    """Open a cube lazily."""
    opened: xr.Dataset = xr.open_zarr(zarr_store(path, read_only=True), chunks=None)  # type: ignore[no-untyped-call,unused-ignore]
    return opened


def _refuse_earlier_version(path: Place) -> None:
    content = read(path / "zarr.json")
    try:
        held = FORMAT if content is None else json.loads(content)["attributes"]["format"]
    except (ValueError, KeyError, TypeError):
        return
    if held != FORMAT:
        raise InputError(f"{path} was written by an earlier version", help="choose another folder with -o")


def _numbers(magnitudes: Mapping[str, list[float | None]]) -> dict[str, NDArray[np.float64]]:
    return {
        name: np.array([np.nan if value is None else value for value in values])
        if isinstance(values, list)
        else np.array(np.nan if values is None else values)
        for name, values in magnitudes.items()
    }
