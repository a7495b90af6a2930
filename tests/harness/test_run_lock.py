"""One process at a time writes a run's folder, however the one before ended."""

from __future__ import annotations

import json
import platform
import signal
import subprocess
import sys
import threading
import time

import pytest

from regharness import InputError, run_lock, storage
from regharness.errors import StorageError
from regharness.run_lock import held, held_if_writable
from regharness.storage import place

HOLDER = """
import sys, time
from regharness.run_lock import held
from regharness.storage import place
with held(place(sys.argv[1])):
    print("holds", flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.slow)])
def where(request, tmp_path):
    """A folder of each kind, as text."""
    return str(tmp_path / "run") if request.param == "local" else request.getfixturevalue("s3")


@pytest.fixture
def holder(where):
    """Another process that holds the folder."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, where], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "holds\n"
        yield process
        process.kill()


def silent(line):
    """Tell nobody."""


def test_a_second_run_is_refused_with_the_name_of_the_first(where, holder):
    expected = rf"^another run \(pid {holder.pid} on {platform.node()}, since .*Z\) is at work in {where} "
    with pytest.raises(InputError, match=expected), held(place(where), wait=0.1, tell=silent):
        pass


def test_it_says_once_that_it_waits(where, holder):
    lines = []
    with pytest.raises(InputError, match="at work"), held(place(where), wait=1.2, tell=lines.append):
        pass
    assert len(lines) == 1
    assert lines[0].endswith("; waiting for 1 s")


def test_a_killed_run_blocks_none(where, holder):
    holder.kill()
    holder.wait()
    with held(place(where), wait=0, tell=silent) as hold:
        hold.check()


def test_a_waiting_run_goes_on_when_the_first_ends(where, holder):
    threading.Timer(0.5, holder.send_signal, [signal.SIGKILL]).start()
    reaper = threading.Thread(target=holder.wait)
    reaper.start()
    with held(place(where), wait=20, tell=silent):
        assert holder.poll() is not None
    reaper.join()


def test_a_folder_can_be_held_again_once_it_was_given_back(where):
    for _ in range(2):
        with held(place(where), wait=0):
            pass


def test_an_error_gives_it_back_too(where):
    with pytest.raises(ZeroDivisionError, match="by zero"), held(place(where)):
        _ = 1 / 0
    with held(place(where), wait=0):
        pass


def test_of_many_at_once_one_holds_it_at_a_time(where):
    code = """
import sys, time
from regharness import storage
from regharness.run_lock import held
from regharness.storage import place
folder = place(sys.argv[1])
for _ in range(3):
    with held(folder, wait=60, tell=lambda line: None):
        assert storage.read(folder / "inside") is None
        storage.write_whole(folder / "inside", b"")
        time.sleep(0.02)
        storage.remove_many([folder / "inside"])
"""
    racers = [subprocess.Popen([sys.executable, "-c", code, where]) for _ in range(3)]
    assert [racer.wait(timeout=120) for racer in racers] == [0, 0, 0]


@pytest.fixture
def quick(monkeypatch):
    """Leases that are renewed and left within a second."""
    for name, seconds in (("BEAT", 0.2), ("STALE", 1.0), ("SETTLE", 0.1)):
        monkeypatch.setattr(run_lock, name, seconds)


def lease(folder, pid=1, machine="another"):
    holder = {"pid": pid, "host": "elsewhere", "machine": machine, "since": "2020-01-01T00:00:00Z", "token": "x"}
    storage.write_whole(folder / run_lock.LOCK, json.dumps(holder).encode())


def test_the_lease_of_a_machine_that_went_away_is_taken_over_when_it_is_old(s3, quick):
    lease(place(s3))
    with pytest.raises(InputError, match="pid 1 on elsewhere"), held(place(s3), wait=0, tell=silent):
        pass
    started = time.monotonic()
    with held(place(s3), wait=20, tell=silent):
        # Servers of S3 keep whole seconds.
        assert 0.0 < time.monotonic() - started < 10


def test_a_renewed_lease_is_not_old(s3, quick):
    with held(place(s3)) as hold:
        time.sleep(2.5)
        with pytest.raises(InputError, match="at work"), held(place(s3), wait=0, tell=silent):
            pass
        hold.check()


def test_losing_a_lease_is_noticed(s3, quick):
    def lose():
        with held(place(s3)) as hold:
            lease(place(s3))
            time.sleep(0.6)
            hold.check()

    with pytest.raises(StorageError, match=r"lost the lease of .*: another run \(pid 1 on elsewhere"):
        lose()
    assert json.loads(storage.read(place(s3) / run_lock.LOCK))["token"] == "x"


def test_a_lease_that_cannot_be_renewed_is_lost_in_time(s3, quick, monkeypatch):
    def lose():
        with held(place(s3)):
            monkeypatch.setattr(run_lock, "BEAT", 60.0)
            time.sleep(1.6)

    monkeypatch.setattr(run_lock, "BEAT", 60.0)
    with pytest.raises(StorageError, match="it could not be renewed in time"):
        lose()


def test_a_lease_leaves_nothing_behind(s3):
    with held(place(s3)):
        pass
    assert storage.listing(place(s3)) == {}


def test_a_disk_that_allows_no_writing_is_named(read_only_disk):
    with pytest.raises(InputError, match="Read-only file system"), held(read_only_disk):
        pass


def test_a_folder_that_can_only_be_read_is_checked_unlocked(read_only_disk, tmp_path):
    with held_if_writable(read_only_disk) as fixed, held_if_writable(tmp_path) as writable:
        assert (fixed, writable) == (False, True)


def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch):
    import fcntl

    def refuse(descriptor, how):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(InputError, match=r"cannot lock .*\.lock: No locks available"), held(tmp_path):
        pass
