"""Own how a submission is refused: the check that it failed, and a reason that is safe to print."""

from __future__ import annotations

from regharness.errors import VerificationError

MOST_SHOWN = 80


class Refused(VerificationError):
    """A submission cannot be taken.

    Parameters
    ----------
    check
        Name of the check that it failed.
    reason
        Names the offender and what is wrong with it. Printable as it is, see `shown`.
    """

    def __init__(self, check: str, reason: str) -> None:
        super().__init__(check, reason)
        self.check = check
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


def shown(text: str, most: int = MOST_SHOWN) -> str:
    """A stranger's text for a message: printable ASCII as it is, all else as ``U+XXXX``, and no more than `most`."""
    told = "".join(c if " " <= c <= "~" else f"<U+{ord(c):04X}>" for c in text[:most])
    return told + ("..." if len(text) > most else "")
