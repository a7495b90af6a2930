"""Own the parameters of the readers. Reads nothing."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from regharness import InputFile, Parameters
from regharness.interfaces import SPLITS
from regharness.nested import NestedUse

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


class Homology(Parameters):
    """Which sequences are homologous, so that they never straddle a split.

    Unrelated sequences of 120 to 170 bp hardly ever share 0.1 of their words of 11 bases; at 0.2, shuffled
    promoters and enhancers form no clusters, and shared repeats and duplicated genes do.
    """

    k: int = Field(default=11, ge=6, le=32, description="Bases of a word.")
    similarity: Fraction = Field(
        default=0.2, description="Share of common words above which two sequences are homologous."
    )


class Split(Parameters):
    """How examples are divided."""

    by: Literal["fraction", "group", "homology", "column"] = Field(
        default="fraction",
        description="At random; at random keeping groups, or homologous sequences, together; or as a column says.",
    )
    train: Fraction = Field(default=0.8, description="Share of the examples.")
    calibration: Fraction = Field(default=0.1, description="Share of the examples.")
    test: Fraction = Field(default=0.1, description="Share of the examples.")
    column: str | None = Field(
        default=None, description="Of by: group, what tells groups; of by: column, train, calibration or test."
    )
    homology: Homology = Field(default=Homology(), description="Of by: homology, which sequences are homologous.")

    @model_validator(mode="after")
    def _whole(self) -> Split:
        if self.by != "column" and abs(self.train + self.calibration + self.test - 1.0) > 1e-9:
            raise ValueError("train, calibration and test must add up to 1")
        if (self.by in ("fraction", "homology")) != (self.column is None):
            raise ValueError("'column' goes with by: group and by: column, which need it")
        if self.homology != Homology() and self.by != "homology":
            raise ValueError("'homology' goes with by: homology")
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
    hold_out_replicate: dict[str, str] = Field(
        default={},
        description="Output to the column of the replicate held out as the group 'replicate'; the target is the mean "
        "of its others. Every output needs one.",
    )
    dna_count: dict[str, str] = Field(default={}, description="Output to its DNA count.")
    rna_count: dict[str, str] = Field(
        default={}, description="Output to its RNA count. With DNA counts, log2 targets can be counted again."
    )
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
        if self.hold_out_replicate:
            self._whole_replicates()
        return self

    def _whole_replicates(self) -> None:
        if "replicate" in self.hold_out:
            raise ValueError("hold_out: 'replicate' is the group that hold_out_replicate gives")
        outputs = dict.fromkeys([*self.targets, *self.replicates, *self.hold_out_replicate])
        for output in outputs:
            columns = self.replicates.get(output, [])
            if output in self.targets or output in self.standard_error:
                raise ValueError(
                    f"hold_out_replicate: '{output}' needs a target of its other replicates alone: leave it out of "
                    "'targets' and 'standard_error'"
                )
            if self.hold_out_replicate.get(output) not in columns or len(columns) < 2:
                raise ValueError(
                    f"hold_out_replicate: name one of two or more replicates of '{output}'; "
                    f"it has {', '.join(columns) or 'none'}"
                )


class PublishedParameters(Parameters):
    """What all published data sets have in common."""

    calibration: Fraction = Field(default=0.1, description="Share of the examples.")
    test: Fraction = Field(default=0.1, description="Share of the examples.")
    homology: Homology | None = Field(
        default=None, description="Keep homologous sequences together too ({} for the defaults)."
    )
    hold_out_gc: Quantiles | None = Field(
        default=None, description="Quantiles of GC content between which examples are the group 'gc_quantile'."
    )

    @model_validator(mode="after")
    def _leaves_some_to_train(self) -> PublishedParameters:
        if self.calibration + self.test >= 1.0:
            raise ValueError("calibration and test must leave something to train on")
        return self


class ByChromosome(PublishedParameters):
    """Elements of known place in a genome."""

    hold_out_chromosomes: Annotated[list[str], AfterValidator(_no_repeats)] = Field(
        default=[], description="Chromosomes held out as the group 'chromosome'."
    )
    test: Fraction = Field(default=0.2, description="Share of the examples.")


class CrxRetinaParameters(ByChromosome):
    """Parameters of ``crx_retina``."""

    contexts: Annotated[list[Literal["Rho", "Polylinker"]], AfterValidator(_no_repeats)] = Field(
        default=["Rho"], min_length=1, max_length=2, description="Promoter contexts, one output each."
    )
    hold_out_context: bool = Field(
        default=False, description="The group 'context': the test elements before the other promoter."
    )
    hold_out_replicate: Literal["RNA1", "RNA2", "RNA3"] | None = Field(
        default=None, description="The group 'replicate': the test elements in this one; targets are of the other two."
    )
    hold_out_variants: Annotated[list[str], AfterValidator(_no_repeats)] = Field(
        default=[], description="Variants, such as WT or MUT-shape, held out as the group 'variant_class'."
    )

    @model_validator(mode="after")
    def _other_context(self) -> CrxRetinaParameters:
        if self.hold_out_context and len(self.contexts) > 1:
            raise ValueError("hold_out_context needs a context that is not among 'contexts'")
        return self


class YeastNativeParameters(PublishedParameters):
    """Parameters of ``yeast_native``."""

    subset: Literal["native", "random", "all"] = Field(default="native", description="Which promoter fragments.")
    hold_out_random: bool = Field(
        default=False, description="With subset: native, the random promoters as the group 'native_vs_random'."
    )
    hold_out_replicate: Literal["EL.rep1", "EL.rep2"] | None = Field(
        default=None, description="The group 'replicate': the test elements in this one; targets are of the other."
    )
    calibration: Fraction = Field(default=0.05, description="Share of the examples.")
    limit: int | None = Field(default=None, ge=100, description="Only this many examples, at random, for quick runs.")

    @model_validator(mode="after")
    def _native(self) -> YeastNativeParameters:
        if self.hold_out_random and self.subset != "native":
            raise ValueError("hold_out_random goes with subset: native")
        return self


class EscCisTransParameters(ByChromosome):
    """Parameters of ``esc_cis_trans``."""

    cell_type: Literal["HUES64", "mESC"] = Field(
        default="HUES64", description="Where the elements are measured: human or mouse embryonic stem cells."
    )
    species: Literal["human", "mouse"] = Field(default="human", description="Whose start sites are trained on.")
    hold_out: Annotated[list[Literal["cell_type", "species", "species_and_cell_type"]], AfterValidator(_no_repeats)] = (
        Field(
            default=["cell_type", "species", "species_and_cell_type"],
            description="Groups: test elements in the other cells, the other species' elements, and both.",
        )
    )


class SatmutParameters(PublishedParameters):
    """Parameters of ``satmut``."""

    elements: Annotated[list[str], AfterValidator(_no_repeats)] = Field(
        default=[], description="Experiments, such as LDLR or TERT-GBM; all if left out."
    )
    hold_out_elements: Annotated[list[str], AfterValidator(_no_repeats)] = Field(
        default=[], description="Experiments held out as the group 'element'."
    )
    least_barcodes: int = Field(default=10, ge=0, description="Variants that fewer barcodes tell of are left out.")
    test: Fraction = Field(default=0.2, description="Share of the examples.")


class ModelUse(NestedUse):
    """A model inside another model's parameters."""

    kind: ClassVar[str] = "model"


class VariantEffectParameters(Parameters):
    """Parameters of ``variant_effect``."""

    model: ModelUse = Field(description="The model of activity, {use: NAME, with: {...}}.")
