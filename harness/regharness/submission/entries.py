"""Own the entries of a board, and what those say that nobody vouches for: nothing that decides how others look.

The digest by which a self-reported entry names its benchmark is a claim like its scores. Its test sets must be those of
the entries that were scored anew, or, where none was, of the most; and where some were, it adds no metric to theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import xarray as xr

from regharness.results import Badge
from regharness.submission.manifest import BenchmarkRef, Card, SliceInfo
from regharness.submission.sheets import Sheet
from regharness.submission.verification import Verdict


@dataclass(frozen=True)
class Entry:
    """A submission that passed, and the scores that stand for it."""

    verdict: Verdict
    card: Card
    benchmark: BenchmarkRef
    sheet: Sheet
    badge: Badge
    version: int

    @property
    def vouched(self) -> bool:
        """Whether somebody else than its makers stands for its scores."""
        return self.badge != "self-reported"

    @property
    def infos(self) -> list[SliceInfo]:
        """The shapes of its predictions, one a task."""
        return [] if self.verdict.manifest is None else self.verdict.manifest.cubes


def agreed_infos(entries: Sequence[Entry]) -> dict[str, SliceInfo]:
    """Task to the shapes that the vouched entries have, or, where none has the task, most entries."""
    found: dict[str, SliceInfo] = {}
    for deciding in ([entry for entry in entries if entry.vouched], entries):
        infos = [info for entry in deciding for info in entry.infos if info.task not in found]
        counts = Counter((info.task, _shape(info)) for info in infos)
        for info in sorted(infos, key=lambda info: -counts[info.task, _shape(info)]):
            found.setdefault(info.task, info)
    return found


def apart(entries: Iterable[Entry], infos: dict[str, SliceInfo]) -> Iterator[Entry]:
    """The entries of other test sets than the rest."""
    for entry in entries:
        if any(info.task not in infos or _shape(info) != _shape(infos[info.task]) for info in entry.infos):
            yield entry


def within(sheet: Sheet, vouched: Sequence[Sheet]) -> Sheet:
    """A sheet with no other scores and curves than `vouched` ones have; as it is where there are none."""
    if not vouched:
        return sheet
    scores = _common(sheet.scores, [one.scores for one in vouched])
    scores.attrs = {**sheet.scores.attrs, "metrics": [name for name in sheet.scores.attrs["metrics"] if name in scores]}
    blocks = _common(sheet.blocks, [one.blocks for one in vouched])
    return Sheet(scores, blocks, _common(sheet.curves, [one.curves for one in vouched]))


def _common(held: xr.Dataset, vouched: Sequence[xr.Dataset]) -> xr.Dataset:
    known = {name for one in vouched for name in one.data_vars}
    return held.drop_vars([name for name in held.data_vars if name not in known])


def _shape(info: SliceInfo) -> str:
    """What of the shapes is the benchmark's, and no model's."""
    return info.model_dump_json(exclude={"model", "levels", "variables"})
