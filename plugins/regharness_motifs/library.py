"""Read motif libraries: count matrices in JASPAR text, probabilities in MEME text. Scans no sequence."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regharness.errors import InputError

BUILTIN = "builtin"
MAX_BYTES = 20_000_000
MAX_MOTIFS = 5_000
MIN_WIDTH, MAX_WIDTH = 4, 60
PSEUDOCOUNT = 0.8
"""Counts added to each position, spread as the background (Nishida, Frith & Nakai, Nucleic Acids Res. 37:939, 2009)."""
MEME_SITES = 20.0
"""Sites behind a MEME matrix that states no ``nsites`` (the MEME motif format's default)."""

Matrix = NDArray[np.float64]
_Counted = tuple[str, str, Matrix]


@dataclass(frozen=True, eq=False)
class MotifSet:
    """Motifs as probabilities.

    Attributes
    ----------
    ids, names
        Matrix identifiers, which never repeat, and factors, which may.
    matrices
        One ``(position, base)`` float64 array a motif, bases A C G T, above zero, rows summing to one:
        ``(count + 0.8 background) / (total + 0.8)``.
    background
        ``(base,)`` float64 probabilities that scores are relative to, equal for complementary bases.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    matrices: tuple[Matrix, ...]
    background: Matrix = field(default_factory=lambda: np.full(4, 0.25))

    def __len__(self) -> int:
        return len(self.matrices)

    @property
    def widths(self) -> NDArray[np.int64]:
        """``(motif,)`` number of positions of each motif."""
        return np.array([len(matrix) for matrix in self.matrices], np.int64)


def load_motifs(source: str | Path = BUILTIN) -> MotifSet:
    """Read motifs.

    Parameters
    ----------
    source
        ``"builtin"``, or a file in JASPAR or MEME text format.

    Raises
    ------
    InputError
        A file that is too large, in neither format, without a motif, or with a matrix that is no matrix.
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
        raise InputError(f"{path} is larger than {MAX_BYTES:,} bytes, the most that a motif library may have")
    return _parse(text, str(path))


@functools.cache
def _builtin() -> MotifSet:
    return _parse((Path(__file__).parent / "builtin.jaspar").read_text(encoding="utf-8"), "the built-in motifs")


def _parse(text: str, shown: str) -> MotifSet:
    background = np.full(4, 0.25)
    if re.search(r"^MEME version", text, re.MULTILINE):
        background = _meme_background(text, shown)
        found = list(_read_meme(text, shown))
    else:
        found = list(_read_jaspar(text, shown))
    if not found:
        raise InputError(f"{shown} holds no motif", help="JASPAR text (lines '>ID NAME') and MEME text are read")
    if len(found) > MAX_MOTIFS:
        raise InputError(f"{shown} holds {len(found):,} motifs; at most {MAX_MOTIFS:,} can be used")
    ids, names, counts = zip(*found, strict=True)
    if len(set(ids)) < len(ids):
        repeated = next(motif for motif in ids if ids.count(motif) > 1)
        raise InputError(f"{shown}: the motif {repeated} appears twice")
    smoothed = [count + PSEUDOCOUNT * background for count in counts]
    return MotifSet(ids, names, tuple(part / part.sum(axis=1, keepdims=True) for part in smoothed), background)


def _read_jaspar(text: str, shown: str) -> Iterator[_Counted]:
    for block in re.split(r"^>", text, flags=re.MULTILINE)[1:]:
        motif, name = _title(block, shown)
        lines = [line for line in block.splitlines()[1:] if line.strip() and not line.startswith("#")]
        letters = "".join(line.split()[0] for line in lines)
        if len(lines) != 4 or (letters.isalpha() and letters != "ACGT"):
            raise InputError(f"{shown}: the motif {motif} does not have one row for each of A C G T, in this order")
        counts = _numbers([re.sub(r"^\s*[ACGT]\s|[\[\]]", " ", line).split() for line in lines], motif, shown).T
        _check_width(counts, motif, shown)
        totals = counts.sum(axis=1)
        if (totals <= 0).any():
            raise InputError(f"{shown}: the motif {motif} has a position without counts")
        if np.allclose(totals, 1.0, atol=0.01):
            raise InputError(
                f"{shown}: the motif {motif} holds probabilities where JASPAR text holds counts",
                help="write probabilities in MEME text format",
            )
        yield motif, name, counts


def _read_meme(text: str, shown: str) -> Iterator[_Counted]:
    if (alphabet := re.search(r"^ALPHABET\s*=\s*(\S+)", text, re.MULTILINE)) and alphabet[1] != "ACGT":
        raise InputError(f"{shown}: the alphabet is {alphabet[1]}, not ACGT")
    for block in re.split(r"^MOTIF\b", text, flags=re.MULTILINE)[1:]:
        motif, name = _title(block, shown)
        lines = block.splitlines()
        start = next((i for i, line in enumerate(lines) if line.startswith("letter-probability matrix")), None)
        if start is None:
            raise InputError(f"{shown}: the motif {motif} has no letter-probability matrix")
        rows = []
        for line in lines[start + 1 :]:
            if not re.match(r"\s*[-+.\d]", line) or line.startswith("--"):
                break
            rows.append(line.split())
        given = _numbers(rows, motif, shown)
        if given.shape[1] != 4 or not np.allclose(given.sum(axis=1), 1.0, atol=1e-3):
            raise InputError(f"{shown}: the probabilities of the motif {motif} do not sum to one over A C G T")
        _check_width(given, motif, shown)
        stated = re.search(r"nsites=\s*([\d.]+)", lines[start])
        sites = _numbers([[stated[1]]], motif, shown)[0, 0] if stated else MEME_SITES
        yield motif, name, given * sites


def _meme_background(text: str, shown: str) -> Matrix:
    """Letter frequencies averaged with their complement's, since both strands are scanned; else uniform."""
    stated = re.search(r"^Background letter frequencies.*\n\s*A\s+(\S+)\s+C\s+(\S+)\s+G\s+(\S+)\s+T\s+(\S+)", text, re.M)
    if not stated:
        return np.full(4, 0.25)
    given = _numbers([list(stated.groups())], "background", shown)[0]
    if (given <= 0).any() or not np.isclose(given.sum(), 1.0, atol=0.01):
        raise InputError(f"{shown}: the background letter frequencies are not above zero and summing to one")
    both = given + given[::-1]
    return both / both.sum()


def _title(block: str, shown: str) -> tuple[str, str]:
    words = block.splitlines()[0].split(None, 1) if block.strip() else []
    if not words:
        raise InputError(f"{shown}: a motif has no identifier")
    return words[0], words[-1].strip()


def _numbers(rows: list[list[str]], motif: str, shown: str) -> Matrix:
    try:
        values = np.array(rows, dtype=np.float64)
    except ValueError:
        raise InputError(f"{shown}: the matrix of the motif {motif} is not a table of numbers") from None
    if values.ndim != 2 or not np.isfinite(values).all() or (values < 0).any():
        raise InputError(f"{shown}: the matrix of the motif {motif} is not a table of finite numbers, zero or above")
    return values


def _check_width(counts: Matrix, motif: str, shown: str) -> None:
    if not MIN_WIDTH <= len(counts) <= MAX_WIDTH:
        raise InputError(
            f"{shown}: the motif {motif} has {len(counts)} positions; {MIN_WIDTH} to {MAX_WIDTH} can be used"
        )
