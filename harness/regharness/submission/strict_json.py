"""Own how a stranger's JSON is read: bounded in size, depth and number of values before any of them is made.

Refuses what readers of JSON disagree on: a key twice, NaN, numbers beyond a float, half of a surrogate pair.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from typing import Any

from regharness.submission.refusal import Refused, shown

CHECK = "json"
MOST_BYTES = 8_000_000
MOST_DEPTH = 32
MOST_PARTS = 1_000_000
"""Opening brackets, commas and colons: the costliest value takes about 200 bytes of memory for each."""
MOST_DIGITS = 40
MOST_KEY = 1000

# An unfinished string reaches to the end, so that no text is scanned twice.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.|\\\Z)*+(?:"|\Z)', re.DOTALL)
_DIGITS = re.compile(rb"[0-9]{%d}" % (MOST_DIGITS + 1))
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_NOT_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def parse(content: bytes, what: str) -> Any:
    """Read a JSON document.

    Parameters
    ----------
    content
        The file as it is, in UTF-8.
    what
        Its name, for messages.

    Raises
    ------
    Refused
        When it is too large, too deep, no JSON, or a document that readers of JSON disagree on.
    """
    _check_bounds(content, what)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(CHECK, f"{what} is not UTF-8 at byte {error.start}") from None

    def refuse(problem: str) -> None:
        raise Refused(CHECK, f"{what} {problem}")

    def number(digits: str) -> float:
        if not math.isfinite(value := float(digits)):
            refuse(f"has the number {shown(digits, 40)}, which is beyond a float")
        return value

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if any(len(key) > MOST_KEY for key in made):
            refuse(f"has a key of more than {MOST_KEY} characters")
        if len(made) < len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            refuse(f"has the key '{shown(twice)}' twice in one mapping")
        return made

    try:
        value = json.loads(
            text,
            parse_float=number,
            parse_constant=lambda name: refuse(f"has {name}, which is no number of JSON"),
            object_pairs_hook=mapping,
        )
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        raise Refused(CHECK, f"{what}:{error.lineno}:{error.colno}: is no JSON: {error.msg}") from None
    except UnicodeEncodeError:
        raise Refused(CHECK, f"{what} has half of a surrogate pair in a string") from None
    return value


def _check_bounds(content: bytes, what: str) -> None:
    """Refuse by counting alone, before anything is made of the content."""
    if len(content) > MOST_BYTES:
        raise Refused(CHECK, f"{what} is of {len(content)} bytes; at most {MOST_BYTES} are read")
    bare = _STRING.sub(b"", content)
    parts = sum(bare.count(mark) for mark in (b"[", b"{", b",", b":"))
    closed = bare.count(b"]") + bare.count(b"}")
    if max(parts, closed) > MOST_PARTS:
        raise Refused(CHECK, f"{what} has more than {MOST_PARTS} brackets, commas and colons")
    brackets = bare.translate(None, delete=_NOT_BRACKETS)
    depth = max(itertools.accumulate(map(_STEPS.__getitem__, brackets)), default=0)
    if depth > MOST_DEPTH:
        raise Refused(CHECK, f"{what} is nested {depth} deep; at most {MOST_DEPTH} is read")
    if _DIGITS.search(bare):
        raise Refused(CHECK, f"{what} has a number of more than {MOST_DIGITS} digits")
