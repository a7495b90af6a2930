"""Own the parameters of the baselines. Imports no numerical library."""

from pydantic import Field

from regharness import Parameters


class KmerRidgeParameters(Parameters):
    """Parameters of ``kmer_ridge``."""

    k: int = Field(
        default=5,
        ge=1,
        le=6,
        description="Longest k-mer; every length from 1 to it is counted (5: 692 features; 6: 2,772).",
    )
