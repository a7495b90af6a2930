"""Own how bad a score is, whatever its metric's direction. Knows no metric."""

from __future__ import annotations

from typing import Any

from regharness.metric_protocols import Direction


def badness(scores: Any, direction: Direction) -> Any:
    """Turn a number, or an array of any kind, so that more is worse.

    As it is where lower is better, negated where higher is, else its distance to the value that is best.
    """
    if direction == "lower":
        return scores
    return -scores if direction == "higher" else abs(scores - float(direction))
