"""Own the parameters of reference models, whatever their framework. Imports none."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from regharness import Parameters
from regharness_motifs.parameters import MotifLibrary, MotifVariant

Prior = Literal["none", "gc", "motif_features"]
GC_BINS = 5
"""Groups of GC content that robust training tells apart unless told otherwise."""


class Evolution(Parameters):
    """Training on sequences that are changed as evolution does (Lee et al., Genome Biology 24:105, 2023)."""

    changes: int = Field(
        default=2,
        ge=1,
        le=20,
        description="Changes of a sequence: substitutions, a deletion, insertion, inversion or translocation.",
    )
    substituted: float = Field(default=0.05, gt=0.0, le=1.0, description="Share of bases that substitutions replace.")
    longest: int = Field(default=20, ge=1, le=10_000, description="Longest stretch that is deleted, inserted, ...; bp.")
    fine_tuning: float = Field(
        default=0.25, ge=0.0, le=1.0, description="Share of the epochs, the last ones, that see sequences as they are."
    )


class Groups(Parameters):
    """Which groups robust training tells apart."""

    groups: Literal["gc_content", "cell_type"] = Field(
        default="gc_content", description="Sequences of like GC content, or outputs."
    )
    bins: int | None = Field(
        default=None, ge=2, le=100, description="Of groups: gc_content, how many, equally large; 5 if left out."
    )

    @model_validator(mode="after")
    def _bins_are_of_gc_content(self) -> Groups:
        if self.bins is not None and self.groups != "gc_content":
            raise ValueError("'bins' goes with groups: gc_content")
        return self

    def number(self, outputs: int) -> int:
        """How many groups there are."""
        return outputs if self.groups == "cell_type" else self.bins or GC_BINS


class GroupDRO(Groups):
    """Training for the worst group (Sagawa et al., ICLR 2020)."""

    method: Literal["group_dro"] = Field(description="Weigh groups by how large their loss is.")
    step: float = Field(default=0.01, gt=0.0, le=10.0, description="How fast the groups' weights follow their losses.")


class VREx(Groups):
    """Training for equal risks of all groups (Krueger et al., ICML 2021)."""

    method: Literal["vrex"] = Field(description="Add the variance of the groups' losses.")
    penalty: float = Field(default=1.0, gt=0.0, le=1e6, description="Weight of that variance.")


class ReferenceParameters(Parameters):
    """What reference models of every architecture and framework have in common."""

    prior: Prior = Field(
        default="none",
        description="Structural knowledge given beside the sequence: none, its GC content, or motif occupancy.",
    )
    motifs: MotifLibrary | None = Field(
        default=None,
        description="Motif library of the prior motif_features: builtin, a release of JASPAR, or a JASPAR, MEME or "
        "TRANSFAC file; builtin if left out.",
    )
    motif_variant: MotifVariant = Field(
        default="exact",
        description="What is made of that library: nothing, blurred matrices, half of it, or motifs that are no "
        "factor's.",
    )
    epochs: int = Field(default=8, ge=1, le=10_000, description="Passes over the training set; the best is kept.")
    patience: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="Passes without a better likelihood on the calibration split after which training ends; never "
        "before its time if left out.",
    )
    batch_size: int | None = Field(
        default=None,
        ge=2,
        le=65_536,
        description="Examples of a training step; if left out 64, of small training sets fewer, down to 8, so that an "
        "epoch has 64 steps.",
    )
    learning_rate: float = Field(default=5e-3, gt=0.0, le=1.0, description="Peak of the schedule.")
    schedule: Literal["one_cycle", "cosine", "constant"] = Field(
        default="one_cycle", description="Learning rate: up for a fifth of the time and down, down, or as it is."
    )
    weight_decay: float = Field(default=1e-2, ge=0.0, le=10.0, description="Decoupled, as AdamW has it.")
    clip_norm: float = Field(default=1.0, gt=0.0, le=1e6, description="Longest gradient; longer ones are shortened.")
    dropout: float = Field(default=0.2, ge=0.0, lt=1.0, description="Before the head.")
    beta: float = Field(
        default=0.5, ge=0.0, le=1.0, description="0 is the Gaussian likelihood, 1 weighs errors as squared error does."
    )
    reverse_complement: bool = Field(default=True, description="Show sequences on a random strand.")
    evolution: Evolution | None = Field(default=None, description="Change sequences as evolution does.")
    robust: Annotated[GroupDRO | VREx, Field(discriminator="method")] | None = Field(
        default=None, description="Train for the worst group, or for equal risks."
    )
    noise_aware: bool = Field(
        default=False, description="Let well measured examples count more for the mean; needs noise variances."
    )

    @model_validator(mode="after")
    def _motifs_go_with_their_prior(self) -> ReferenceParameters:
        if self.prior != "motif_features" and (self.motifs is not None or self.motif_variant != "exact"):
            raise ValueError("'motifs' and 'motif_variant' are for 'prior: motif_features'")
        return self


class CNNParameters(ReferenceParameters):
    """Parameters of the convolutional network."""

    filters: int = Field(default=48, ge=1, le=4096, description="Filters of each convolution.")


class BiLSTMParameters(ReferenceParameters):
    """Parameters of the recurrent network."""

    filters: int = Field(default=48, ge=1, le=4096, description="Filters of the convolution that reads motifs.")
    units: int = Field(default=32, ge=1, le=4096, description="Units of the LSTM, in each direction.")


class TransformerParameters(ReferenceParameters):
    """Parameters of the transformer."""

    width: int = Field(default=48, ge=2, le=4096, description="Numbers a position is described by.")
    attention_heads: int = Field(default=4, ge=1, le=64, description="Heads of each attention; divides the width.")
    layers: int = Field(default=2, ge=1, le=48, description="Encoder layers.")

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> TransformerParameters:
        if self.width % self.attention_heads or self.width % 2:
            raise ValueError("'width' is even, and a multiple of 'attention_heads'")
        return self
