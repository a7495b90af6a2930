"""Own how a submission is refused: the check that it failed, and a reason that is safe to print."""

from __future__ import annotations

from regharness.errors import VerificationError

MOST_SHOWN = 80
MOST_REASON = 2000
MOST_FAULTS = 100
"""Of a document that are looked at one by one: to describe each takes time and memory."""


class Refused(VerificationError):
    """A submission cannot be taken.

    Parameters
    ----------
    check
        Name of the check that it failed.
    reason
        Names the offender and what is wrong with it. What cannot be printed is escaped, and too long a reason cut.
    """

    def __init__(self, check: str, reason: str) -> None:
        super().__init__(check, reason)
        self.check = check
        cut = reason[:MOST_REASON] + ("..." if len(reason) > MOST_REASON else "")
        self.reason = "".join(c if c.isprintable() else _escaped(c) for c in cut)

    def __str__(self) -> str:
        return self.reason


def shown(text: str, most: int = MOST_SHOWN) -> str:
    """A stranger's text for a message: printable ASCII as it is, all else as ``U+XXXX``, and no more than `most`."""
    told = "".join(c if " " <= c <= "~" else _escaped(c) for c in text[:most])
    return told + ("..." if len(text) > most else "")


def _escaped(character: str) -> str:
    return f"<U+{ord(character):04X}>"
