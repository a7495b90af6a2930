"""Own the digest of what models are given of a test set: its ids and sequences. Reads no file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from regharness.interfaces import SequenceBatch


class InputsDigest:
    """Sha256 of the ids and sequences of a test set, the same whatever blocks it comes in."""

    def __init__(self) -> None:
        self._ids, self._sequences = hashlib.sha256(), hashlib.sha256()
        self._examples = self._length = 0

    def add(self, block: SequenceBatch) -> None:
        """Take the next examples."""
        self.add_rows([str(name) for name in block.ids], block.sequence)

    def add_rows(self, ids: Sequence[str], sequence: NDArray[np.uint8]) -> None:
        """Take the next examples, by their ids and their codes ``(example, position)``."""
        self._examples, self._length = self._examples + len(ids), sequence.shape[1]
        # A length before each id: no two lists of ids read alike.
        self._ids.update("".join(f"{len(name)}:{name}" for name in ids).encode())
        self._sequences.update(np.ascontiguousarray(sequence, np.uint8).data)

    def hexdigest(self) -> str:
        """The digest of all that was taken."""
        parts = f"{self._examples} {self._length} {self._ids.hexdigest()} {self._sequences.hexdigest()}"
        return hashlib.sha256(parts.encode()).hexdigest()
