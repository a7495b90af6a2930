"""Own the parameters of the baselines. Imports no numerical library."""

from __future__ import annotations

from pydantic import Field, model_validator

from regharness import Parameters
from regharness_motifs.parameters import MotifLibrary, MotifVariant


class KmerRidgeParameters(Parameters):
    """Parameters of ``kmer_ridge``."""

    k: int = Field(
        default=5,
        ge=1,
        le=6,
        description="Longest k-mer; every length from 1 to it is counted (5: 692 features; 6: 2,772).",
    )


class GappedKmerParameters(Parameters):
    """Parameters of ``gapped_kmer``."""

    length: int = Field(
        default=8, ge=2, le=8, description="Bases of a word; a table has a row for each of the 4^length / 2 words."
    )
    k: int = Field(default=6, ge=1, le=8, description="Bases of a word that are compared, the others being left open.")
    landmarks: int = Field(
        default=1000,
        ge=1,
        le=4000,
        description="Training sequences, drawn at random, that every sequence is compared with; time grows with their "
        "number, the last step with its cube.",
    )

    @model_validator(mode="after")
    def _within_a_word(self) -> GappedKmerParameters:
        if self.k > self.length:
            raise ValueError(f"'k' compares {self.k} bases of a word of 'length' {self.length}")
        return self


class MotifTreesParameters(Parameters):
    """Parameters of ``motif_trees``."""

    motifs: MotifLibrary = Field(
        default="builtin",
        description="builtin, jaspar or a release such as JASPAR2024 (needs the extra), or a JASPAR, MEME or "
        "TRANSFAC file.",
    )
    motif_variant: MotifVariant = Field(
        default="exact",
        description="What is made of the library: exact, as it is; misspecified, every matrix blurred; subset, half "
        "of the motifs; decoy, as many motifs that are no factor's.",
    )
    trees: int = Field(
        default=3000, ge=1, le=100_000, description="Most trees; those up to the best calibration loss are kept."
    )
    learning_rate: float = Field(default=0.1, gt=0.0, le=1.0, description="Share of each tree's fit that is added.")
    leaves: int = Field(default=4, ge=2, le=1000, description="Most leaves of a tree, one more than its splits.")
    feature_share: float = Field(
        default=0.5, gt=0.0, le=1.0, description="Share of the features, drawn at random, that a split chooses from."
    )
