"""Own the parameters of the readers. Reads nothing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from regharness import InputFile, Parameters
from regharness.interfaces import SPLITS

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


def _ascending(quantiles: tuple[float, float]) -> tuple[float, float]:
    if quantiles[0] >= quantiles[1]:
        raise ValueError("give a lower and a higher quantile")
    return quantiles


def _no_repeats(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise ValueError("a name is given twice")
    return names


Quantiles = Annotated[tuple[Fraction, Fraction], AfterValidator(_ascending)]


class Split(Parameters):
    """How examples are divided."""

    by: Literal["fraction", "group", "column"] = Field(
        default="fraction",
        description="At random; at random keeping groups together; or as a column of the table says.",
    )
    train: Fraction = Field(default=0.8, description="Share of the examples.")
    calibration: Fraction = Field(default=0.1, description="Share of the examples.")
    test: Fraction = Field(default=0.1, description="Share of the examples.")
    column: str | None = Field(
        default=None, description="Of by: group, what tells groups; of by: column, train, calibration or test."
    )

    @model_validator(mode="after")
    def _whole(self) -> Split:
        if self.by != "column" and abs(self.train + self.calibration + self.test - 1.0) > 1e-9:
            raise ValueError("train, calibration and test must add up to 1")
        if (self.by == "fraction") != (self.column is None):
            raise ValueError("'column' goes with by: group and by: column, which need it")
        return self


class HoldOut(Parameters):
    """Examples that training, calibration and the identity test set never see."""

    column: str | None = Field(default=None, description="Column whose values are held out.")
    values: list[str] = Field(default=[], description="Values of that column.")
    gc_quantile: Quantiles | None = Field(
        default=None, description="Range of GC content, as two quantiles, in place of a column."
    )

    @model_validator(mode="after")
    def _one_way(self) -> HoldOut:
        if (self.column is None) == (self.gc_quantile is None) or (self.column is None) != (not self.values):
            raise ValueError("give 'column' with 'values', or 'gc_quantile'")
        return self


class MPRATableParameters(Parameters):
    """Parameters of ``mpra_table``."""

    path: InputFile = Field(description="The table: .tsv, .txt, .csv (also .gz) or .parquet.")
    sequence: str | None = Field(default=None, description="Column of the sequences.")
    fasta: InputFile | None = Field(default=None, description="Sequences by id, in place of a column.")
    id: str | None = Field(default=None, description="Column of unique ids; row numbers if left out.")
    targets: dict[str, str] | Annotated[list[str], AfterValidator(_no_repeats)] = Field(
        default={}, description="Output to its column, or columns that name their outputs."
    )
    standard_error: dict[str, str] = Field(default={}, description="Output to the column of its standard error.")
    replicates: dict[str, Annotated[list[str], Field(min_length=1)]] = Field(
        default={}, description="Output to its replicates' columns; their mean is the target if targets lacks it."
    )
    dna_count: dict[str, str] = Field(default={}, description="Output to its DNA count.")
    rna_count: dict[str, str] = Field(default={}, description="Output to its RNA count.")
    covariates: list[str] = Field(default=[], description="Columns kept beside the examples.")
    unit: str = Field(default="log2(RNA/DNA)", description="Unit of the targets.")
    on_nan: Literal["drop", "refuse"] = Field(default="drop", description="Rows whose target is missing.")
    length: int | None = Field(default=None, ge=1, description="Positions, with pad; the longest if left out.")
    pad: bool = Field(default=False, description="Centre shorter sequences between N.")
    split: Split = Field(default=Split(), description="How examples are divided.")
    hold_out: dict[str, HoldOut] = Field(default={}, description="Name to a group kept out of training.")
    near_duplicate_k: int = Field(
        default=32, ge=8, le=32, description="Sequences that share a word this long never straddle a split."
    )

    @model_validator(mode="after")
    def _complete(self) -> MPRATableParameters:
        if (self.sequence is None) == (self.fasta is None):
            raise ValueError("give 'sequence', a column, or 'fasta', a file")
        if self.fasta is not None and self.id is None:
            raise ValueError("'fasta' needs 'id', the column that names its records")
        if not self.targets and not self.replicates:
            raise ValueError("give 'targets' or 'replicates'")
        taken = [name for name in self.hold_out if name in SPLITS]
        if taken:
            raise ValueError(f"hold_out: '{taken[0]}' is the name of a split")
        if self.length is not None and not self.pad:
            raise ValueError("'length' goes with 'pad: true'")
        return self


class CrxRetinaParameters(Parameters):
    """Parameters of ``crx_retina``."""

    contexts: Annotated[list[Literal["Rho", "Polylinker"]], AfterValidator(_no_repeats)] = Field(
        default=["Rho"], min_length=1, max_length=2, description="Promoter contexts, one output each."
    )
    hold_out_chromosomes: list[str] = Field(default=[], description="Chromosomes held out as the group 'chromosome'.")
    hold_out_gc: Quantiles | None = Field(
        default=None, description="Quantiles of GC content between which examples are the group 'gc_quantile'."
    )
    calibration: Fraction = Field(default=0.1, description="Share of the examples.")
    test: Fraction = Field(default=0.2, description="Share of the examples.")


class YeastNativeParameters(Parameters):
    """Parameters of ``yeast_native``."""

    subset: Literal["native", "random", "all"] = Field(default="native", description="Which promoter fragments.")
    hold_out_gc: Quantiles | None = Field(
        default=None, description="Quantiles of GC content between which examples are the group 'gc_quantile'."
    )
    calibration: Fraction = Field(default=0.05, description="Share of the examples.")
    test: Fraction = Field(default=0.1, description="Share of the examples.")
    limit: int | None = Field(default=None, ge=100, description="Only this many examples, at random, for quick runs.")
