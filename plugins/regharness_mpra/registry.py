"""Own the published data sets: where their files are, what they must hash to, under which licence."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from regharness import InputError
from regharness.errors import unknown_name

MIRROR = "REGHARNESS_DATA_DIR"


@dataclass(frozen=True)
class PublishedData:
    """A data set as its authors published it.

    Attributes
    ----------
    folder
        Its folder in a local mirror.
    repository, commit
        Of the files, on GitHub.
    files
        Name in the mirror to ``(path in the repository, sha256)``.
    """

    name: str
    summary: str
    folder: str
    repository: str
    commit: str
    licence: str
    citation: str
    files: dict[str, tuple[str, str]]

    def url(self, file: str) -> str:
        """Where `file` is downloaded from."""
        return f"https://raw.githubusercontent.com/{self.repository}/{self.commit}/{self.files[file][0]}"

    def local(self, file: str) -> Path | None:
        """The checked file in the mirror or the cache; None if it is in neither.

        Raises
        ------
        InputError
            When its sha256 is another than the published one.
        """
        mirror = os.environ.get(MIRROR)
        if mirror:
            path = Path(mirror) / self.folder / file
            if path.is_file():
                _check(path, self.files[file][1])
                return path
        path = _cache() / self.folder / file
        if path.is_file():
            _check(path, self.files[file][1])
            return path
        return None

    def file(self, file: str) -> Path:
        """The checked file, downloaded into the cache if need be.

        Raises
        ------
        InputError
            When it can be had from nowhere, or its sha256 is wrong.
        """
        found = self.local(file)
        if found is not None:
            return found
        import pooch

        try:
            fetched = pooch.retrieve(
                self.url(file), f"sha256:{self.files[file][1]}", fname=file, path=_cache() / self.folder
            )
        except Exception as error:
            reason = " ".join(str(error).split())[:300]
            raise InputError(
                f"cannot download {self.url(file)}: {reason}",
                help=f"try 'regharness data fetch {self.name}' with a network, "
                f"or name a local mirror with {MIRROR} that holds {self.folder}/{file}",
            ) from None
        return Path(fetched)


def _cache() -> Path:
    import pooch

    return Path(pooch.os_cache("regharness"))


def _check(path: Path, expected: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise InputError(f"{path} has the sha256 {found}, not {expected}", help="delete it and fetch it again")


DATA_SETS = {
    data.name: data
    for data in (
        PublishedData(
            name="crx_retina",
            summary="MPRA of photoreceptor elements, wild type and mutant, in mouse retina",
            folder="crx-retina",
            repository="barakcohenlab/CRX-Information-Content",
            commit="b4e1b41b22971d541a752fd328cffc74f15da1f8",
            licence="BSD-3-Clause",
            citation="Friedman et al., eLife 10:e67403 (2021)",
            files={
                "rhoActivityJoinedAnnotated.txt": (
                    "Data/rhoActivityJoinedAnnotated.txt",
                    "5a59b6906851379dd53f8acb95b5127df4f7d631922618f0fc09f467ed0707b3",
                ),
                "polyActivityJoinedAnnotated.txt": (
                    "Data/polyActivityJoinedAnnotated.txt",
                    "33a736619a612703ba7fc427d45c72ffd35c41b25c006c487ab8e2da2e32e456",
                ),
                "library1And2.fasta": (
                    "Data/library1And2.fasta",
                    "aaacf66480bb4754d06699cef9512edc6d873cffcdda8b6f50c370ac803e685f",
                ),
            },
        ),
        PublishedData(
            name="yeast_native",
            summary="Yeast reporter expression of native and random promoter fragments",
            folder="yeast-native",
            repository="yeastpro/ExpressYeaself",
            commit="e7a94176f84c6b501b5ea4d76c5f82592af168ed",
            licence="MIT",
            citation="de Boer et al., Nature Biotechnology 38:56 (2020), as packaged by ExpressYeaself",
            files={
                "native_data.txt.gz": (
                    "example/native_data/native_data.txt.gz",
                    "978456f838c3dfaf93993898466abc08babd3f83f4778d26134a0254d22a3f6f",
                )
            },
        ),
    )
}


def published(name: str) -> PublishedData:
    """A data set by name."""
    if name not in DATA_SETS:
        message, choices = unknown_name("data set", name, DATA_SETS, listed="data sets")
        raise InputError(message, help=choices)
    return DATA_SETS[name]
