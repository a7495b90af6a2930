"""Own how many examples a network is given at a time. Runs no network."""

from __future__ import annotations

CPU_BATCH = 256
"""Fastest for small networks on a processor's core, between 64 and 256."""
LARGEST = 8192
"""Beyond it an accelerator gains nothing, and some kernels count elements in 32 bits."""
SHARE = 1000
"""Of the free memory, the encoded input may take one part in so many: a wide first layer makes 64 numbers of one, and
a few layers' numbers are there at a time."""
UNTOLD_MEMORY = 4 * 2**30
"""Bytes that are taken to be free where a framework cannot tell."""


class OutOfMemory(Exception):
    """The device has no memory for a batch of this size."""


def first_batch_size(accelerated: bool, free: int | None, example: int) -> int:
    """Examples of the first batch; a network that runs out of memory is then given half.

    On an accelerator the largest power of two, at most `LARGEST`, whose encoded input takes a `SHARE`-th of the free
    memory; at least 1. On a processor `CPU_BATCH`.

    Parameters
    ----------
    accelerated
        Whether the network is on anything but a processor.
    free
        Bytes that are free there; None where that is not told.
    example
        Bytes of one encoded example.
    """
    if not accelerated:
        return CPU_BATCH
    fitting = (UNTOLD_MEMORY if free is None else free) // SHARE // max(example, 1)
    return int(min(LARGEST, 2 ** max(fitting.bit_length() - 1, 0)))


SHORT_OF_MEMORY = (
    "out of memory",
    "outofmemory",
    "resource_exhausted",
    "resourceexhausted",
    "oom when allocating",
    "can't allocate memory",
    "failed to allocate",
    "bad_alloc",
    "bad allocation",
    "allocaterawinternal",
    "status_alloc_failed",
    "32-bit index",
    "32bitindex",
)
"""How frameworks say so, in the name of an error or its text. A tensor with more elements than a kernel counts is
mended the same way."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of a framework says that memory did not suffice, so that a smaller batch may do."""
    text = f"{type(error).__name__} {error}".lower()
    return isinstance(error, MemoryError) or any(word in text for word in SHORT_OF_MEMORY)
