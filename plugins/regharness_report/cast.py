"""Own how each model looks on all figures and tables of a task: the best have a colour, the rest is grey."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from regharness.results import Results
from regharness.standings import Standings

COLOURED = 6
"""More hues cannot be told apart."""

LABEL = 15
"""Letters of a name that fit beside a drawing."""


@dataclass(frozen=True)
class Actor:
    """A model as it is drawn.

    Attributes
    ----------
    number
        Its place in the results, by which a page finds all that is drawn of it.
    tone
        Class of its colour: ``c0`` to ``c5`` of the best six, ``control``, or ``rest``.
    aside
        Why it has no rank on the board; empty if it may have one.
    """

    model: str
    display: str
    number: int
    tone: str
    aside: str

    @property
    def coloured(self) -> bool:
        """Whether it has a colour of its own."""
        return self.tone not in ("rest", "control")

    @property
    def stretches(self) -> bool:
        """Whether axes must show all of it; a control may lie far from everyone."""
        return self.tone != "control"

    @property
    def label(self) -> str:
        """Its name, cut where it is too long for a drawing."""
        return self.display if len(self.display) <= LABEL else self.display[: LABEL - 1] + "…"


Cast = dict[str, Actor]


def cast_of(results: Results, standings: Standings, task: str) -> Cast:
    """Label to actor, in the order of the task's board."""
    numbers = {model: number for number, model in enumerate(results.entrants)}
    cast: Cast = {}
    colours = iter(range(COLOURED))
    for row in standings.board.rows:
        if row.task == task:
            aside = standings.aside.get((task, row.model), "")
            control = results.entrants[row.model].badge == "control"
            colour = None if aside else next(colours, None)
            tone = "control" if control else "rest" if colour is None else f"c{colour}"
            display = results.entrants[row.model].display
            cast[row.model] = Actor(row.model, display, numbers[row.model], tone, aside)
    return cast


def drawn_of(cast: Cast) -> Cast:
    """Those that figures show: not those whose scores nobody has checked, where those of others have been."""
    return {model: actor for model, actor in cast.items() if actor.aside != "self-reported"}


def back_to_front(actors: Iterable[Actor]) -> list[Actor]:
    """In the order of drawing: grey first, then colours from the last to the best, which so lies on top."""
    drawn = list(actors)
    coloured = [actor for actor in drawn if actor.coloured]
    return [*(actor for actor in drawn if not actor.coloured), *reversed(coloured)]
