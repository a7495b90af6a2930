"""Own how the label of a shift is read: ``gc_content@3`` is the operator ``gc_content`` at severity 3."""

from __future__ import annotations

from collections.abc import Iterable

from regharness.dims import IDENTITY


def operator_of(label: str) -> str:
    """The operator; the label itself where it tells no severity."""
    return _parts(label)[0]


def by_operator(labels: Iterable[str]) -> dict[str, dict[int, str]]:
    """Operator to severity to label, from mild to strong; without identity.

    A shift whose label tells no severity is its operator's severity 1.
    """
    found: dict[str, dict[int, str]] = {}
    for label in labels:
        if label != IDENTITY:
            operator, severity = _parts(label)
            found.setdefault(operator, {})[severity] = label
    return {operator: dict(sorted(severities.items())) for operator, severities in found.items()}


def strongest(labels: Iterable[str]) -> list[str]:
    """Identity, if it is among the labels, and of each operator the label of its highest severity; in their order."""
    labels = list(labels)
    ends = {list(severities.values())[-1] for severities in by_operator(labels).values()}
    return [label for label in labels if label == IDENTITY or label in ends]


def _parts(label: str) -> tuple[str, int]:
    operator, _, severity = label.rpartition("@")
    return (operator, int(severity)) if operator and severity.isdecimal() else (label, 1)
