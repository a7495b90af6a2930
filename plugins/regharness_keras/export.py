"""Write a fitted reference network as a .keras file in target units. Trains nothing.

To be imported once Keras has its backend, as `regharness_keras.process` sees to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
from keras import layers, ops

from regharness.capabilities import Exported
from regharness.errors import CellError
from regharness_keras.architectures import Parts
from regharness_keras.reference_parameters import BackendParameters
from regharness_reference.features import described_features
from regharness_reference.scales import Scales


def written(parts: Parts, scales: Scales, p: BackendParameters, path: Path, outputs: tuple[str, ...]) -> Exported:
    """Write the network to `path`, and the user's motifs beside it where its prior has any.

    Raises
    ------
    CellError
        For a file that is not named ``.keras``, which Keras would not read.
    """
    if path.suffix != ".keras":
        raise CellError(f"Keras reads files that end in .keras, and this is {path.name}")
    _in_target_units(parts, scales).save(path)
    described: dict[str, Any] = {"path": str(path), "backend": p.backend, "shorter": "refuse"}
    described |= {"outputs": list(outputs), "tensors": ["mean", "variance"], "head": "mean_variance"}
    if p.prior != "none":
        described |= {"sequence_input": "sequence", "inputs": {"features": described_features(p, path.parent)}}
    return Exported("keras", described, ("mean", "aleatoric_variance"))


def _in_target_units(parts: Parts, scales: Scales) -> Any:
    """The network between what standardises its features and what takes targets back to their unit."""
    sequence = keras.Input(parts.describe.inputs[0].shape[1:], name="sequence")
    number = len(scales.feature_mean)
    features = [keras.Input((number,), name="features")] if number else []
    standardise = layers.Normalization(mean=scales.feature_mean, variance=scales.feature_sd**2, name="standardised")
    seen = [standardise(one) for one in features]
    mean, log_variance = parts.head([parts.describe([sequence, *seen]), *seen])
    sd = scales.target_sd
    made = {
        "mean": layers.Rescaling(sd.tolist(), scales.target_mean.tolist(), name="mean")(mean),
        "variance": layers.Rescaling((sd**2).tolist(), name="variance")(ops.exp(log_variance)),
    }
    return keras.Model([sequence, *features], made, name="regharness")
