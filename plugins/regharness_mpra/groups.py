"""Own groups of examples that training never sees, and how their members are named. Divides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regharness import InputError, SequenceBatch
from regharness.errors import unknown_name


@dataclass(frozen=True)
class Group:
    """A held-out group.

    Attributes
    ----------
    members
        ``(example,)`` mask over all examples of the source.
    apart
        True: the group is all members, and whatever is near-duplicate or homologous to one is in no split.
        False: the group is those members that belong with the test split, so that the identity test set holds
        their relatives, and training none.
    measured
        All examples of the source as they were measured otherwise: in another cell type, by another replicate.
        Members then may be in a split too, with their usual target. None: as usual, and members are in no split.
    """

    members: NDArray[np.bool_]
    apart: bool = True
    measured: SequenceBatch | None = None


def having(values: NDArray[np.str_], chosen: Iterable[str], what: str, where: str) -> NDArray[np.bool_]:
    """Examples whose value is one of the `chosen`.

    Raises
    ------
    InputError
        For a chosen value that no example has.
    """
    known = set(values.tolist())
    for name in chosen:
        if name not in known:
            message, choices = unknown_name(what, name, known, listed=f"{what}s")
            raise InputError(f"{where}: {message}", help=choices)
    return np.isin(values, list(chosen))


def gc_range(gc: NDArray[np.float64], quantiles: tuple[float, float]) -> NDArray[np.bool_]:
    """Examples whose GC content lies between two quantiles; the upper one counts only where it is 1."""
    low, high = np.nanquantile(gc, quantiles)
    return (gc >= low) & ((gc < high) | (quantiles[1] == 1.0))
