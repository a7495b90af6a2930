"""Say what the further inputs of a network are given, one row an example. Knows no framework."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from regharness import SequenceBatch
from regharness.errors import CellError, unknown_name
from regharness.sequences import gc_content
from regharness_networks.inputs import InputTensor
from regharness_networks.parameters import ExtraInput


def extra_values(tensor: InputTensor, one: ExtraInput, batch: SequenceBatch, output: str | None) -> NDArray[Any]:
    """What an input is given: ``(example, ...)`` of its type and number of axes, the last of which is for features.

    Parameters
    ----------
    tensor, one
        The input, and what the description says of it.
    batch
        Examples, as the task has them.
    output
        The output that is asked for, where the input differs between them.

    Raises
    ------
    CellError
        For a covariate that is not there, and a number of features that the network does not take.
    """
    values = _values(one, batch, output)
    axes = 2 if tensor.shape is None else len(tensor.shape)
    last = None if tensor.shape is None or axes < 2 else tensor.shape[-1]
    features = values.size // max(len(values), 1) if values.ndim > 1 else 1
    if features != 1 if axes < 2 else last not in (None, features):
        raise CellError(f"the network takes {last or 1} numbers as '{tensor.name}', and '{one.use}' gives {features}")
    shape = (len(values), *[1] * (axes - 2), *([features] if axes > 1 else []))
    return values.reshape(shape).astype(np.int64 if one.integer and tensor.shape is None else tensor.dtype)


def _values(one: ExtraInput, batch: SequenceBatch, output: str | None) -> NDArray[Any]:
    if one.use == "motif_features":
        # Compiled code, which most networks start without.
        from regharness_motifs.library import BUILTIN, load_motifs
        from regharness_motifs.scanning import occupancy_features
        from regharness_motifs.variation import variant

        return occupancy_features(batch.sequence, variant(load_motifs(one.motifs or BUILTIN), one.motif_variant))
    if one.use == "gc_content":
        return np.nan_to_num(gc_content(batch.sequence), nan=0.5)
    if one.use == "covariate":
        if one.covariate not in batch.numeric_covariates:
            message, choices = unknown_name("covariate", str(one.covariate), batch.numeric_covariates, listed="numbers")
            raise CellError(f"{message} ({choices})")
        return batch.covariates[one.covariate]
    number = one.value if one.values is None else one.values[str(output)]
    return np.full(len(batch), number)
