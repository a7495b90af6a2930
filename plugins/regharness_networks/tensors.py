"""Turn coded sequences into what a network takes: length, bases, strand, axes. Knows no framework."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from regharness.errors import CellError
from regharness.interfaces import ALPHABET
from regharness.sequences import N
from regharness_networks.parameters import NetworkParameters

Codes = NDArray[np.uint8]
COMPLEMENT = np.array([3, 2, 1, 0, N], np.uint8)


def fitted(sequence: Codes, length: int | None, p: NetworkParameters) -> Codes:
    """Sequences of the length that a network takes: cropped to the middle, or centred between N or flanks.

    Parameters
    ----------
    sequence
        ``(example, position)`` uint8 codes A C G T N = 0..4.
    length
        Positions of the network; None where it takes any.

    Raises
    ------
    CellError
        Where sequences are longer or shorter and that is to be refused, or the flanks are too short.
    """
    have = sequence.shape[1]
    if p.shorter == "flank":
        sequence = _flanked(sequence, length, p)
        have = sequence.shape[1]
    if length is None or have == length:
        return sequence
    if have > length:
        if p.longer == "refuse":
            raise CellError(
                f"sequences have {have} bp and the network takes {length}; 'longer: crop' takes their middle"
            )
        start = (have - length) // 2
        return np.ascontiguousarray(sequence[:, start : start + length])
    if p.shorter == "refuse":
        raise CellError(
            f"sequences have {have} bp and the network takes {length}; 'shorter: pad' centres them between N"
        )
    padded = np.full((len(sequence), length), N, np.uint8)
    left = (length - have) // 2
    padded[:, left : left + have] = sequence
    return padded


def _flanked(sequence: Codes, length: int | None, p: NetworkParameters) -> Codes:
    """Sequences with their flanks, of which those bases nearest to the sequence are kept."""
    left, right = (
        np.array([ALPHABET.index(base) for base in flank], np.uint8) for flank in (p.left_flank, p.right_flank)
    )
    if length is not None:
        lacking = length - sequence.shape[1]
        if lacking > len(left) + len(right):
            raise CellError(
                f"the network takes {length} bp; sequences of {sequence.shape[1]} bp with flanks of {len(left)} and "
                f"{len(right)} have fewer"
            )
        lacking = max(lacking, 0)
        # As even as the flanks allow.
        before = min(max(lacking // 2, lacking - len(right)), len(left))
        left, right = left[len(left) - before :], right[: lacking - before]
    n = len(sequence)
    parts = [np.broadcast_to(left, (n, len(left))), sequence, np.broadcast_to(right, (n, len(right)))]
    return np.ascontiguousarray(np.concatenate(parts, axis=1))


def other_strand(sequence: Codes) -> Codes:
    """Reverse complements."""
    return np.ascontiguousarray(COMPLEMENT[sequence[:, ::-1]])


def code_table(p: NetworkParameters) -> NDArray[np.float32]:
    """What each code is encoded as: ``(code, channel)`` float32."""
    table = np.zeros((len(ALPHABET), 4), np.float32)
    for channel, base in enumerate(p.alphabet):
        table[ALPHABET.index(base), channel] = 1.0
    if p.unknown == "uniform":
        table[N] = 0.25
    return table


def encode(sequence: Codes, p: NetworkParameters, layout: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    """What a network is given of sequences: numbers for each base, or of bases where `layout` is ``NL``.

    Parameters
    ----------
    sequence
        ``(example, position)`` uint8 codes.
    p, layout
        Description, and axes as of `regharness_networks.inputs`.
    dtype
        Type of the input. Encoded bases are made in float32 first.
    """
    if layout == "NL":
        assert p.tokens is not None
        return np.array([p.tokens[base] for base in ALPHABET])[sequence].astype(dtype)  # type: ignore[index]
    encoded = one_hot(np.ascontiguousarray(sequence), code_table(p), layout.replace("1", ""))
    encoded = encoded.astype(dtype, copy=False)
    return np.expand_dims(encoded, layout.index("1")) if "1" in layout else encoded


def one_hot(sequence: Codes, table: NDArray[np.float32], layout: str) -> NDArray[np.float32]:
    """Encode codes: ``(example, position, base)`` for the layout NLC, ``(example, base, position)`` for NCL."""
    n, length = sequence.shape
    if layout == "NLC":
        encoded = np.empty((n, length, 4), np.float32)
        _encode_last(sequence, table, encoded)
    else:
        encoded = np.empty((n, 4, length), np.float32)
        _encode_first(sequence, table, encoded)
    return encoded


@numba.njit(cache=True, nogil=True)
def _encode_last(sequence, table, encoded):  # type: ignore[no-untyped-def]
    for i in range(sequence.shape[0]):
        for p in range(sequence.shape[1]):
            for c in range(4):
                encoded[i, p, c] = table[sequence[i, p], c]


@numba.njit(cache=True, nogil=True)
def _encode_first(sequence, table, encoded):  # type: ignore[no-untyped-def]
    for i in range(sequence.shape[0]):
        for c in range(4):
            for p in range(sequence.shape[1]):
                encoded[i, c, p] = table[sequence[i, p], c]
