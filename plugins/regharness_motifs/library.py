"""Own motif libraries: named motifs as smoothed probabilities, from files, JASPAR or built in. Scans no sequence."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regharness.errors import InputError, unknown_name
from regharness_motifs.formats import Named, read_counts
from regharness_motifs.jaspar import read_jaspar, release

BUILTIN = "builtin"
JASPAR = r"jaspar|JASPAR\d{4}"
"""Names of JASPAR's releases: the latest, or one of a year."""
MAX_BYTES = 20_000_000
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
        ``"builtin"``; ``"jaspar"``, all vertebrate matrices of JASPAR CORE, or those of a release such as
        ``"JASPAR2024"``; or a file in JASPAR, MEME or TRANSFAC format.

    Raises
    ------
    InputError
        A file that is too large, in no such format, empty, or with a matrix that is no matrix; ``"jaspar"``
        without pyjaspar.
    """
    if source == BUILTIN:
        return _builtin()
    if re.fullmatch(JASPAR, str(source)):
        return _jaspar(release(str(source)))
    path = Path(source)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read motifs from {path}: {error}") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"{path} is larger than {MAX_BYTES:,} bytes, the most a motif library may have")
    return _smoothed(read_counts(text, str(path)))


@functools.cache
def _builtin() -> MotifSet:
    text = (Path(__file__).parent / "builtin.jaspar").read_text()
    return _smoothed(read_counts(text, "the built-in motifs"))


@functools.cache
def _jaspar(name: str) -> MotifSet:
    return _smoothed(read_jaspar(name))


def _smoothed(motifs: list[Named]) -> MotifSet:
    ids, names, counts = zip(*motifs, strict=True)
    smoothed = [part + PSEUDOCOUNT / 4 for part in counts]
    return MotifSet(ids, names, tuple(part / part.sum(axis=1, keepdims=True) for part in smoothed))
