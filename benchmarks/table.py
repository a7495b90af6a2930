"""Write ``benchmarks/RESULTS.md`` from what pytest-benchmark measured, beside what was last committed.

``python benchmarks/table.py MEASURED.json [--accept]`` ends with 1 when a ratio has become more than 20% worse than the
last one, unless it is to be accepted, and with 2 when a benchmark is missing.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ratios import FACTS, RATIOS, Fact, Ratio

RESULTS = Path(__file__).with_name("RESULTS.md")
WORSE = 1.2
LIBRARIES = ("numpy", "zarr", "xarray", "torch", "dask", "onnxruntime", "keras")


def measured(path: Path) -> dict[str, dict[str, Any]]:
    """Benchmark, as ``FILE::NAME``, to what pytest-benchmark noted of it."""
    return {
        found["fullname"].rpartition("benchmarks/")[2]: found for found in json.loads(path.read_text())["benchmarks"]
    }


def value_of(ratio: Ratio, found: Mapping[str, Mapping[str, Any]]) -> float:
    """The ratio as it was measured."""
    if not ratio.reference:
        return float(found[ratio.measured]["extra_info"][ratio.extra])
    ours, theirs = (found[name]["stats"]["min"] for name in (ratio.measured, ratio.reference))
    return float(theirs / ours if ratio.more_is_better else ours / theirs)


def fact_of(fact: Fact, found: Mapping[str, Mapping[str, Any]]) -> float:
    """The number as it was measured; seconds where the benchmark noted nothing else."""
    noted = found[fact.measured]
    return float(noted["extra_info"][fact.extra] if fact.extra else noted["stats"]["min"])


def verdict(of: Ratio | Fact, value: float) -> tuple[str, str]:
    """The target in words, and whether it is met."""
    unit = f" {of.unit}" if isinstance(of, Fact) else "x"
    if of.at_most is not None:
        return f"at most {of.at_most:,g}{unit}", "yes" if value <= of.at_most else "**no**"
    if of.at_least is not None:
        return f"at least {of.at_least:,g}{unit}", "yes" if value >= of.at_least else "**no**"
    return "", ""


def is_worse(ratio: Ratio, value: float, last: float | None) -> bool:
    """Whether a ratio is more than 20% worse than the last."""
    if last is None:
        return False
    return value * WORSE < last if ratio.more_is_better else value > last * WORSE


def last_ratios(text: str) -> dict[tuple[str, str], float]:
    """What, against what, to the ratio, of a table that was written before."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        number = re.fullmatch(r"([\d,.]+)x", cells[2]) if len(cells) == 6 else None
        if number:
            found[cells[0], cells[1]] = float(number[1].replace(",", ""))
    return found


def shown(value: float) -> str:
    """Three digits, and no exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def rows(found: Mapping[str, Mapping[str, Any]], last: Mapping[tuple[str, str], float]) -> tuple[list[str], list[str]]:
    """Lines of the table of ratios, and what has become worse."""
    lines, worse = [], []
    for ratio in RATIOS:
        value, before = value_of(ratio, found), last.get((ratio.what, ratio.against))
        target, met = verdict(ratio, value)
        held = "" if before is None else f"{shown(before)}x"
        if is_worse(ratio, value, before):
            worse.append(f"{ratio.what} against {ratio.against}: {shown(value)}x, and {held} the last time")
            held += " **worse**"
        lines.append(f"| {ratio.what} | {ratio.against} | {shown(value)}x | {target} | {met} | {held} |")
    return lines, worse


def facts(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Lines of the table of numbers with units."""
    lines = []
    for fact in FACTS:
        value = fact_of(fact, found)
        target, met = verdict(fact, value)
        lines.append(f"| {fact.what} | {shown(value)} {fact.unit} | {target} | {met} |")
    return lines


def machine() -> list[tuple[str, str]]:
    """What the numbers were measured on."""
    versions = (f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES if _installed(name))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return [
        ("processor", f"{_processor()}, {os.cpu_count()} cores"),
        ("memory", f"{memory:.0f} GiB"),
        ("system", platform.platform()),
        ("Python", platform.python_version()),
        ("libraries", ", ".join(versions)),
        ("date", datetime.now(UTC).strftime("%Y-%m-%d")),
        *([("commit", commit)] if (commit := _commit()) else []),
    ]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*:\s*(.+)$", info.read_text(), re.M) if info.exists() else []
    return names[0] if names else platform.processor() or platform.machine()


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=RESULTS.parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout


def _commit() -> str:
    found = _git("describe", "--always", "--dirty", "--exclude=*").strip()
    return found.replace("-dirty", ", with changes that are not committed")


def last_text() -> str:
    """The table that was last committed, or where git knows none, that which lies there."""
    return _git("show", "HEAD:./RESULTS.md") or (RESULTS.read_text() if RESULTS.exists() else "")


def page(found: Mapping[str, Mapping[str, Any]], last: Mapping[tuple[str, str], float]) -> tuple[str, list[str]]:
    """The whole page, and what has become worse."""
    lines, worse = rows(found, last)
    return "\n".join(_page(lines, facts(found))) + "\n", worse


def _page(ratios: Iterable[str], numbers: Iterable[str]) -> Iterable[str]:
    yield "# Benchmarks"
    yield ""
    yield "Written by `make bench`, which measures both sides of every ratio in one session. A ratio is of least times:"
    yield '"at most" is how many times as long as the other side, "at least" how many times as fast. *Last* is what was'
    yield "committed before; where a ratio is more than 20% worse, `make bench` fails, unless it says `ACCEPT=1`."
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield from (f"| {name} | {value} |" for name, value in machine())
    yield ""
    yield "| what | against | ratio | target | met | last |"
    yield "|---|---|---|---|---|---|"
    yield from ratios
    yield ""
    yield "What follows depends on the machine, and is not held against the last time."
    yield ""
    yield "| what | measured | target | met |"
    yield "|---|---|---|---|"
    yield from numbers


def main(words: list[str], say: Callable[[str], None] = lambda text: print(text, file=sys.stderr)) -> int:
    """Write the page; 0 where nothing has become worse."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measured", type=Path)
    parser.add_argument("--accept", action="store_true", help="Take what has become worse as it is.")
    told = parser.parse_args(words)
    found = measured(told.measured)
    wanted = {name for row in (*RATIOS, *FACTS) for name in (row.measured, getattr(row, "reference", "")) if name}
    if missing := sorted(wanted - found.keys()):
        say("no measurement of " + ", ".join(missing))
        return 2
    text, worse = page(found, last_ratios(last_text()))
    RESULTS.write_text(text, encoding="utf-8")
    say(f"wrote {RESULTS}")
    for line in worse:
        say(f"worse: {line}")
    return 1 if worse and not told.accept else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
