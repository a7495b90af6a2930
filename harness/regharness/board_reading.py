"""Read a leaderboard back from its JSON, so that it is shown again without being made again. Computes no score."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from regharness.board_plain import SCHEMA_VERSION
from regharness.leaderboard import Concordance, Leaderboard, Row, Spots
from regharness.score_tables import Value
from regharness.statistics import Aggregate


def from_json(text: str | bytes) -> Leaderboard:
    """The leaderboard that `regharness.board_plain.to_json` wrote.

    Raises
    ------
    ValueError
        When it is none, or one of another version.
    """
    try:
        held = json.loads(text)
        if held.pop("schema_version") != SCHEMA_VERSION:
            raise ValueError("a leaderboard of another version")
        direction = held["direction"]
        lists = {name: tuple(held[name]) for name in ("metrics", "summaries", "columns", "failures")}
        parts: dict[str, Any] = {
            **lists,
            "direction": direction if direction in ("lower", "higher") else float(direction),
            "rows": tuple(map(_row, held["rows"])),
            "concordance": {task: _concordance(found) for task, found in held["concordance"].items()},
        }
        return Leaderboard(**{**held, **parts})
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no leaderboard: {error}") from None


def _row(held: dict[str, Any]) -> Row:
    iqm = held["shifted_iqm"]
    parts: dict[str, Any] = {name: _value(held[name]) for name in ("identity", "shifted", "worst")}
    parts["shifted_iqm"] = None if iqm is None else Aggregate(**_numbers(iqm, "estimate"))
    parts["metrics"] = {
        name: Spots(*(_value(spots[where]) for where in ("identity", "worst")))
        for name, spots in held["metrics"].items()
    }
    parts["summaries"] = {name: _value(found) for name, found in held["summaries"].items()}
    return Row(**{**held, **parts})


def _concordance(held: dict[str, Any]) -> Concordance:
    ranks = {model: float(rank) for model, rank in held["mean_ranks"].items()}
    return Concordance(**{**_numbers(held, "p_value", "critical_difference"), "mean_ranks": ranks})


def _value(held: dict[str, Any] | None) -> Value | None:
    return None if held is None else Value(**_numbers(held, "mean"))


def _numbers(held: Mapping[str, Any], *always: str) -> dict[str, Any]:
    """Numbers as they were: infinity is a text in JSON, and a NaN of what is `always` a number is null."""
    return {
        name: math.nan if part is None and name in always else float(part) if isinstance(part, str) else part
        for name, part in held.items()
    }
