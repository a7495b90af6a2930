"""Own that one process at a time writes a run's folder. Reads and writes nothing else there.

On this machine ``RUN/.lock`` is locked in the kernel, which unlocks it however its holder ends. Behind a URL, where
nothing can be locked, ``RUN/.lock`` is a lease: its holder writes it anew every `BEAT` seconds, and one that was left
for `STALE` seconds, or whose holder is known to have died on this machine, may be taken over. How old it is, is asked
of the store's clock alone.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import filelock

from regharness.errors import InputError, RegharnessError, StorageError
from regharness.storage import Place, create, make_folder, read, remove_many, write_whole
from regharness.storage_faults import in_archive, reading

LOCK = ".lock"
WAIT, BEAT, STALE, SETTLE, POLL = 10.0, 15.0, 60.0, 2.0, 0.5
"""Seconds."""


class Unwritable(InputError):
    """A folder cannot be written, so that nothing in it can be locked either."""


class Hold:
    """That this process may write a run's folder."""

    def check(self) -> None:
        """Make sure that it still may; the kernel takes no lock away.

        Raises
        ------
        StorageError
            When another run may have taken the folder over.
        """


@contextmanager
def held(
    folder: Place, wait: float = WAIT, tell: Callable[[str], None] = lambda line: print(line, file=sys.stderr)
) -> Iterator[Hold]:
    """Be the one process that writes a run's folder, which is made if it is not there.

    Parameters
    ----------
    folder
        The run's folder.
    wait
        Seconds to wait for another run to end.
    tell
        Told once, when there is another.

    Raises
    ------
    InputError
        When another run still holds the folder, or the folder cannot be written.
    StorageError
        When the lease of a folder behind a URL was lost before the end.
    """
    if in_archive(folder):
        raise Unwritable(f"{folder} is a zip file, which can only be read", help="unpack it, and give its folder")
    lock: _Locked | _Leased = _Locked(folder / LOCK) if isinstance(folder, Path) else _Leased(folder / LOCK)
    try:
        make_folder(folder)
        _wait_for(lock, folder, wait, tell)
    except StorageError as error:
        raise Unwritable(str(error), help="choose another folder with -o") from error
    try:
        yield lock
        lock.check()
    finally:
        lock.release()


@contextmanager
def held_if_writable(folder: Place) -> Iterator[bool]:
    """As `held`, but for a folder that can only be read: whether it can be written.

    Raises
    ------
    InputError
        When another run still holds the folder.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(held(folder))
            writable = True
        except Unwritable:
            writable = False
        yield writable


def _wait_for(lock: _Locked | _Leased, folder: Place, wait: float, tell: Callable[[str], None]) -> None:
    until, told = time.monotonic() + wait, False
    while not lock.acquire():
        at_work = f"{_named(lock.holder())} is at work in {folder}"
        left = until - time.monotonic()
        if left <= 0:
            raise InputError(at_work, help="wait until it has ended, or choose another folder with -o")
        if not told:
            tell(f"{at_work}; waiting for {wait:.0f} s")
            told = True
        time.sleep(min(POLL, left))


def _self() -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "host": platform.node(),
        "machine": _machine(),
        "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _machine() -> str:
    """What tells where a pid means the same process: this machine since it was started, and this container of it."""
    facts = [platform.node()]
    with suppress(OSError):
        facts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    with suppress(OSError):
        facts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(facts)


def _parsed(content: bytes | None) -> dict[str, Any]:
    try:
        facts = json.loads(content or b"{}")
    except ValueError:
        # Read while its holder was writing it.
        return {}
    return facts if isinstance(facts, dict) else {}


def _named(holder: dict[str, Any]) -> str:
    if "pid" not in holder:
        return "another run"
    return f"another run (pid {holder['pid']} on {holder['host']}, since {holder['since']})"


class _Locked(Hold):
    """A lock in the kernel, on a file that says who holds it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = filelock.FileLock(file, timeout=0, fallback_to_soft=False)

    def acquire(self) -> bool:
        try:
            self._lock.acquire()
        except filelock.Timeout:
            return False
        except (OSError, NotImplementedError) as error:
            reason = getattr(error, "strerror", None) or error
            raise Unwritable(f"cannot lock {self._file}: {reason}", help="choose another folder with -o") from None
        try:
            self._say(json.dumps(_self()))
        except InputError:
            self._lock.release()
            raise
        return True

    def holder(self) -> dict[str, Any]:
        return _parsed(read(self._file))

    def release(self) -> None:
        with suppress(InputError):
            self._say("")
        self._lock.release()

    def _say(self, text: str) -> None:
        try:
            # Written in place: under another inode it would be another lock.
            self._file.write_text(text)
        except OSError as error:
            raise Unwritable(f"cannot write to {self._file.parent}: {error.strerror}") from None


class _Leased(Hold):
    """A lease, in an object that says who holds it and is written anew by a thread."""

    def __init__(self, file: Place) -> None:
        self._file = file
        self._content = json.dumps({**_self(), "token": secrets.token_hex(8)}).encode()
        self._lost = ""
        self._beaten = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def acquire(self) -> bool:
        present = read(self._file)
        taken_over = present is not None
        if present is not None:
            if not self._left(present) or read(self._file) != present:
                return False
            remove_many([self._file])
        started = time.monotonic()
        if not create(self._file, self._content):
            return False
        if taken_over:
            # Another that found the same lease left may be about to remove what it takes for that.
            time.sleep(SETTLE)
        if read(self._file) != self._content:
            return False
        self._beaten = started
        self._thread.start()
        return True

    def holder(self) -> dict[str, Any]:
        return _parsed(read(self._file))

    def check(self) -> None:
        if not self._lost and time.monotonic() - self._beaten > STALE:
            self._lost = "it could not be renewed in time"
        if self._lost:
            raise StorageError(f"lost the lease of {self._file.parent}: {self._lost}; run again to resume")

    def release(self) -> None:
        self._ended.set()
        self._thread.join()
        if not self._lost:
            with suppress(RegharnessError):
                if read(self._file) == self._content:
                    remove_many([self._file])

    def _beat(self) -> None:
        while not self._ended.wait(BEAT):
            started = time.monotonic()
            try:
                present = read(self._file)
                if present != self._content:
                    self._lost = f"{_named(_parsed(present))} took it"
                    return
                write_whole(self._file, self._content)
                self._beaten = started
            except RegharnessError:
                # Tried again until it is too late, which `check` notices.
                continue

    def _left(self, present: bytes) -> bool:
        """Whether the holder of the lease is dead, or has not written it for too long."""
        holder = _parsed(present)
        if holder.get("machine") == _machine() and not _alive(holder["pid"]):
            return True
        probe = self._file.with_name(f"{LOCK}.{secrets.token_hex(8)}")
        write_whole(probe, b"")
        try:
            with reading(self._file):
                times = [file.fs.modified(file.path) for file in (probe, self._file) if not isinstance(file, Path)]
        except InputError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                # Given up meanwhile.
                return False
            raise
        finally:
            remove_many([probe])
        return bool((times[0] - times[1]).total_seconds() > STALE)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
