"""Own random streams keyed by coordinates. Never touches a global generator."""

from __future__ import annotations

import hashlib

import numpy as np


def seed_for(root: int, role: str, *coordinates: str | int) -> int:
    """Derive a 63-bit seed for libraries that want an integer.

    The same arguments give the same seed on every machine and in every process.
    """
    return int(_sequence(root, role, coordinates).generate_state(1, np.uint64)[0] >> np.uint64(1))


def rng_for(root: int, role: str, *coordinates: str | int) -> np.random.Generator:
    """Make the random stream of one purpose.

    Parameters
    ----------
    root
        The replicate's seed, as the spec lists it; zero or above.
    role
        What the numbers are for, such as ``"shift"``.
    coordinates
        What else tells this stream from its siblings: a task, a shift, a severity.
        A model's name is never a coordinate of data, so that adding a model changes no data.

    Returns
    -------
    numpy.random.Generator
        PCG64 on ``SeedSequence(root, spawn_key=...)`` (O'Neill 2014; NumPy's parallel-streams advice).
    """
    return np.random.Generator(np.random.PCG64(_sequence(root, role, coordinates)))


def stream_text(root: int, role: str, *coordinates: str | int) -> str:
    """The stream of `rng_for` in NumPy's own words, for provenance."""
    key = ", ".join(map(str, _sequence(root, role, coordinates).spawn_key))
    return f"PCG64(SeedSequence({root}, spawn_key=({key},)))"


def _sequence(root: int, role: str, coordinates: tuple[str | int, ...]) -> np.random.SeedSequence:
    return np.random.SeedSequence(root, spawn_key=tuple(_word(part) for part in (role, *coordinates)))


def _word(part: str | int) -> int:
    # The type is part of the word, so that the seed 1 and a shift called "1" differ.
    digest = hashlib.sha256(f"{type(part).__name__}:{part}".encode()).digest()
    return int.from_bytes(digest[:4], "little")
