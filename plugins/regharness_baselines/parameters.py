"""Own the parameters of the baselines. Imports no numerical library."""

from __future__ import annotations

from pydantic import Field, model_validator

from regharness import Parameters


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
