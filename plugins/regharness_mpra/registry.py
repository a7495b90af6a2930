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
                "Rhodopsin/library1RawBarcodeCounts.txt": (
                    "Data/Rhodopsin/library1RawBarcodeCounts.txt",
                    "b011923bbf2175f65e6c9a32efa9a260b064d060dc7366fa4557c0cf486f2c62",
                ),
                "Rhodopsin/library2RawBarcodeCounts.txt": (
                    "Data/Rhodopsin/library2RawBarcodeCounts.txt",
                    "bcbbf6f8c906b82d45c65f65cf86adea123838baf351a721d5042998be4041d3",
                ),
                "Polylinker/library1RawBarcodeCounts.txt": (
                    "Data/Polylinker/library1RawBarcodeCounts.txt",
                    "437f9321dd18aa785753b5514f6a1fd42b0f72d26e3ebd4e55cc3ae96d86fa57",
                ),
                "Polylinker/library2RawBarcodeCounts.txt": (
                    "Data/Polylinker/library2RawBarcodeCounts.txt",
                    "cf697765d5b75f9172d5a8b6d237127ce92352d5545509b24fd318e6330c2131",
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
        PublishedData(
            name="esc_cis_trans",
            summary="Orthologous human and mouse transcription start sites in human and mouse stem cells",
            folder="esc-cis-trans",
            repository="kmattioli/2019__cis_trans_MPRA",
            commit="55da814dee39f232b746deb6c8110cd15d77c3dd",
            licence="MIT",
            citation="Mattioli et al., Genome Biology 21:210 (2020)",
            files={
                "human_TSS_vals.both_tiles.txt": (
                    "data/02__mpra/02__activs/human_TSS_vals.both_tiles.txt",
                    "5b3cefa6785c7ac804b010cd535672ad632193111993ec1ae3f5dff35451b01e",
                ),
                "mouse_TSS_vals.both_tiles.txt": (
                    "data/02__mpra/02__activs/mouse_TSS_vals.both_tiles.txt",
                    "19c96d3b2d72d87d5aabbf696c701cbb8e7a43593856c7e6a785024b8ff6c04a",
                ),
            },
        ),
        PublishedData(
            name="satmut",
            summary="Saturation mutagenesis of disease-associated promoters and enhancers",
            folder="satmut",
            repository="visze/sequence_cnn_models",
            commit="7638fce137db0445123efe8d7e2c35e248fafc5f",
            licence="MIT",
            citation="Kircher et al., Nature Communications 10:3583 (2019)",
            files={
                "GRCh38_ALL.tsv": (
                    "resources/satmut_examples/GRCh38_ALL.tsv",
                    "e8255d232ba59221948c4bfe149b376972745ef3688b0e94d45149ad94cbf4d6",
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
