"""Read motif libraries: count and probability matrices in JASPAR and MEME text. Scans no sequence."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regharness.errors import InputError, unknown_name

BUILTIN = "builtin"
MAX_BYTES = 20_000_000
MAX_WIDTH = 60
PSEUDOCOUNT = 0.8
"""Added to each position's counts, spread evenly (Nishida, Frith & Nakai, Nucleic Acids Res. 37:939, 2009)."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MotifSet:
    """Motifs as probabilities. Two sets are equal only if they are the same object.

    Attributes
    ----------
    ids, names
        Matrix identifiers, and factors.
    matrices
        One ``(position, base)`` float64 array a motif, bases A C G T, positive, rows summing to one.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    matrices: tuple[Matrix, ...]

    def __len__(self) -> int:
        return len(self.matrices)

    @property
    def widths(self) -> NDArray[np.int64]:
        """Number of positions of each motif."""
        return np.array([len(matrix) for matrix in self.matrices])

    def chosen(self, names: Sequence[str]) -> MotifSet:
        """The motifs of these names or ids, in this order.

        Raises
        ------
        InputError
            For a name that no motif has, or that is given twice.
        """
        place = {key: i for keys in (self.names, self.ids) for i, key in reversed([*enumerate(keys)])}
        for name in names:
            if name not in place:
                message, choices = unknown_name("motif", name, self.names, listed="motifs")
                raise InputError(message, help=choices)
        index = [place[name] for name in names]
        if len(set(index)) < len(index):
            raise InputError("a motif is chosen twice", help=f"chosen: {', '.join(names)}")
        return MotifSet(*(tuple(part[i] for i in index) for part in (self.ids, self.names, self.matrices)))


def load_motifs(source: str | Path = BUILTIN) -> MotifSet:
    """Read motifs.

    Parameters
    ----------
    source
        ``"builtin"``, or a file in JASPAR or MEME format.

    Raises
    ------
    InputError
        A file that is too large, in neither format, empty, or with a matrix that is no matrix.
    """
    if source == BUILTIN:
        return _builtin()
    path = Path(source)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read motifs from {path}: {error}") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"{path} is larger than {MAX_BYTES:,} bytes, the most a motif library may have")
    return _parse(text, str(path))


@functools.cache
def _builtin() -> MotifSet:
    return _parse((Path(__file__).parent / "builtin.jaspar").read_text(), "the built-in motifs")


def _parse(text: str, shown: str) -> MotifSet:
    read: Callable[[str, str], Iterator[tuple[str, str, Matrix]]]
    if re.search(r"^MEME version", text, re.MULTILINE):
        read = _read_meme
    elif re.search(r"^>", text, re.MULTILINE):
        read = _read_jaspar
    else:
        raise InputError(f"{shown} holds no motif", help="JASPAR (lines '>ID NAME') and MEME text are read")
    found = list(read(text, shown))
    if not found:
        raise InputError(f"{shown} holds no motif")
    ids, names, matrices = zip(*found, strict=True)
    if len(set(ids)) < len(ids):
        repeated = next(motif for motif in ids if ids.count(motif) > 1)
        raise InputError(f"{shown}: the motif {repeated} appears twice")
    return MotifSet(ids, names, matrices)


def _read_jaspar(text: str, shown: str) -> Iterator[tuple[str, str, Matrix]]:
    for block in re.split(r"^>", text, flags=re.MULTILINE)[1:]:
        motif, name, lines = _titled(block, shown)
        rows = [re.sub(r"^\s*[ACGT]\s*\[?|[\[\]]", " ", line).split() for line in lines]
        if len(rows) != 4:
            raise InputError(f"{shown}: the motif {motif} has {len(rows)} rows, not one for each of A C G T")
        labels = "".join(line.strip()[0] for line in lines if line.strip()[:1].isalpha())
        if labels not in ("", "ACGT"):
            raise InputError(f"{shown}: the rows of the motif {motif} are {labels}, not A C G T in that order")
        counts = _numbers(rows, motif, shown).T
        if (counts.sum(axis=1) <= 0).any():
            raise InputError(f"{shown}: the motif {motif} has a position without counts")
        yield motif, name, _probabilities(counts)


def _read_meme(text: str, shown: str) -> Iterator[tuple[str, str, Matrix]]:
    for block in re.split(r"^MOTIF\s+", text, flags=re.MULTILINE)[1:]:
        motif, name, lines = _titled(block, shown)
        start = next((i for i, line in enumerate(lines) if line.startswith("letter-probability matrix")), None)
        if start is None:
            raise InputError(f"{shown}: the motif {motif} has no letter-probability matrix")
        rows = []
        for line in lines[start + 1 :]:
            if not re.match(r"\s*[\d.]", line):
                break
            rows.append(line.split())
        given = _numbers(rows, motif, shown)
        if given.shape[1] != 4 or not np.allclose(given.sum(axis=1), 1.0, atol=1e-3):
            raise InputError(f"{shown}: the probabilities of the motif {motif} do not sum to one over A C G T")
        # MEME's own default where a file states no number of sites.
        sites = re.search(r"nsites=\s*(\d+)", lines[start])
        yield motif, name, _probabilities(given * (int(sites[1]) if sites else 20))


def _titled(block: str, shown: str) -> tuple[str, str, list[str]]:
    """Identifier, name and the lines below of a motif's block."""
    title, *lines = [line for line in block.splitlines() if line.strip()] or [""]
    words = title.split(maxsplit=1)
    if not words:
        raise InputError(f"{shown}: a motif has no identifier")
    return words[0], words[-1].strip(), lines


def _numbers(rows: list[list[str]], motif: str, shown: str) -> Matrix:
    try:
        values = np.array(rows, dtype=np.float64)
    except ValueError:
        raise InputError(f"{shown}: the matrix of the motif {motif} is not a table of numbers") from None
    if values.ndim != 2 or not 1 <= max(values.shape) <= MAX_WIDTH:
        raise InputError(f"{shown}: the motif {motif} must have 1 to {MAX_WIDTH} positions")
    if not np.isfinite(values).all() or (values < 0).any():
        raise InputError(f"{shown}: the motif {motif} has a count that is negative or not finite")
    return values


def _probabilities(counts: Matrix) -> Matrix:
    smoothed = counts + PSEUDOCOUNT / 4
    return smoothed / smoothed.sum(axis=1, keepdims=True)
