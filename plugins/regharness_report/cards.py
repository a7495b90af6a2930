"""Lay a model card out as titles and texts, and say what a badge means. Writes no markup, believes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from regharness.results import Entrant
from regharness.submission.manifest import Card, TrainingData

BADGES = {
    "control": "There to read the others by: it is computed by a simple rule, or from the targets. It has no rank.",
    "self-reported": "Scores as its makers report them; nobody has checked them against the targets.",
    "re-scored": "The organiser computed every score again from the predictions that were submitted.",
    "re-run": "Re-scored, and the organiser ran the model again and got the same predictions.",
    "prospective": "Re-scored, and the predictions were there before the targets were.",
}
"""What stands behind the scores of a row."""


@dataclass(frozen=True)
class Fact:
    """What a card says of one thing: lines of text, or links."""

    title: str
    lines: tuple[str, ...]
    links: bool = False


def facts(entrant: Entrant) -> list[Fact]:
    """What is known of a model, as its makers say; last, what they do not say."""
    found = [] if entrant.card is None else list(_facts(entrant.card))
    said = [fact for fact in found if any(fact.lines)]
    if entrant.digest:
        said.append(Fact("sha256 of the submission", (entrant.digest,)))
    unsaid = [fact.title for fact in found if not any(fact.lines)]
    return [*said, Fact("not said", (", ".join(unsaid),))] if unsaid else said


def _facts(card: Card) -> Iterator[Fact]:
    """Everything that a card may say; without a line where it does not."""
    yield Fact("authors", tuple(card.authors))
    for title, text in (("team", card.team), ("contact", card.contact), ("licence", card.licence)):
        yield Fact(title, (text or "",))
    yield Fact("links", tuple(card.links), links=True)
    yield Fact("version", (card.version,))
    yield Fact("parameters", ("" if card.parameters is None else f"{card.parameters:,}",))
    yield Fact("ensemble", (f"{card.ensemble_size:,} member{'' if card.ensemble_size == 1 else 's'}",))
    yield Fact("adapted from", (card.adapted_from or "",))
    yield Fact("training data", tuple(map(_training, card.training_data)))
    yield Fact("overlap with the test sets", tuple(card.overlap.splitlines()))
    yield Fact("test sets seen", tuple(_exposure(card)))
    yield Fact("data beyond the benchmark's", (_answer(card.external_data),))
    yield Fact("test sequences used", (_answer(card.used_test_inputs),))
    chosen = card.selection
    tried = "" if chosen is None else f"on {chosen.split}, of {chosen.configurations_tried:,} configurations"
    yield Fact("how it was chosen", (tried,))
    method = card.uncertainty
    calibrated = f", calibrated on {method.calibrated_on}" if method is not None and method.calibrated_on else ""
    yield Fact("uncertainty", ("" if method is None else method.kind + calibrated,))
    yield Fact("what differs from seed to seed", (card.replicates or "",))
    yield Fact("compute", (card.compute or "",))
    yield Fact("notes", tuple(card.notes.splitlines()))
    yield Fact("sha256 of the weights", (card.weights_sha256 or "",))
    yield Fact("sha256 of what it replaces", (card.supersedes or "",))


def _training(data: TrainingData) -> str:
    parts = [data.dataset, data.version, data.assembly]
    parts += [", ".join(data.chromosomes), ", ".join(data.cell_types)]
    return "; ".join(part for part in parts if part)


def _exposure(card: Card) -> Iterator[str]:
    for task, told in card.exposure.items():
        for how in ("seen", "unseen"):
            rest = "all shifts" if len(told) == 1 else "all other shifts"
            shifts = [(rest if shift == "*" else shift) for shift, said in told.items() if said == how]
            if shifts:
                yield f"{task}: {how} {', '.join(shifts)}"


def _answer(said: bool | None) -> str:
    return "" if said is None else "yes" if said else "no"
