"""Own the parameters of the simulation and of its shifts, with their literature defaults. Simulates nothing."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from regharness import InputFile, Parameters
from regharness.graded import GradedParameters
from regharness_motifs.parameters import MotifLibrary


class SimulationParameters(Parameters):
    """Parameters of ``simulated_mpra``."""

    train: int = Field(default=20_000, ge=2, le=10_000_000, description="Training examples.")
    calibration: int = Field(default=2_000, ge=2, le=10_000_000, description="Calibration examples.")
    test: int = Field(default=4_000, ge=2, le=10_000_000, description="Examples of each test set.")
    length: int = Field(default=200, ge=20, le=100_000, description="Positions of a sequence, bp.")
    cell_types: list[str] = Field(
        default=["K562", "HepG2"], min_length=1, max_length=1000, description="One output each."
    )

    gc_mean: float = Field(default=0.47, ge=0.2, le=0.8, description="Mean GC content of the background.")
    gc_sd: float = Field(default=0.08, ge=0.0, le=0.2, description="SD of GC content between sequences.")
    markov_order: int = Field(
        default=1, ge=0, le=8, description="Bases that a background base depends on; 2 or more need a background."
    )
    cpg_factor: float = Field(
        default=0.6,
        gt=0.0,
        le=1.0,
        description="How much rarer G is after C than its frequency says; 1 with a background or a markov_order of 0.",
    )
    background: InputFile | None = Field(
        default=None, description="FASTA file from which words of markov_order + 1 bases are learned."
    )

    motifs: MotifLibrary = Field(
        default="builtin",
        description="builtin, jaspar or a release such as JASPAR2024 (needs the extra), or a JASPAR, MEME or "
        "TRANSFAC file.",
    )
    motif_names: list[str] | None = Field(
        default=None, min_length=1, description="Motifs of the library to use, by name or id; all if left out."
    )
    decoys: int = Field(default=0, ge=0, le=1000, description="Motifs that are planted like others and have no effect.")
    motif_density: float = Field(
        default=4.0, ge=0.0, le=50.0, description="Mean of the Poisson number of planted motif instances."
    )
    max_motifs: int = Field(default=8, ge=0, le=50, description="Most planted instances in a sequence.")
    orientation_bias: float = Field(
        default=0.6,
        ge=0.0,
        le=1.0,
        description="How unevenly motifs are planted on the two strands: a share (1 +- bias) / 2 at most.",
    )

    pairs: int = Field(default=20, ge=0, le=1000, description="Motif pairs whose distance matters.")
    pair_variance: float = Field(
        default=0.175, ge=0.0, lt=1.0, description="Share of the label variance that pairs explain."
    )
    concentration_sd: float = Field(
        default=0.7, ge=0.0, le=5.0, description="SD of the log concentration of a factor in a cell type."
    )
    cell_type_correlation: float = Field(
        default=0.61,
        ge=0.0,
        le=0.9,
        description="Correlation of the noiseless activities of two cell types, or the nearest the draw allows.",
    )

    replicates: int = Field(default=3, ge=1, le=100, description="Wet-lab replicates.")
    donors: int | None = Field(
        default=None, ge=1, le=100, description="Individuals that replicates come from; one each if left out."
    )
    donor_sd: float = Field(
        default=0.12, ge=0.0, le=2.0, description="SD, log2, of a donor's departure from an element's activity."
    )
    barcodes: float = Field(default=66.0, ge=1.0, le=10_000.0, description="Median barcodes of an element.")
    barcode_dropout: float = Field(default=0.065, ge=0.0, lt=1.0, description="Share of barcodes without DNA counts.")
    dna_median: float = Field(
        default=5.0,
        gt=0.0,
        le=1e6,
        description="Median DNA count of a barcode in a replicate (11 to 20 over three replicates in lentiMPRA).",
    )
    dna_log_sd: float = Field(
        default=1.1, ge=0.0, le=3.0, description="SD of the natural log of a barcode's DNA count."
    )
    depth: float = Field(default=1.0, gt=0.0, le=1000.0, description="Reads relative to those that dna_median says.")
    dispersion: float = Field(
        default=0.09, ge=0.0, le=5.0, description="Dispersion of RNA counts across barcodes (0.04 to 0.2 measured)."
    )
    barcode_sd: float = Field(
        default=0.58, ge=0.0, le=5.0, description="SD, log2, of a barcode's own effect, which replicates share."
    )
    batches: int = Field(default=1, ge=1, le=1000, description="Batches, such as libraries, of the elements.")
    batch_offset_sd: float = Field(
        default=0.0, ge=0.0, le=5.0, description="SD, log2, of what a batch adds to every activity."
    )
    batch_gain_sd: float = Field(
        default=0.0, ge=0.0, le=1.0, description="SD of what a batch multiplies activities by, around 1."
    )

    @model_validator(mode="before")
    @classmethod
    def _no_cpg_factor_where_it_could_not_act(cls, given: Any) -> Any:
        if isinstance(given, dict) and (given.get("background") is not None or given.get("markov_order") == 0):
            return {"cpg_factor": 1.0, **given}
        return given

    @model_validator(mode="after")
    def _consistent(self) -> SimulationParameters:
        if self.background is None and self.markov_order > 1:
            raise ValueError("a markov_order of 2 or more is learned from 'background', a FASTA file")
        if self.background is not None and self.markov_order == 0:
            raise ValueError("with 'background', markov_order must be 1 or more")
        if self.background is not None and self.cpg_factor != 1.0:
            raise ValueError("'background' brings its own CpG content: leave 'cpg_factor' out")
        if self.markov_order == 0 and self.cpg_factor != 1.0:
            raise ValueError("'cpg_factor' needs a markov_order of 1")
        if self.batches == 1 and (self.batch_offset_sd or self.batch_gain_sd):
            raise ValueError("'batch_offset_sd' and 'batch_gain_sd' need 'batches' of 2 or more")
        if self.donors is not None and self.replicates % self.donors:
            raise ValueError(f"{self.replicates} replicates cannot come evenly from {self.donors} donors")
        return self


class DirectedParameters(GradedParameters):
    """Parameters of a shift that goes either way."""

    direction: Literal["up", "down"] = Field(default="up", description="Towards more of it, or less.")


class IndelParameters(GradedParameters):
    """Parameters of ``indels``."""

    mean_length: float = Field(default=3.0, ge=1.0, le=50.0, description="Mean of an indel's geometric length, bp.")


class TurnoverParameters(GradedParameters):
    """Parameters of ``evolutionary_turnover``."""

    kappa: float = Field(default=4.0, gt=0.0, le=100.0, description="Rate of transitions over that of transversions.")
