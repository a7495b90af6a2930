"""Own what a file system's refusals are called: one clear line each. Knows no folder of a run."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from regharness.errors import InputError, StorageError

_LIBRARIES = ("botocore", "aiobotocore", "aiohttp", "s3fs", "gcsfs", "google", "requests", "fsspec", "zipfile")
"""Whose errors are those of a store and not of our own code; many of them are no `OSError`."""
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


def _from_store(error: Exception) -> bool:
    # A file system of fsspec that cannot write says so with NotImplementedError.
    return isinstance(error, OSError | NotImplementedError) or any(
        kind.__module__.split(".")[0] in _LIBRARIES for kind in type(error).__mro__
    )


def _said(error: Exception) -> str:
    text = " ".join((getattr(error, "strerror", None) or str(error)).split())
    return text or type(error).__name__


def in_archive(at: Any) -> bool:
    """Whether it lies in a zip file."""
    return "zip" in str(getattr(at, "protocol", "")).split("::")


@contextmanager
def filling(at: Any) -> Iterator[None]:
    """Turn the errors of a full or read-only disk into a `StorageError`; any other is the fault of who writes."""
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK:
            raise
        raise StorageError(f"cannot write to {at}: {_said(error)}") from error


@contextmanager
def storing(at: Any) -> Iterator[None]:
    """Turn what a store refuses while `at` is written into a `StorageError`."""
    if in_archive(at):
        raise StorageError(f"cannot write to {at}: it lies in a zip file, which can only be read")
    try:
        yield
    except Exception as error:
        if not _from_store(error):
            raise
        raise StorageError(f"cannot write to {at}: {_said(error)}") from error


@contextmanager
def reading(at: Any) -> Iterator[None]:
    """Turn what a store refuses while `at` is read into an `InputError`."""
    try:
        yield
    except Exception as error:
        if not _from_store(error):
            raise
        raise InputError(f"cannot read {at}: {_said(error)}") from error
