"""Hold every claim against a run: verdicts as plain values and as tables. Computes no score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regharness.errors import InputError
from regharness.run_folder import Run
from regharness_paper.claims import CLAIMS, Claim, Test, Verdict, verdict
from regharness_paper.evidence import Measured, Scores

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult


STYLES: dict[Verdict, str] = {
    "holds": "bold green",
    "holds in part": "bold yellow",
    "does not hold": "bold red",
}


@dataclass(frozen=True)
class Judged:
    """A claim, what was measured for each of its tests, and whether it holds.

    Attributes
    ----------
    evidence
        Test to each model's measurement, and whether the claim is right about it.
    """

    claim: Claim
    evidence: Sequence[tuple[Test, Sequence[tuple[Measured, bool]]]]

    @property
    def verdict(self) -> Verdict:
        """Of all tests and models together."""
        return verdict([right for _, found in self.evidence for _, right in found])


def judge(run: Run, claims: Sequence[Claim] = CLAIMS) -> list[Judged]:
    """Hold claims against a run of ``specs/paper.yaml``.

    Raises
    ------
    InputError
        When the run lacks a task, model, shift or metric that a claim is about.
    """
    scores = Scores(run.scores)
    try:
        return [Judged(claim, [(test, list(test.evidence(scores))) for test in claim.tests]) for claim in claims]
    except KeyError as error:
        raise InputError(
            f"{run.folder} has no {error.args[0]}, which a claim is about",
            help="give a run of the spec 'paper', which 'regharness reproduce' makes",
        ) from None


def plain(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """Verdicts as plain JSON values."""
    return [
        {
            "claim": one.claim.text,
            "verdict": one.verdict,
            "tests": [
                {
                    "asks": test.asks,
                    "models": [{**vars(found), "holds": right} for found, right in evidence],
                }
                for test, evidence in one.evidence
            ],
        }
        for one in judged
    ]


class VerdictsView:
    """Verdicts for a terminal."""

    def __init__(self, judged: Sequence[Judged]) -> None:
        self._judged = judged

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.padding import Padding
        from rich.table import Table
        from rich.text import Text

        for number, one in enumerate(self._judged, 1):
            yield Text.assemble((f"{number}. {one.claim.text} ", "bold"), (one.verdict, STYLES[one.verdict]))
            for test, evidence in one.evidence:
                yield Padding(Text(test.asks), (0, 0, 0, 3))
                table = Table.grid(padding=(0, 2))
                for found, right in evidence:
                    table.add_row(*_cells(found), Text("yes" if right else "no", style="green" if right else "red"))
                yield Padding(table, (0, 0, 0, 6))
            yield Text()


def markdown(judged: Sequence[Judged]) -> Iterator[str]:
    """Lines of a Markdown table: claim, verdict, and what was measured."""
    yield "| claim | verdict | asked | measured, with 95% interval over seeds |"
    yield "|---|---|---|---|"
    for one in judged:
        for place, (test, evidence) in enumerate(one.evidence):
            found = "; ".join(" ".join(_cells(measured)) + ("" if right else " (no)") for measured, right in evidence)
            head = (one.claim.text, f"**{one.verdict}**") if place == 0 else ("", "")
            yield f"| {head[0]} | {head[1]} | {test.asks} | {found} |"


def _cells(found: Measured) -> tuple[str, str, str]:
    ends = "" if found.low is None or found.high is None else f"[{found.low:.2f}, {found.high:.2f}]"
    return found.model, f"{found.value:.2f}", ends
