"""Own the parameters of the simulation and their literature defaults. Simulates nothing."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from regharness import InputFile, Parameters


class SimulationParameters(Parameters):
    """Parameters of ``simulated_mpra``."""

    train: int = Field(default=20_000, ge=2, le=10_000_000, description="Training examples.")
    calibration: int = Field(default=2_000, ge=2, le=10_000_000, description="Calibration examples.")
    test: int = Field(default=4_000, ge=2, le=10_000_000, description="Examples of each test set.")
    length: int = Field(default=200, ge=20, le=100_000, description="Positions of a sequence, bp.")
    cell_types: list[str] = Field(
        default=["K562", "HepG2"], min_length=1, max_length=1000, description="One output each."
    )
    motifs: Literal["builtin"] | InputFile = Field(
        default="builtin", description="Motif library: builtin, or a JASPAR or MEME file."
    )
    gc_mean: float = Field(default=0.47, ge=0.2, le=0.8, description="Mean GC content of the background.")
    gc_sd: float = Field(default=0.08, ge=0.0, le=0.2, description="SD of GC content between sequences.")
    cpg_factor: float = Field(
        default=0.6, gt=0.0, le=1.0, description="How much rarer G is after C than its frequency says."
    )
    motif_density: float = Field(
        default=4.0, ge=0.0, le=50.0, description="Mean of the Poisson number of planted motif instances."
    )
    max_motifs: int = Field(default=8, ge=0, le=50, description="Most planted instances in a sequence.")
    pairs: int = Field(default=20, ge=0, le=1000, description="Motif pairs whose distance matters.")
    pair_variance: float = Field(
        default=0.175, ge=0.0, lt=1.0, description="Share of the label variance that pairs explain."
    )
    concentration_sd: float = Field(
        default=0.7, ge=0.0, le=5.0, description="SD of the log concentration of a factor in a cell type."
    )
    shared_share: float = Field(
        default=0.5, ge=0.0, le=1.0, description="Weight of the effects that cell types share, against their own."
    )
    replicates: int = Field(default=3, ge=1, le=100, description="Wet-lab replicates.")
    barcodes: float = Field(default=66.0, ge=1.0, le=10_000.0, description="Median barcodes of an element.")
    barcode_dropout: float = Field(default=0.065, ge=0.0, lt=1.0, description="Share of barcodes without DNA counts.")
    dna_median: float = Field(default=15.0, gt=0.0, le=1e6, description="Median DNA count of a barcode in a replicate.")
    dna_log_sd: float = Field(
        default=1.1, ge=0.0, le=3.0, description="SD of the natural log of a barcode's DNA count."
    )
    dispersion: float = Field(
        default=0.2, ge=0.0, le=10.0, description="Dispersion of RNA counts across barcodes (0.04 to 0.2 measured)."
    )
    barcode_sd: float = Field(
        default=0.58, ge=0.0, le=5.0, description="SD, log2, of a barcode's own effect, which replicates share."
    )


class GCContentParameters(Parameters):
    """Parameters of ``gc_content``."""

    direction: Literal["up", "down"] = Field(default="up", description="Towards more GC, or less.")
