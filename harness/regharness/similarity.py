"""Measure how near each sequence is to the nearest of a reference set, by the words they share. Judges nothing.

The measure is containment (Broder 1997, "On the resemblance and containment of documents"): the share of the
distinct words of one sequence that another holds. A word is ``k`` bases; it and its reverse complement are
one, and a window that holds N is none.

The answer is exact, whatever the sequences. References are reached through an inverted index, a query's rarest
word first, and reading stops once no reference that was not met can be the nearest: one that holds none of the
first ``i`` of ``m`` words holds at most ``m - i`` (the prefix filter of Chaudhuri et al. 2006, "A primitive
operator for similarity joins in data cleaning"). So words that very many references hold, such as poly-A or a
common adapter, are seldom read through. Time grows with the number of pairs only where most pairs share many
words and few of those words are rare. Memory does not: both sides are read in blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from regharness.errors import InputError
from regharness.sequences import N

WORD = 16
"""Bases of a word: unrelated sequences of some hundred bases hardly ever share one of the 4**16 / 2 there are,
and a substitution in the middle of 200 bases leaves 169 of their 185 words, a share of 0.91."""

LONGEST_WORD = 31
"""Two bits a base leave a sign bit to mark an empty slot in 64."""

BLOCK_WORDS = 1 << 22
"""Words of either side in memory at a time: at most 96 MiB of table and 16 MiB of lists."""

_EMPTY = -1
_FIBONACCI = 0x9E3779B97F4A7C15 - (1 << 64)
"""2**64 over the golden ratio, as a signed number: Knuth's multiplicative hashing."""
_SEARCH = 16
"""Looking a reference up in a word's list costs about as much as reading this many of its entries."""

_COMPLEMENT = bytes([3, 2, 1, 0, N]) + bytes(range(5, 256))

Codes = NDArray[np.uint8]
Whole = NDArray[np.int64]
Short = NDArray[np.int32]


class Nearest(NamedTuple):
    """The nearest reference of each sequence.

    Attributes
    ----------
    similarity
        ``(example,)`` float64 in [0, 1]: the share of the sequence's distinct words that its nearest reference
        holds. 0 where no reference shares a word, and so for a sequence without any.
    nearest
        ``(example,)`` int64, index of a reference that reaches it; -1 where none shares a word.
    """

    similarity: NDArray[np.float64]
    nearest: Whole


def nearest_similarity(query: Codes, reference: Codes, k: int = WORD) -> Nearest:
    """Find the reference that holds most of each query's words.

    Parameters
    ----------
    query, reference
        ``(example, position)`` uint8 codes A C G T N = 0..4; their lengths may differ.
    k
        Bases of a word, 1 to 31.

    Returns
    -------
    Nearest
        Exact; of references that tie, one is named, always the same.

    Raises
    ------
    InputError
        When `k` is out of range, or longer than the queries.
    """
    if not 1 <= k <= LONGEST_WORD:
        raise InputError(f"words of {k} bases cannot be compared", help=f"choose 1 to {LONGEST_WORD}")
    if query.shape[1] < k:
        raise InputError(
            f"sequences of {query.shape[1]} bases hold no word of {k}", help=f"choose 1 to {query.shape[1]}"
        )
    similarity = np.zeros(len(query))
    nearest = np.full(len(query), -1, np.int64)
    for rows in _blocks(query, k):
        table, number, starts, held, words = _index(query[rows], k)
        best = np.zeros(len(starts) - 1, np.int64)
        for columns in _blocks(reference, k):
            lists, entries = _lists(reference[columns], k, table, number, words)
            size = columns.stop - columns.start
            _find(starts, held, lists, entries, size, columns.start, best, nearest[rows])
        similarity[rows] = best / np.maximum(np.diff(starts), 1)
    return Nearest(similarity, nearest)


def duplicates(query: Codes, reference: Codes) -> NDArray[np.bool_]:
    """Tell which queries are a reference base for base, on either strand, N at their ends left out.

    Parameters
    ----------
    query, reference
        ``(example, position)`` uint8 codes A C G T N = 0..4; their lengths may differ.

    Returns
    -------
    numpy.ndarray
        ``(example,)`` bool.
    """
    known = {_either_strand(row) for row in reference}
    return np.array([_either_strand(row) in known for row in query], dtype=bool)


def _either_strand(row: Codes) -> bytes:
    """A text that a sequence and its reverse complement have in common."""
    forward = row.tobytes().strip(bytes([N]))
    return min(forward, forward.translate(_COMPLEMENT)[::-1])


def _blocks(sequence: Codes, k: int) -> Iterator[slice]:
    """Rows that hold at most `BLOCK_WORDS` words together, or a single longer one."""
    n, length = sequence.shape
    rows = max(BLOCK_WORDS // max(length - k + 1, 1), 1)
    for first in range(0, n, rows):
        yield slice(first, min(first + rows, n))


@njit(cache=True, nogil=True)
def _words(row: Codes, k: int, out: Whole) -> int:
    """Write the words of one sequence, in order, each as the smaller of its two strands; give their number."""
    mask = (1 << (2 * k)) - 1
    forward = backward = np.int64(0)
    whole = found = 0
    for code in row:
        if code == N:
            whole = 0
            continue
        base = np.int64(code)
        forward = ((forward << 2) | base) & mask
        backward = (backward >> 2) | ((3 - base) << (2 * k - 2))
        whole += 1
        if whole >= k:
            out[found] = min(forward, backward)
            found += 1
    return found


@njit(cache=True, nogil=True)
def _slot(table: Whole, word: int) -> int:
    """Where a word lies in an open-addressed `table`, a power of two long, or the empty slot it belongs into."""
    mask = len(table) - 1
    at = ((word * _FIBONACCI) >> 32) & mask
    while table[at] != _EMPTY and table[at] != word:
        at = (at + 1) & mask
    return at


@njit(cache=True, nogil=True)
def _index(query: Codes, k: int) -> tuple[Whole, Short, Whole, Short, int]:
    """Number the distinct words of the queries.

    Gives the table of words, the number of each, and the queries' distinct words: those of query ``q`` are
    ``held[starts[q]:starts[q + 1]]``; and how many words there are.
    """
    n = len(query)
    windows = query.shape[1] - k + 1
    size = 2
    while size < 2 * n * windows:
        size *= 2
    table = np.full(size, _EMPTY, np.int64)
    number = np.zeros(size, np.int32)
    starts = np.zeros(n + 1, np.int64)
    held = np.empty(n * windows, np.int32)
    last = np.full(n * windows, -1, np.int32)
    found = np.empty(windows, np.int64)
    words = filled = 0
    for q in range(n):
        for word in found[: _words(query[q], k, found)]:
            at = _slot(table, word)
            if table[at] == _EMPTY:
                table[at] = word
                number[at] = words
                words += 1
            one = number[at]
            if last[one] != q:
                last[one] = q
                held[filled] = one
                filled += 1
        starts[q + 1] = filled
    return table, number, starts, held, words


@njit(cache=True, nogil=True)
def _lists(reference: Codes, k: int, table: Whole, number: Short, words: int) -> tuple[Whole, Short]:
    """List, ascending, the references that hold each of the queries' words.

    Those of word ``w`` are ``entries[lists[w]:lists[w + 1]]``.
    """
    found = np.empty(max(reference.shape[1] - k + 1, 0), np.int64)
    lists = np.zeros(words + 1, np.int64)
    entries = np.empty(0, np.int32)
    for filling in (False, True):
        last = np.full(words, -1, np.int32)
        for r in range(len(reference)):
            for word in found[: _words(reference[r], k, found)]:
                at = _slot(table, word)
                one = number[at]
                if table[at] == _EMPTY or last[one] == r:
                    continue
                last[one] = r
                if filling:
                    entries[lists[one]] = r
                    lists[one] += 1
                else:
                    lists[one + 1] += 1
        if not filling:
            lists = np.cumsum(lists)
            entries = np.empty(lists[words], np.int32)
    # Filling moved every start to its list's end, which is where the next one starts.
    lists[1:] = lists[:-1].copy()
    lists[0] = 0
    return lists, entries


@njit(cache=True, nogil=True)
def _find(
    starts: Whole,
    held: Short,
    lists: Whole,
    entries: Short,
    references: int,
    offset: int,
    best: Whole,
    nearest: Whole,
) -> None:
    """Raise each query's `best` number of shared words, and `nearest`, to what these references reach."""
    shared = np.zeros(references, np.int32)
    met = np.empty(references, np.int32)
    for q in range(len(best)):
        words = held[starts[q] : starts[q + 1]]
        lengths = lists[words + 1] - lists[words]
        words, lengths = words[lengths > 0], lengths[lengths > 0]
        words = words[np.argsort(lengths, kind="mergesort")]
        most, which = _nearest(words, lists, entries, best[q], shared, met)
        if which >= 0:
            best[q] = most
            nearest[q] = offset + which


@njit(cache=True, nogil=True)
def _nearest(words: Short, lists: Whole, entries: Short, most: int, shared: Short, met: Short) -> tuple[int, int]:
    """The most of `words`, rarest first, that a reference shares, and which, if more than `most`; else -1.

    `shared`, all zero, and `met` are room to work in.
    """
    m = len(words)
    which = -1
    read = seen = 0
    while m - read > most:
        start, stop = lists[words[read]], lists[words[read] + 1]
        if stop - start > _SEARCH * (m - read):
            # Checking one reference is cheaper than reading the list, and may make reading it needless.
            total = _count(words, read, entries[start], lists, entries, shared[entries[start]])
            if total > most:
                most, which = total, entries[start]
                continue
        for r in entries[start:stop]:
            if shared[r] == 0:
                met[seen] = r
                seen += 1
            shared[r] += 1
            if shared[r] > most:
                most, which = shared[r], r
        read += 1
    if m - read > 0 and seen > 0:
        most, which = _finish(words[read:], met[:seen], lists, entries, shared, most, which)
    shared[met[:seen]] = 0
    return most, which


@njit(cache=True, nogil=True)
def _finish(
    words: Short, met: Short, lists: Whole, entries: Short, shared: Short, most: int, which: int
) -> tuple[int, int]:
    """Settle which of the references that were `met` shares most, now that the rest of the words is known."""
    # The likeliest first: what it reaches leaves fewer to check.
    likeliest = met[np.argmax(shared[met])]
    total = _count(words, 0, likeliest, lists, entries, shared[likeliest])
    if total > most:
        most, which = total, likeliest
    hopeful = met[shared[met] + len(words) > most]
    if len(hopeful) * len(words) * _SEARCH > (lists[words + 1] - lists[words]).sum():
        for word in words:
            for r in entries[lists[word] : lists[word + 1]]:
                shared[r] += shared[r] > 0
                if shared[r] > most:
                    most, which = shared[r], r
        return most, which
    for r in hopeful:
        if shared[r] + len(words) > most:
            total = _count(words, 0, r, lists, entries, shared[r])
            if total > most:
                most, which = total, r
    return most, which


@njit(cache=True, nogil=True)
def _count(words: Short, read: int, r: int, lists: Whole, entries: Short, shared: int) -> int:
    """How many words reference `r` shares, `shared` of those read and some of the rest."""
    for word in words[read:]:
        low, high = lists[word], lists[word + 1]
        while low < high:
            middle = (low + high) // 2
            if entries[middle] < r:
                low = middle + 1
            else:
                high = middle
        shared += low < lists[word + 1] and entries[low] == r
    return shared
