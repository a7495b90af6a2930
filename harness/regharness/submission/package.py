"""Own the archive as a whole: write one, and hold one that a stranger wrote against its own manifest.

Equal content gives equal bytes. A reader goes through the stages in the order in which they stand here; no library
opens an array before all of them have passed.
"""

from __future__ import annotations

import hashlib
import json
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import xarray as xr
import zarr
from numpy.typing import NDArray

from regharness import dims
from regharness.faults import describe
from regharness.layout import MEASUREMENTS
from regharness.submission.archive import Archive
from regharness.submission.cube_slice import PREDICTED, Layout, encode_text
from regharness.submission.manifest import Manifest, SliceInfo, canonical, tree_digest
from regharness.submission.refusal import MOST_FAULTS, Refused
from regharness.submission.strict_json import parse
from regharness.whole_folders import new_file

MANIFEST = "manifest.json"
CONTROLS = "controls.json"
BENCHMARK = "benchmark.json"
MAGNITUDES = "magnitudes.json"
_BESIDE = {"submission": frozenset({CONTROLS}), "targets": frozenset({BENCHMARK, MAGNITUDES})}
"""What may lie beside the groups."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file, so that equal content gives equal bytes."""


def write_package(
    target: Path,
    head: Mapping[str, Any],
    groups: Iterable[tuple[SliceInfo, xr.Dataset]],
    extra: Mapping[str, bytes] = {},
) -> str:
    """Write an archive.

    Parameters
    ----------
    target
        Where; it appears there whole or not at all.
    head
        The manifest without ``cubes``, ``files`` and ``tree_sha256``.
    groups
        Of each task its shapes and its data, which may be lazy: one chunk at a time is in memory.
    extra
        Other files, by path.

    Returns
    -------
    str
        The manifest's ``tree_sha256``.
    """
    infos: list[SliceInfo] = []
    with new_file(target) as file, zipfile.ZipFile(file, "w") as archive:
        files = []

        def add(path: str, content: bytes, *, numbers: bool = False) -> None:
            # Numbers hardly compress, and what is stored as it is cannot expand.
            _write(archive, path, content, zipfile.ZIP_STORED if numbers else zipfile.ZIP_DEFLATED)
            files.append({"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()})

        for info, data in groups:
            infos.append(info)
            layout = Layout(info)
            for path, content in layout.files().items():
                add(path, content)
            for name, variable in layout.variables.items():
                for path, key in layout.chunks(name):
                    add(path, _chunk(layout, data, name, key), numbers=variable.kind != "text")
        for path, content in extra.items():
            add(path, content)
        checked = Manifest.model_construct(**head)
        manifest = {
            **json.loads(checked.model_dump_json(exclude_none=True)),
            "cubes": [json.loads(info.model_dump_json(exclude_none=True)) for info in infos],
            "files": sorted(files, key=lambda one: str(one["path"])),
        }
        manifest["tree_sha256"] = tree_digest(manifest)
        _write(archive, MANIFEST, json.dumps(manifest, indent=1).encode(), zipfile.ZIP_DEFLATED)
    return str(manifest["tree_sha256"])


def read_manifest(archive: Archive) -> Manifest:
    """The manifest, held against its own digest.

    Raises
    ------
    Refused
        When it is missing, not what a manifest is, or was changed after it was made.
    """
    if MANIFEST not in archive.names:
        raise Refused("manifest", f"the archive has no {MANIFEST}")
    value = parse(archive.read(MANIFEST), MANIFEST)
    try:
        manifest = Manifest.model_validate(value)
    except pydantic.ValidationError as error:
        if error.error_count() > MOST_FAULTS:
            raise Refused("manifest", f"{MANIFEST} has {error.error_count():,} faults") from None
        told = [f"{'.'.join(map(str, place))}: {message}" for place, message, _ in describe(error, Manifest)]
        more = f", and {len(told) - 5} more" if len(told) > 5 else ""
        raise Refused("manifest", "; ".join(told[:5]) + more) from None
    if tree_digest(value) != manifest.tree_sha256:
        raise Refused("manifest", f"{MANIFEST} was changed after it was made: its tree_sha256 does not fit")
    return manifest


def check_files(archive: Archive, manifest: Manifest) -> None:
    """Hold every file against the manifest: none more, none less, each with its size and digest.

    Raises
    ------
    Refused
        Naming the first that is not as stated.
    """
    stated = {entry.path: entry for entry in manifest.files}
    if len(stated) != len(manifest.files):
        raise Refused("files", "the manifest states a file twice")
    for path in [*stated, *archive.names]:
        if path not in archive.names:
            raise Refused("files", f"{path} is missing from the archive")
        if path not in stated and path != MANIFEST:
            raise Refused("files", f"{path} is not in the manifest")
    expected = _expected(archive, manifest)
    for path, entry in stated.items():
        if path not in expected:
            raise Refused("files", f"{path} has no place in a file of this kind")
        if archive.names[path] != entry.size:
            raise Refused("files", f"{path} has {archive.names[path]:,} bytes, and the manifest states {entry.size:,}")
    for path in expected:
        if path not in stated:
            raise Refused("files", f"{path} is missing: the shapes that the manifest states need it")
    for path, entry in stated.items():
        if archive.sha256(path) != entry.sha256:
            raise Refused("files", f"{path} was changed: its sha256 is not the one that the manifest states")


def check_arrays(archive: Archive, manifest: Manifest) -> None:
    """Hold metadata and labels of every group against what its shapes make them, byte for byte in meaning.

    Raises
    ------
    Refused
        Naming the file, and what of it differs.
    """
    for info in manifest.cubes:
        layout = Layout(info)
        for path, content in layout.files().items():
            found = archive.read(path)
            if path.endswith(".json"):
                _check_metadata(path, parse(found, path), json.loads(content))
            elif found != content:
                raise Refused("arrays", f"{path} does not hold the labels that the manifest states")
        for name, variable in layout.variables.items():
            for path, _ in layout.chunks(name):
                if variable.kind != "text" and archive.names[path] != variable.chunk_bytes:
                    raise Refused("arrays", f"{path} has {archive.names[path]:,} bytes, not {variable.chunk_bytes:,}")


def open_group(archive: Archive, info: SliceInfo) -> xr.Dataset:
    """The numbers of a group, lazily, once all checks have passed; ids are not read."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="zarr")
        store = zarr.storage.ZipStore(archive.path, mode="r", read_only=True)
        group: Any = zarr.open_group(store, path=Layout(info).folder, mode="r", use_consolidated=False)
        variables = {
            name: _lazy(variable.names, group[name])
            for name, variable in Layout(info).variables.items()
            if variable.kind != "text"
        }
    labels: dict[str, Any] = {dims.SHIFT: info.shifts, dims.SEED: info.seeds, dims.OUTPUT: info.outputs}
    if info.model is not None:
        labels[dims.MODEL] = [info.model]
    if info.levels:
        labels[dims.QUANTILE] = info.levels
    data = xr.Dataset(variables, labels)
    return data.assign({dims.N_EXAMPLES: ((dims.SHIFT, dims.SEED), np.array(info.examples))})


def _lazy(names: tuple[str, ...], array: Any) -> xr.Variable:
    """A zarr array as a variable of which only what is asked for is read, whole chunks at a time."""
    lazy = xr.core.indexing.LazilyIndexedArray(_Backend(array))  # type: ignore[no-untyped-call,unused-ignore]
    encoding = {"chunks": array.chunks, "preferred_chunks": dict(zip(names, array.chunks, strict=True))}
    return xr.Variable(names, lazy, encoding=encoding)


class _Backend(xr.backends.BackendArray):
    """A zarr array as xarray reads it, chunk by chunk."""

    def __init__(self, array: Any) -> None:
        self._array = array
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, key: Any) -> Any:
        return xr.core.indexing.explicit_indexing_adapter(
            key, self.shape, xr.core.indexing.IndexingSupport.OUTER, lambda place: self._array.oindex[place]
        )


def _write(archive: zipfile.ZipFile, path: str, content: bytes, how: int) -> None:
    entry = zipfile.ZipInfo(path, _EPOCH)
    entry.compress_type, entry.external_attr = how, 0o644 << 16
    archive.writestr(entry, content)


def _chunk(layout: Layout, data: xr.Dataset, name: str, key: tuple[int, ...]) -> bytes:
    """The bytes of a chunk; padding is NaN, or no text."""
    variable = layout.variables[name]
    shape = variable.chunks
    starts = zip(variable.names, key, shape, strict=True)
    places = {dim: slice(place * size, (place + 1) * size) for dim, place, size in starts}
    found = data[name].transpose(*variable.names).isel(places).values
    padding = layout.masked(name, key)
    if variable.kind == "text":
        texts = np.full(shape, "", dtype=object)
        texts[tuple(slice(0, size) for size in found.shape)] = found
        texts[padding] = ""
        return encode_text([str(one) for one in texts.reshape(-1)])
    numbers: NDArray[Any] = np.full(shape, np.nan, np.dtype(variable.kind).newbyteorder("<"))
    numbers[tuple(slice(0, size) for size in found.shape)] = found
    measured = numbers[0] if variable.names[0] == dims.MODEL else numbers
    measured[padding] = np.nan
    return numbers.tobytes()


def _expected(archive: Archive, manifest: Manifest) -> set[str]:
    """Paths that the shapes of the manifest make, and what may lie beside."""
    expected: set[str] = set(_BESIDE[manifest.kind] & archive.names.keys())
    tasks = [info.task for info in manifest.cubes]
    if len({task.casefold() for task in tasks}) != len(tasks):
        raise Refused("manifest", "the manifest has a task twice")
    for info in manifest.cubes:
        _check_variables(manifest, info)
        layout = Layout(info)
        # Going through the chunks that were only stated would take forever.
        if sum(variable.count for variable in layout.variables.values()) > len(archive.names):
            raise Refused("arrays", f"task '{info.task}' states more data than the archive has files for")
        expected |= layout.files().keys()
        expected |= {path for name in layout.variables for path, _ in layout.chunks(name)}
    return expected


def _check_variables(manifest: Manifest, info: SliceInfo) -> None:
    """Refuse variables that have no place in a file of this kind."""
    task = f"task '{info.task}'"
    if manifest.kind == "targets":
        wrong = [name for name in info.variables if name not in MEASUREMENTS and not name.startswith(dims.COVARIATE)]
        if wrong or dims.TARGET not in info.variables or info.model is not None or info.levels:
            raise Refused("manifest", f"{task} is not one of targets")
        return
    assert manifest.card is not None
    if info.model != manifest.card.slug:
        raise Refused("manifest", f"{task} is of the model '{info.model}', and the card of '{manifest.card.slug}'")
    wrong = [name for name, kind in info.variables.items() if name not in PREDICTED or kind != "float32"]
    if wrong:
        raise Refused("manifest", f"{task} has '{wrong[0]}', which is none of: {', '.join(PREDICTED)}, in float32")
    if dims.MEAN not in info.variables:
        raise Refused("manifest", f"{task} has no '{dims.MEAN}'")
    if dims.VARIANCE in info.variables and {dims.ALEATORIC, dims.EPISTEMIC} & info.variables.keys():
        raise Refused("manifest", f"{task} has '{dims.VARIANCE}' and its parts")
    if (dims.QUANTILES in info.variables) != bool(info.levels):
        raise Refused("manifest", f"{task} has quantiles without levels, or levels without quantiles")


def _check_metadata(path: str, found: Any, expected: Any) -> None:
    if not isinstance(found, dict):
        raise Refused("arrays", f"{path} is no metadata of zarr")
    for name in {**expected, **found}:
        if name not in found or name not in expected or canonical(found[name]) != canonical(expected[name]):
            raise Refused("arrays", f"'{name}' in {path} is not what the shapes that the manifest states make it")


def iterate_numbers(archive: Archive, info: SliceInfo, name: str) -> Iterator[tuple[tuple[int, ...], NDArray[Any]]]:
    """Every chunk of a variable of numbers: its place, and its values with padding masked, ``numpy.ma``."""
    layout = Layout(info)
    variable = layout.variables[name]
    for path, key in layout.chunks(name):
        values = np.frombuffer(archive.read(path), np.dtype(variable.kind).newbyteorder("<")).reshape(variable.chunks)
        padding = layout.masked(name, key)
        padding = padding[None] if variable.names[0] == dims.MODEL else padding
        beyond = padding.reshape(padding.shape + (1,) * (values.ndim - padding.ndim))
        yield key, np.ma.masked_array(values, np.broadcast_to(beyond, values.shape))
