"""Own how a spec names a motif library and what is made of it. Reads no motif, imports no numerical library."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, TypeAdapter, ValidationInfo

from regharness import InputError, InputFile

MotifVariant = Literal["exact", "misspecified", "subset", "decoy"]
"""The library as it is, with blurred matrices, half of it, or as many motifs that are no factor's."""

_FILE: TypeAdapter[Path] = TypeAdapter(InputFile)


def _library(source: str | Path, info: ValidationInfo) -> str | Path:
    """Name the release of JASPAR that is meant, so that a result's key says it, and find a file."""
    from regharness_motifs.jaspar import release
    from regharness_motifs.library import BUILTIN, JASPAR

    if source == BUILTIN:
        return BUILTIN
    if re.fullmatch(JASPAR, str(source)):
        try:
            return release(str(source))
        except InputError as error:
            raise ValueError(str(error)) from None
    return _FILE.validate_python(source, context=info.context)


MotifLibrary = Annotated[str | Path, AfterValidator(_library)]
"""``builtin``, a release of JASPAR, or a file of motifs, for `regharness_motifs.library.load_motifs`."""
