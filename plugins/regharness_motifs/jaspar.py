"""Own JASPAR CORE vertebrates: read through pyjaspar once, then from a cache. Smooths no counts.

JASPAR is CC BY 4.0; cite Rauluseviciute et al., JASPAR 2024, Nucleic Acids Research 52:D174 (2024), and the release
that `read_jaspar` names.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from regharness.errors import InputError, unknown_name
from regharness_motifs.formats import Named

CACHED = ("ids", "names", "widths", "counts")
LATEST = "jaspar"


def release(name: str) -> str:
    """The release that a name means: itself, or for ``jaspar`` the latest that pyjaspar has, such as ``JASPAR2024``.

    Raises
    ------
    InputError
        Without pyjaspar, or for a release that it does not have.
    """
    if importlib.util.find_spec("pyjaspar") is None:
        raise InputError(f"the motif library {name} needs pyjaspar", help='pip install "regharness[jaspar]"')
    from pyjaspar import JASPAR_LATEST_RELEASE, jaspar_releases

    if name == LATEST:
        return str(JASPAR_LATEST_RELEASE)
    if name not in jaspar_releases:
        message, choices = unknown_name("release", name, jaspar_releases, listed="releases")
        raise InputError(message, help=choices)
    return name


def read_jaspar(name: str = LATEST) -> list[Named]:
    """The newest version of every vertebrate matrix of JASPAR CORE, in the release that `name` means.

    The first call parses pyjaspar's database, in seconds, and stores what it holds in the folder ``motifs`` of
    the user's cache folder (on Linux, ``XDG_CACHE_HOME`` moves it); later ones read that file.

    Raises
    ------
    InputError
        As `release`, or where the cache cannot be written.
    """
    import pooch

    meant = release(name)
    path = Path(pooch.os_cache("regharness")) / "motifs" / f"{meant}-vertebrates.npz"
    try:
        return _load(path)
    except Exception:
        # Absent or damaged, of which zipfile and numpy complain in many ways: what is derived is made anew.
        motifs = _parse(meant)
    try:
        _store(motifs, path)
    except OSError as error:
        raise InputError(
            f"cannot store the motif library {name} in {path.parent}: {error.strerror}",
            help="make it writable, or on Linux name another cache folder with XDG_CACHE_HOME",
        ) from None
    return motifs


def _parse(release: str) -> list[Named]:
    from pyjaspar import jaspardb

    database = jaspardb(release=release)
    try:
        found = database.fetch_motifs(collection="CORE", tax_group=["vertebrates"])
    finally:
        database.conn.close()
    return [
        (motif.matrix_id, motif.name, np.array([motif.counts[base] for base in "ACGT"], np.float64).T)
        for motif in sorted(found, key=lambda motif: motif.matrix_id)
    ]


def _load(path: Path) -> list[Named]:
    with zipfile.ZipFile(path) as archive:
        # numpy stops short of the check sums when a damaged header states fewer numbers.
        if archive.testzip() is not None:
            raise ValueError("damaged")
    with np.load(path, allow_pickle=False) as stored:
        ids, names, widths, counts = (stored[key] for key in CACHED)
    parts = np.split(counts, np.cumsum(widths)[:-1])
    return [(str(motif), str(name), part) for motif, name, part in zip(ids, names, parts, strict=True)]


def _store(motifs: list[Named], path: Path) -> None:
    """Write the file whole or not at all, so that two processes may do it at once."""
    ids, names, counts = zip(*motifs, strict=True)
    values = (np.array(ids), np.array(names), np.array([len(part) for part in counts]), np.concatenate(counts))
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as file:
        try:
            np.savez(file, **dict(zip(CACHED, values, strict=True)))
            file.close()
            os.replace(file.name, path)
        except BaseException:
            file.close()
            os.unlink(file.name)
            raise
