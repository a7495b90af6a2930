"""Own the parameters of the PyTorch models. Imports no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from regharness import InputFile, Parameters

Prior = Literal["none", "gc", "motif_features"]


class CNNParameters(Parameters):
    """Parameters of ``torch_cnn``."""

    prior: Prior = Field(
        default="none",
        description="Structural knowledge given beside the sequence: none, its GC content, or motif occupancy.",
    )
    motifs: Literal["builtin"] | InputFile | None = Field(
        default=None, description="Motif library of the prior motif_features: builtin, or a JASPAR or MEME file."
    )
    epochs: int = Field(default=8, ge=1, le=10_000, description="Passes over the training set; the best is kept.")
    batch_size: int = Field(default=64, ge=2, le=65_536, description="Examples of a training step.")
    learning_rate: float = Field(default=5e-3, gt=0.0, le=1.0, description="Peak of the one-cycle schedule.")
    weight_decay: float = Field(default=1e-2, ge=0.0, le=10.0, description="Decoupled, as AdamW has it.")
    filters: int = Field(default=48, ge=1, le=4096, description="Filters of each convolution.")
    dropout: float = Field(default=0.2, ge=0.0, lt=1.0, description="Before the head.")
    beta: float = Field(
        default=0.5, ge=0.0, le=1.0, description="0 is the Gaussian likelihood, 1 weighs errors as squared error does."
    )

    @model_validator(mode="after")
    def _motifs_go_with_their_prior(self) -> CNNParameters:
        if self.motifs is not None and self.prior != "motif_features":
            raise ValueError("'motifs' is for 'prior: motif_features'")
        return self
