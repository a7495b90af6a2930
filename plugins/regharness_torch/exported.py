"""Own a trained reference network as a file that others read: scales inside, target units outside. Trains nothing."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from regharness.capabilities import Exported
from regharness.errors import CellError
from regharness_reference.adapter import Shape
from regharness_reference.features import described_features
from regharness_reference.parameters import ReferenceParameters
from regharness_reference.scales import Scales
from regharness_torch import reference
from regharness_torch.network import ReferenceNetwork
from regharness_torch.parameters import HeadParameters

HEADS: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "gaussian": ("mean_variance", ("predicted_mean", "predicted_variance"), ("mean", "aleatoric_variance")),
    "quantile": ("quantiles", ("predicted_quantiles",), ("mean", "aleatoric_variance", "quantiles")),
    "evidential": (
        "evidential",
        ("predicted_gamma", "predicted_nu", "predicted_alpha", "predicted_beta"),
        ("mean", "aleatoric_variance", "epistemic_variance"),
    ),
}
"""Each head as files of networks have it: its name there, the tensors it gives, and the parts of a prediction."""


class ExportedNetwork(nn.Module):
    """A reference network that takes one-hot sequences, and gives tensors in target units.

    Parameters
    ----------
    network
        Whose features and targets are standardised.
    shape
        Of what it takes and gives.
    """

    def __init__(self, network: ReferenceNetwork, shape: Shape) -> None:
        super().__init__()
        self.network = network
        for name, size in (("target", shape.outputs), ("feature", shape.features)):
            self.register_buffer(f"{name}_mean", torch.zeros(size))
            self.register_buffer(f"{name}_sd", torch.ones(size))

    def forward(self, sequence: Tensor) -> dict[str, Tensor]:
        """Map ``(example, base, position)`` to tensors by name, ``(example, output)`` and for quantiles one axis more.

        Of a network without a prior.
        """
        return self.given(sequence, sequence.new_zeros((sequence.shape[0], 0)))

    def given(self, sequence: Tensor, features: Tensor) -> dict[str, Tensor]:
        """The same with features ``(example, feature)`` of the prior."""
        values = self.network(sequence, (features - self.feature_mean) / self.feature_sd)
        if self.network.kind == "quantile":
            return {"predicted_quantiles": values * self.target_sd[:, None] + self.target_mean[:, None]}
        first, *rest = values.unbind(dim=2)
        mean = first * self.target_sd + self.target_mean
        if self.network.kind == "gaussian":
            return {"predicted_mean": mean, "predicted_variance": torch.exp(rest[0]) * self.target_sd**2}
        nu, alpha, beta = rest
        return dict(zip(HEADS["evidential"][1], (mean, nu, alpha, beta * self.target_sd**2), strict=True))


class ExportedNetworkWithPrior(ExportedNetwork):
    """The same of a network with a prior, which takes its features too."""

    def forward(self, sequence: Tensor, features: Tensor) -> dict[str, Tensor]:  # type: ignore[override]
        """Map ``(example, base, position)`` and ``(example, feature)`` to tensors by name."""
        return self.given(sequence, features)


def network(model: str, parameters: Mapping[str, Any], length: int, outputs: int, features: int) -> ExportedNetwork:
    """Build the network that exported weights are for.

    Parameters
    ----------
    model
        Class in `regharness_torch.reference`.
    parameters
        What its architecture and head are.
    length, outputs, features
        Its shape.
    """
    made = getattr(reference, model)(**parameters)
    shape = Shape(length, outputs, features)
    return (ExportedNetworkWithPrior if features else ExportedNetwork)(made.network(shape), shape)


def write(
    trained: ReferenceNetwork,
    made: tuple[str, HeadParameters, Shape],
    scales: Scales,
    outputs: Sequence[str],
    path: Path,
    format: str,
) -> Exported:
    """Write a trained network.

    Parameters
    ----------
    trained
        In evaluation mode, on the CPU.
    made
        Name of its class in `regharness_torch.reference`, parameters, and shape.
    scales
        What targets and features were standardised by.
    outputs
        Names of the outputs.
    path, format
        Where to, and ``onnx`` or ``safetensors``.
    """
    name, p, shape = made
    arguments = {"model": name, "parameters": _architecture(p), **vars(shape)}
    whole = network(**arguments).eval()
    state = {f"network.{key}": value for key, value in trained.state_dict().items()}
    state |= {key.removeprefix("scale."): torch.from_numpy(value).float() for key, value in scales.arrays().items()}
    whole.load_state_dict(state)
    head, tensors, parts = HEADS[p.head]
    described: dict[str, Any] = {
        "path": str(path),
        "layout": "NCL",
        "length": shape.length,
        "shorter": "refuse",
        "tensors": list(tensors),
        "outputs": list(outputs),
        "head": head,
        **({"quantiles": list(p.levels)} if p.levels else {}),
        **({"inputs": {"features": described_features(p, path.parent)}} if shape.features else {}),
    }
    if format == "safetensors":
        save_file({key: value.contiguous() for key, value in whole.state_dict().items()}, path)
        module = f"{__name__}:{network.__name__}"
        return Exported("torch", {**described, "module": module, "arguments": arguments}, parts)
    _write_onnx(whole, shape, tensors, path)
    return Exported("onnx", described, parts)


def _write_onnx(whole: ExportedNetwork, shape: Shape, tensors: tuple[str, ...], path: Path) -> None:
    examples = (torch.zeros(2, 4, shape.length), torch.zeros(2, shape.features))[: 2 if shape.features else 1]
    names = ["sequence", "features"][: len(examples)]
    log = logging.getLogger("torch.onnx")
    level = log.level
    try:
        # Its tracing warns of PyTorch's own internals, and logs what optional packages it does without.
        log.setLevel(logging.ERROR)
        with warnings.catch_warnings(action="ignore"):
            torch.onnx.export(
                whole,
                examples,
                path,
                input_names=names,
                output_names=list(tensors),
                dynamic_shapes=tuple({0: torch.export.Dim("example")} for _ in examples),
                external_data=False,
                verbose=False,
            )
    except ModuleNotFoundError as error:
        raise CellError(f"writing ONNX needs the package '{error.name}' (pip install 'regharness[onnx]')") from None
    finally:
        log.setLevel(level)


def _architecture(p: HeadParameters) -> dict[str, Any]:
    """What decides which weights there are."""
    own = set(type(p).model_fields) - set(ReferenceParameters.model_fields) - {"evidence_penalty"}
    return {name: value for name in sorted(own) if (value := getattr(p, name)) is not None}
