"""Own what a set of quantile levels is, and which of them are the same. Computes no quantile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

DIGITS = 9
"""Levels that agree in so many decimals are one: 0.95 and 1 - 0.05 differ as floats."""


def level_label(level: float) -> float:
    """The level that stands for all that are the same."""
    return round(float(level), DIGITS)


def level_problem(levels: Sequence[float]) -> str:
    """What is wrong with levels; empty if they rise between 0 and 1."""
    labels = [level_label(level) for level in levels]
    # A comparison that is false for NaN too.
    wrong = [given for given, level in zip(levels, labels, strict=True) if not 0.0 < level < 1.0]
    if wrong:
        return f"the quantile level {wrong[0]:g} is not between 0 and 1"
    for one, two in pairwise(labels):
        if not one < two:
            return f"the quantile levels do not rise: {two:g} follows {one:g}"
    return ""


def level_places(levels: Sequence[float], wanted: Iterable[float]) -> list[int] | None:
    """Where the `wanted` levels stand among `levels`; None if one is missing."""
    labels = [level_label(level) for level in levels]
    found = [labels.index(level_label(level)) if level_label(level) in labels else None for level in wanted]
    return None if None in found else [place for place in found if place is not None]


def declared_levels(model: Any) -> tuple[float, ...]:
    """Levels that a model says its predictions have; none where it merely matches its Protocol without them."""
    return tuple(float(level) for level in getattr(model, "quantile_levels", ()))
