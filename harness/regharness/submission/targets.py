"""Own what submissions are held against: the targets of a benchmark, from a run or from a file. Scores nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import xarray as xr
from numpy.typing import NDArray

from regharness import dims
from regharness.errors import InputError
from regharness.layout import MEASUREMENTS
from regharness.magnitude import BY_OUTPUT, LONG_NAMES
from regharness.plan_filters import matches, parsed_filters
from regharness.run_folder import Run, open_run
from regharness.submission.archive import Archive, open_archive
from regharness.submission.benchmark import Benchmark, benchmark_of
from regharness.submission.cube_slice import LONGEST, Layout, decode_text
from regharness.submission.manifest import BenchmarkRef, SliceInfo
from regharness.submission.package import (
    BENCHMARK,
    MAGNITUDES,
    check_arrays,
    check_files,
    open_group,
    read_manifest,
    write_package,
)
from regharness.submission.refusal import Refused
from regharness.submission.strict_json import parse


@dataclass(frozen=True)
class Targets:
    """The targets of a benchmark, or of a part of it.

    Attributes
    ----------
    benchmark
        What they are of.
    cubes
        Task to its targets, lazily: dims shift x seed x example x output, with what is known of each test set.
    ids
        Gives the ids ``(example,)`` of a task, shift and seed.
    created
        When the targets came to be, in UTC.
    """

    benchmark: Benchmark
    cubes: dict[str, xr.Dataset]
    ids: Callable[[str, str, int], NDArray[Any]]
    created: str

    @property
    def whole(self) -> bool:
        """Whether no target is held back."""
        return all(
            task.name in self.cubes
            and self.cubes[task.name].sizes[dims.SHIFT] == len(task.shifts)
            and self.cubes[task.name].sizes[dims.SEED] == len(self.benchmark.seeds)
            for task in self.benchmark.tasks
        )


@contextmanager
def open_targets(path: str) -> Iterator[Targets]:
    """The targets of a run's folder, or of a file that `write_targets` wrote.

    Raises
    ------
    InputError
        When it is neither, or not whole.
    """
    if Path(path).is_file():
        try:
            with open_archive(Path(path)) as archive:
                yield _of_file(archive)
        except Refused as error:
            raise InputError(
                f"{path} holds no targets: {error}", help="regharness submission targets writes one"
            ) from None
        return
    yield of_run(open_run(path))


def of_run(run: Run) -> Targets:
    """The targets of a run.

    Raises
    ------
    InputError
        When one of its test sets is missing.
    """
    cubes = {task: run.cube(task) for task in run.tasks}

    def ids(task: str, shift: str, seed: int) -> NDArray[Any]:
        found = cubes[task][dims.EXAMPLE_ID].sel({dims.SHIFT: shift, dims.SEED: seed})
        size = int(cubes[task][dims.N_EXAMPLES].sel({dims.SHIFT: shift, dims.SEED: seed}))
        return np.asarray(found.values[:size]).astype(object)

    return Targets(
        benchmark_of(run),
        {task: _measured(cube) for task, cube in cubes.items()},
        ids,
        str(run.provenance.get("started", "")),
    )


def write_targets(run: Run, target: Path, only: Iterable[str] = ()) -> None:
    """Write the targets of a run, or of the part of it that is public, as a file.

    Parameters
    ----------
    run
        The run.
    target
        Where to.
    only
        ``KEY=GLOB`` filters on task, shift and seed; the rest stays hidden.

    Raises
    ------
    InputError
        When nothing is left, or a test set is missing.
    """
    targets, filters = of_run(run), parsed_filters(only, ("task", "shift", "seed"))

    def chosen(what: str, labels: Sequence[Any]) -> list[Any]:
        return [label for label in labels if what not in filters or matches(label, filters[what])]

    groups, magnitudes = [], {}
    for task in chosen("task", run.tasks):
        cube = run.cube(task)
        shifts, seeds = (
            chosen("shift", cube[dims.SHIFT].values.tolist()),
            chosen("seed", cube[dims.SEED].values.tolist()),
        )
        if not shifts or not seeds:
            continue
        part = cube.sel({dims.SHIFT: shifts, dims.SEED: seeds})
        groups.append((_info(targets.benchmark, task, part), part))
        magnitudes[task] = {name: _plain(part[name].values) for name in LONG_NAMES}
    if not groups:
        raise InputError("no target is left to be written", help="loosen --only")
    benchmark = targets.benchmark
    head = {
        "kind": "targets",
        "benchmark": reference(benchmark),
        "created": targets.created,
    }
    extra = {BENCHMARK: benchmark.model_dump_json(by_alias=True).encode(), MAGNITUDES: json.dumps(magnitudes).encode()}
    write_package(target, head, groups, extra)


def reference(benchmark: Benchmark) -> BenchmarkRef:
    """How a file names its benchmark."""
    return BenchmarkRef(name=benchmark.name, version=benchmark.version, inputs_sha256=benchmark.inputs_sha256)


def _of_file(archive: Archive) -> Targets:
    manifest = read_manifest(archive)
    if manifest.kind != "targets":
        raise Refused("manifest", "it is a submission")
    check_files(archive, manifest)
    check_arrays(archive, manifest)
    infos = {info.task: info for info in manifest.cubes}
    try:
        benchmark = Benchmark.model_validate(parse(archive.read(BENCHMARK), BENCHMARK))
    except (pydantic.ValidationError, KeyError):
        raise Refused("manifest", f"{BENCHMARK} is no benchmark") from None
    magnitudes = parse(archive.read(MAGNITUDES), MAGNITUDES)
    cubes = {}
    for task, info in infos.items():
        try:
            cubes[task] = open_group(archive, info).assign_coords(_moved(magnitudes[task]))
        except (KeyError, TypeError, ValueError):
            raise Refused("manifest", f"{MAGNITUDES} does not tell how far each shift of '{task}' went") from None

    def ids(task: str, shift: str, seed: int) -> NDArray[Any]:
        return _stored_ids(archive, infos[task], infos[task].shifts.index(shift), infos[task].seeds.index(seed))

    return Targets(benchmark, cubes, ids, str(manifest.created or ""))


def _moved(magnitudes: Any) -> dict[str, Any]:
    """How far each shift of a task went, as coordinates."""
    of_cells = (dims.SHIFT, dims.SEED)
    along = {name: (*of_cells, dims.OUTPUT) if name in BY_OUTPUT else of_cells for name in LONG_NAMES}
    return {name: (names, np.array(magnitudes[name], np.float64)) for name, names in along.items()}


def _stored_ids(archive: Archive, info: SliceInfo, shift: int, seed: int) -> NDArray[Any]:
    """The ids of a test set, from the chunks that hold them."""
    layout = Layout(info)
    variable = layout.variables[dims.EXAMPLE_ID]
    found: list[str] = []
    for path, key in layout.chunks(dims.EXAMPLE_ID):
        first = [place * size for place, size in zip(key, variable.chunks, strict=True)]
        if first[0] <= shift < first[0] + variable.chunks[0] and first[1] <= seed < first[1] + variable.chunks[1]:
            count = int(np.prod(variable.chunks))
            texts = decode_text(archive.read(path, limit=4 + count * (4 + LONGEST)), count, path)
            rows = np.array(texts, dtype=object).reshape(variable.chunks)[shift - first[0], seed - first[1]]
            found += rows.tolist()
    return np.array(found[: info.examples[shift][seed]], dtype=object)


def _measured(cube: xr.Dataset) -> xr.Dataset:
    """The targets of a cube, and what is known of them, without predictions and ids."""
    kept = [name for name in cube.data_vars if name in MEASUREMENTS or str(name).startswith(dims.COVARIATE)]
    return cube[kept].drop_vars([dims.EXAMPLE_ID, dims.MODEL], errors="ignore")


def _info(benchmark: Benchmark, task: str, cube: xr.Dataset) -> SliceInfo:
    entry = benchmark.task(task)
    assert entry is not None
    kept = _measured(cube)
    kinds: dict[str, Any] = {
        str(name): "text" if kept[name].dtype.kind not in "fiu" else kept[name].dtype.name for name in kept.data_vars
    }
    return SliceInfo(
        task=task,
        unit=entry.unit,
        outputs=entry.outputs,
        shifts=[str(label) for label in cube[dims.SHIFT].values],
        seeds=cube[dims.SEED].values.tolist(),
        examples=cube[dims.N_EXAMPLES].transpose(dims.SHIFT, dims.SEED).values.tolist(),
        variables=kinds,
    )


def _plain(values: NDArray[np.float64]) -> Any:
    found: NDArray[Any] = values.astype(object)
    found[~np.isfinite(values)] = None
    return found.tolist()
