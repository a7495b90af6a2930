"""Read tables and FASTA files into checked arrays. Splits nothing."""

from __future__ import annotations

import gzip
import importlib.util
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regharness import InputError
from regharness.errors import unknown_name
from regharness.interfaces import ALPHABET

SHOWN = 5
MAX_FASTA = 500_000_000
"""Characters of a FASTA file, once decompressed: a million sequences of 500 bp."""
_UNREADABLE = (OSError, EOFError, ValueError, zlib.error)
_CODES = np.full(256, 255, np.uint8)
for _code, _letter in enumerate(ALPHABET):
    _CODES[[ord(_letter), ord(_letter.lower())]] = _code


def read_table(path: Path, text: Iterable[str] = ()) -> pd.DataFrame:
    """Read a table; the name says how its columns are separated.

    Parameters
    ----------
    path
        ``.parquet``, ``.csv``, or else tab-separated; the latter two also with ``.gz``.
    text
        Columns that are names, whatever they look like: ``007`` stays ``007``.

    Raises
    ------
    InputError
        Not a table, empty, a column twice, or Parquet without what reads it.
    """
    name = path.name.removesuffix(".gz")
    try:
        if name.endswith(".parquet"):
            if importlib.util.find_spec("pyarrow") is None:
                raise InputError(f"{path}: Parquet needs pyarrow", help='pip install "regharness[parquet]"')
            table = pd.read_parquet(path)
        else:
            table = _read_separated(path, "," if name.endswith(".csv") else "\t", text)
    except _UNREADABLE as error:
        raise InputError(f"{path} is not a table that can be read: {error}") from None
    if table.empty:
        raise InputError(f"{path} has no rows")
    return table


def _read_separated(path: Path, separator: str, text: Iterable[str]) -> pd.DataFrame:
    header = pd.read_csv(path, sep=separator, header=None, nrows=1, dtype=str, keep_default_na=False)
    names = header.iloc[0].tolist()
    repeated = [name for name in dict.fromkeys(names) if name and names.count(name) > 1]
    if repeated:
        raise InputError(f"{path}: more than one column is named {', '.join(map(repr, repeated[:SHOWN]))}")
    return pd.read_csv(path, sep=separator, low_memory=False, dtype=dict.fromkeys(text, str))


def column(table: pd.DataFrame, name: str, path: Path) -> pd.Series:
    """A column by name, or a refusal that names those there are."""
    if name not in table.columns:
        message, choices = unknown_name("column", name, map(str, table.columns), listed="columns")
        raise InputError(f"{path}: {message}", help=choices)
    return table[name]


def numbers(table: pd.DataFrame, name: str, path: Path) -> NDArray[np.float64]:
    """A column of numbers; what is missing is NaN, what is no number is refused."""
    given = column(table, name, path)
    values = pd.to_numeric(given, errors="coerce").to_numpy(np.float64)
    bad = np.flatnonzero(np.isnan(values) & given.notna().to_numpy() | np.isinf(values))
    if len(bad):
        raise InputError(f"{path}: column '{name}' holds no number in {list_rows(bad, given.iloc[bad])}")
    return values


def read_fasta(path: Path) -> dict[str, str]:
    """Record name, up to the first space, to sequence; plain or ``.gz``.

    Raises
    ------
    InputError
        Not FASTA, a name twice, or more than `MAX_FASTA` characters.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            text = file.read(MAX_FASTA + 1)
    except _UNREADABLE as error:
        raise InputError(f"{path} is not a FASTA file that can be read: {error}") from None
    if len(text) > MAX_FASTA:
        raise InputError(f"{path} has more than {MAX_FASTA:,} characters")
    records: dict[str, list[str]] = {}
    lines: list[str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(">"):
            name = line[1:].split(maxsplit=1)[0] if line[1:].strip() else ""
            if not name or name in records:
                raise InputError(f"{path}:{number}: a record {'without a name' if not name else name + ' twice'}")
            lines = records[name] = []
        elif line.strip():
            if lines is None:
                raise InputError(f"{path}:{number}: a sequence before the first '>'")
            lines.append(line.strip())
    return {name: "".join(parts) for name, parts in records.items()}


def encode(
    sequences: Sequence[object], source: Path | str, *, pad: bool = False, length: int | None = None
) -> NDArray[np.uint8]:
    """Codes ``(example, position)`` uint8 of sequences; lower case counts as upper case.

    Raises
    ------
    InputError
        For a letter outside ACGTN, an empty sequence, or lengths that differ where `pad` is false.
    """
    texts = [sequence if isinstance(sequence, str) else "" for sequence in sequences]
    lengths = np.array([len(text) for text in texts])
    empty = np.flatnonzero(lengths == 0)
    if len(empty):
        raise InputError(f"{source}: no sequence in {list_rows(empty)}")
    joined = "".join(texts)
    codes = _CODES[np.frombuffer(joined.encode("latin-1", "replace"), np.uint8)]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    bad = np.flatnonzero(codes == 255)
    if len(bad):
        rows = np.searchsorted(starts, bad, side="right") - 1
        first = np.unique(rows, return_index=True)[1]
        raise InputError(
            f"{source}: letters other than {ALPHABET} in {list_rows(rows[first], [joined[i] for i in bad[first]])}",
            help="write unknown bases as N",
        )
    widest = length or int(lengths.max())
    if not pad and lengths.min() != lengths.max():
        odd = np.flatnonzero(lengths != lengths[0])
        raise InputError(
            f"{source}: sequences of {lengths.min()} to {lengths.max()} bp; "
            f"row 1 has {lengths[0]}, unlike {list_rows(odd)}",
            help="'pad: true' centres shorter ones between N",
        )
    if lengths.max() > widest:
        longer = np.flatnonzero(lengths > widest)
        raise InputError(f"{source}: longer than {widest} bp in {list_rows(longer, lengths[longer])}")
    if lengths.min() == widest:
        return codes.reshape(len(texts), widest)
    padded = np.full((len(texts), widest), ALPHABET.index("N"), np.uint8)
    for row, (start, size) in enumerate(zip(starts[:-1], lengths, strict=True)):
        left = (widest - size) // 2
        padded[row, left : left + size] = codes[start : start + size]
    return padded


def unique_ids(ids: pd.Series, path: Path) -> NDArray[np.str_]:
    """Ids as text; one that is missing or appears twice is refused."""
    missing = np.flatnonzero(ids.isna().to_numpy())
    if len(missing):
        raise InputError(f"{path}: no id in {list_rows(missing)}")
    texts = ids.astype(str)
    repeated = np.flatnonzero(texts.duplicated().to_numpy())
    if len(repeated):
        raise InputError(f"{path}: ids that appear before in {list_rows(repeated, texts.iloc[repeated])}")
    return texts.to_numpy(dtype=str)


def list_rows(rows: Iterable[int], values: Iterable[object] | None = None) -> str:
    """Name the first few data rows, counted from 1, and how many there are."""
    listed = [int(row) + 1 for row in rows]
    shown = [f"row {row}" for row in listed[:SHOWN]]
    if values is not None:
        shown = [f"{text} ({value!s:.40})" for text, value in zip(shown, values, strict=False)]
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(shown) + more
