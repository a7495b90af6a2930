"""Read motifs as counts from JASPAR, MEME and TRANSFAC text, told apart by content. Opens no file, smooths nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from regharness.errors import InputError

MAX_WIDTH = 60
MEME_SITES = 20
"""Sites of a motif whose MEME file states none: MEME's own default."""

Counts = NDArray[np.float64]
"""``(position, base)``, bases A C G T."""
Named = tuple[str, str, Counts]
"""Identifier, name and counts of a motif."""


def read_counts(text: str, shown: str) -> list[Named]:
    """Read every motif of a text.

    Parameters
    ----------
    text
        JASPAR (``>ID NAME`` above four rows), MEME, or TRANSFAC (``P0`` or ``PO`` above a row a position).
    shown
        What errors call the text.

    Raises
    ------
    InputError
        A text in none of these formats, without a motif, with one twice, or with a matrix that is no matrix.
    """
    read: Callable[[str, str], Iterator[Named]]
    if re.search(r"^MEME version", text, re.MULTILINE):
        read = _read_meme
    elif re.search(r"^>", text, re.MULTILINE):
        read = _read_jaspar
    elif re.search(r"^P[0O]\s", text, re.MULTILINE):
        read = _read_transfac
    else:
        raise InputError(
            f"{shown} holds no motif", help="JASPAR (lines '>ID NAME'), MEME and TRANSFAC ('P0 A C G T') text are read"
        )
    found = list(read(text, shown))
    if not found:
        raise InputError(f"{shown} holds no motif")
    ids = [motif for motif, _, _ in found]
    if len(set(ids)) < len(ids):
        repeated = next(motif for motif in ids if ids.count(motif) > 1)
        raise InputError(f"{shown}: the motif {repeated} appears twice")
    return found


def _read_jaspar(text: str, shown: str) -> Iterator[Named]:
    for block in re.split(r"^>", text, flags=re.MULTILINE)[1:]:
        motif, name, lines = _titled(block, shown)
        rows = [re.sub(r"^\s*[ACGT]\s*\[?|[\[\]]", " ", line).split() for line in lines]
        if len(rows) != 4:
            raise InputError(f"{shown}: the motif {motif} has {len(rows)} rows, not one for each of A C G T")
        labels = "".join(line.strip()[0] for line in lines if line.strip()[:1].isalpha())
        if labels not in ("", "ACGT"):
            raise InputError(f"{shown}: the rows of the motif {motif} are {labels}, not A C G T in that order")
        yield motif, name, _counts(_numbers(rows, motif, shown).T, motif, shown)


def _read_meme(text: str, shown: str) -> Iterator[Named]:
    for block in re.split(r"^MOTIF\s+", text, flags=re.MULTILINE)[1:]:
        motif, name, lines = _titled(block, shown)
        start = next((i for i, line in enumerate(lines) if line.startswith("letter-probability matrix")), None)
        if start is None:
            raise InputError(f"{shown}: the motif {motif} has no letter-probability matrix")
        rows = []
        for line in lines[start + 1 :]:
            if not re.match(r"\s*[-\d.]", line):
                break
            rows.append(line.split())
        given = _checked(_numbers(rows, motif, shown), motif, shown)
        if not np.allclose(given.sum(axis=1), 1.0, atol=1e-3):
            raise InputError(f"{shown}: the probabilities of the motif {motif} do not sum to one over A C G T")
        sites = re.search(r"nsites=\s*(\d+)", lines[start])
        yield motif, name, given * (int(sites[1]) if sites else MEME_SITES)


def _read_transfac(text: str, shown: str) -> Iterator[Named]:
    for block in re.split(r"^//", text, flags=re.MULTILINE):
        lines = [words for words in map(str.split, block.splitlines()) if words]
        fields = {words[0]: " ".join(words[1:]) for words in reversed(lines) if len(words) > 1}
        motif = fields.get("AC") or fields.get("ID")
        start = next((i for i, words in enumerate(lines) if words[0] in ("P0", "PO")), None)
        if motif is None and start is None:
            continue
        if motif is None:
            raise InputError(f"{shown}: a motif has no identifier", help="a line 'AC' or 'ID' gives it")
        if start is None:
            raise InputError(f"{shown}: the motif {motif} has no matrix, a line 'P0 A C G T' and rows below it")
        if lines[start][1:5] != list("ACGT"):
            raise InputError(f"{shown}: the columns of the motif {motif} are not A C G T in that order")
        rows = []
        for words in lines[start + 1 :]:
            if not words[0].isdigit():
                break
            # A row may end with its consensus letter.
            rows.append(words[1:-1] if words[-1].isalpha() else words[1:])
        name = fields.get("NA") or fields.get("ID") or motif
        yield motif, name, _counts(_numbers(rows, motif, shown), motif, shown)


def _titled(block: str, shown: str) -> tuple[str, str, list[str]]:
    """Identifier, name and the lines below of a motif's block."""
    title, *lines = [line for line in block.splitlines() if line.strip()] or [""]
    words = title.split(maxsplit=1)
    if not words:
        raise InputError(f"{shown}: a motif has no identifier")
    return words[0], words[-1].strip(), lines


def _numbers(rows: list[list[str]], motif: str, shown: str) -> Counts:
    try:
        return np.array(rows, dtype=np.float64)
    except ValueError:
        raise InputError(f"{shown}: the matrix of the motif {motif} is not a table of numbers") from None


def _checked(values: Counts, motif: str, shown: str) -> Counts:
    """``(position, base)`` numbers that can be counts or probabilities."""
    if not 1 <= len(values) <= MAX_WIDTH:
        raise InputError(f"{shown}: the motif {motif} has {len(values)} positions, not 1 to {MAX_WIDTH}")
    if values.shape[1:] != (4,):
        raise InputError(f"{shown}: the matrix of the motif {motif} has no number for each of A C G T")
    if not np.isfinite(values).all() or (values < 0).any():
        raise InputError(f"{shown}: the motif {motif} has a count that is negative or not finite")
    return values


def _counts(values: Counts, motif: str, shown: str) -> Counts:
    if (_checked(values, motif, shown).sum(axis=1) <= 0).any():
        raise InputError(f"{shown}: the motif {motif} has a position without counts")
    return values
