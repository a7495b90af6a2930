"""Start `regharness` many times at the cost of one import, look at its processes, and read what a run has finished."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SERVER = """
import json, os, sys, warnings
import regharness.api, regharness.cli, regharness.joining, regharness.similarity, xarray, zarr, scipy.stats, rich.table
for line in sys.stdin:
    words, out, err = json.loads(line)
    pid = os.fork()
    if not pid:
        for stream, name in ((1, out), (2, err)):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        try:
            regharness.cli.main(words)
        except SystemExit as stop:
            sys.stdout.flush()
            os._exit(stop.code or 0)
        os._exit(99)
    print(pid, flush=True)
    _, status = os.waitpid(pid, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


class Launcher:
    """A process that has imported everything, with `fragile` as a plugin, and forks a `regharness` for each call."""

    def __init__(self, folder: Path) -> None:
        self._out, self._err = folder / "stdout", folder / "stderr"
        site = folder / "site"
        info = site / "fragile_plugin-1.0.dist-info"
        info.mkdir(parents=True)
        (site / "fragile_plugin.py").write_text(Path(__file__).with_name("fragile.py").read_text())
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fragile_plugin\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[regharness]\nfragile_plugin = fragile_plugin\n")
        self._server = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])},
        )

    def start(self, *words: object) -> int:
        """Begin a call; its pid."""
        line = json.dumps([list(map(str, words)), str(self._out), str(self._err)])
        self._server.stdin.write(line + "\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())

    def wait(self) -> tuple[int, str]:
        """Exit status and stderr of the call that was begun; a status below zero is a signal."""
        code = int(self._server.stdout.readline())
        return code, self._err.read_text()

    def call(self, *words: object) -> tuple[int, str]:
        """Begin and wait."""
        self.start(*words)
        return self.wait()

    @property
    def said(self) -> str:
        """Stdout of the last call."""
        return self._out.read_text()

    def close(self) -> None:
        """End it."""
        self._server.stdin.close()
        self._server.wait(timeout=60)
        self._server.stdout.close()


def workers_of(pid: int) -> list[int]:
    """Worker processes that a process has started and that are not dead."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                words = (entry / "cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(parent) == pid and state != "Z" and b"spawn_main" in words:
                found.append(int(entry.name))
    return sorted(found)


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def all_gone(pids: list[int], seconds: float = 5.0) -> bool:
    """Whether all these processes end within so many seconds."""
    until = time.monotonic() + seconds
    while any(map(alive, pids)):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def kill(pid: int, how: signal.Signals = signal.SIGKILL) -> bool:
    """Send a signal; whether there was a process to get it."""
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        return False
    return True


def lines(file: Path) -> list[dict]:
    """The whole lines of a file of JSON lines."""
    if not file.exists():
        return []
    found = []
    for line in file.read_bytes().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def finished(folder: Path) -> set[tuple[str, str, int]]:
    """Cells, by model, shift and seed, that a run has finished: recorded, told of, or delivered."""
    told = [one for one in lines(folder / "log.jsonl") if one["event"] == "cell_finished"]
    recorded = lines(folder / "cells.jsonl")
    delivered = []
    for file in (folder / "incoming").glob("*.json"):
        try:
            delivered.append(json.loads(file.read_text()))
        except (FileNotFoundError, ValueError):
            continue
    both = [one for one in (*told, *recorded, *delivered) if "model" in one and one["status"] == "done"]
    return {(one["model"], one["shift"], one["seed"]) for one in both}


def calls(log: Path, what: str) -> list[tuple[str, str, int]]:
    """Cells, by model, shift and seed, for which a logging model was called, as often as it was."""
    found = [one for one in lines(log) if one[0] == what]
    return [(model, shift, int(seed)) for _, shift, seed, model in found]
