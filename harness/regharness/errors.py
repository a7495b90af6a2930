"""Own every error that a user can mend. Formats nothing for a screen."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong with what the user gave.

    Parameters
    ----------
    message
        Names the offender and, where there is one, the nearest right answer.
    where
        ``path:line:column`` or a path; empty when the problem has no place.
    source
        The offending line of the file, shown with a caret under it.
    column
        1-based column of the caret in `source`.
    help
        What to do about it: the choices, or a command.
    """

    message: str
    where: str = ""
    source: str = ""
    column: int = 0
    help: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.help})" if self.help else text


MOST_SHOWN, MOST_NEAR = 24, 8
"""Of more choices than the first, only as many of the nearest as the second are named."""


class RegharnessError(Exception):
    """Root of the errors that end a command with a readable line instead of a traceback."""

    exit_code = 2


class InputError(RegharnessError):
    """The user's input is wrong: spec, data, parameters, folder. Carries every problem found."""

    def __init__(self, problems: str | Problem | Sequence[Problem], *, help: str = "") -> None:
        if isinstance(problems, str):
            problems = Problem(problems, help=help)
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class TooManyExamples(RegharnessError):
    """A score needs more examples at once than are read into memory: it is left out, and that is noted."""


class CellError(RegharnessError):
    """A model's answer cannot be used (NaN, wrong shape, negative variance): its cell fails, the run goes on."""

    exit_code = 1


class StorageError(RegharnessError):
    """A run's folder could not be written: a full disk, a folder that allows no writing. What was stored is kept."""

    exit_code = 1


class ExecutorError(RegharnessError):
    """What runs the cells cannot go on: a scheduler was lost, workers do not start. What was stored is kept."""

    exit_code = 1


class VerificationError(RegharnessError):
    """What was checked is not what it should be."""

    exit_code = 3


def unknown_name(kind: str, name: str, known: Iterable[str], *, listed: str = "installed") -> tuple[str, str]:
    """Say that `name` is no known `kind`: the message with the nearest right answer, and the choices."""
    choices = sorted(known)
    close = difflib.get_close_matches(name, choices, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    shown, more = choices, ""
    if len(choices) > MOST_SHOWN:
        near = difflib.get_close_matches(name, choices, n=MOST_NEAR, cutoff=0.2)
        shown, more = (
            sorted(near) or choices[:MOST_NEAR],
            f", and {len(choices) - len(near or choices[:MOST_NEAR])} more",
        )
    return f"no {kind} named '{name}'{hint}", f"{listed}: {', '.join(shown) or 'none'}{more}"
