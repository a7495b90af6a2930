"""Own where the pages of a site lie, and how one leads to another. Writes none."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from regharness.results import Results
from regharness_report.addresses import address

INDEX, ABOUT = "index.html", "about.html"


@dataclass(frozen=True)
class Places:
    """Where the pages of a benchmark lie, from the top of the site."""

    home: str

    @property
    def csv(self) -> str:
        """Its board as CSV."""
        return f"{self.home}/leaderboard.csv"

    @property
    def json(self) -> str:
        """Its board as JSON."""
        return f"{self.home}/leaderboard.json"

    def task(self, task: str) -> str:
        """The page of a task."""
        return f"{self.home}/tasks/{address(task)}.html"

    def operator(self, task: str, operator: str) -> str:
        """The page of a shift operator of a task."""
        return f"{self.home}/shifts/{address(task)}/{address(operator)}.html"

    def model(self, model: str) -> str:
        """The page of a model."""
        return f"{self.home}/models/{address(model)}.html"


def places_of(results: Sequence[Results]) -> list[Places]:
    """A home for each benchmark: its name and version, and a number where another is called the same."""
    taken: dict[str, int] = {}
    homes = []
    for one in results:
        home = f"{address(one.name)}-v{one.version}"
        taken[home] = taken.get(home, 0) + 1
        homes.append(Places(home if taken[home] == 1 else f"{home}-{taken[home]}"))
    return homes


def link(start: str, end: str) -> str:
    """How a page leads to a file, both from the top of the site."""
    return posixpath.relpath(end, posixpath.dirname(start) or ".")
