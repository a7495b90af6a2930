"""Run a user's PyTorch network from a file of weights. Encodes nothing, trains nothing."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from regharness.errors import CellError
from regharness_networks.adapter import FileModel, InputTensor, Network, OutOfMemory, Tensor
from regharness_networks.building import named
from regharness_torch.devices import chosen_device
from regharness_torch.file_parameters import TorchParameters


class TorchModel(FileModel):
    """A PyTorch network that comes fitted.

    State dicts are loaded with ``weights_only``, so that they hold nothing but tensors. The network computes on
    one thread of a CPU, and only with algorithms that give the same bits twice.

    Parameters
    ----------
    **parameters
        As of `TorchParameters`.
    """

    layout = "NCL"

    def __init__(self, **parameters: Any) -> None:
        torch.set_num_threads(1)
        self._given = TorchParameters.model_construct(**parameters)
        super().__init__(self._given)

    def open(self, device: str) -> Network:
        """Build the network and load its weights."""
        return TorchNetwork(self._given, chosen_device(device))


class TorchNetwork(Network):
    """A module in evaluation mode, and its device.

    Parameters
    ----------
    p, device
        What to load, and where.
    """

    def __init__(self, p: TorchParameters, device: torch.device) -> None:
        module = _program(p.path, device) if p.trust else _with_weights(p)
        self._module = module.to(device)
        if not isinstance(module, torch.fx.GraphModule):
            self._module.eval()
        self.inputs = tuple(InputTensor(name, None, np.dtype(np.float32)) for name in _names(module))
        self._device, self._precision = device, getattr(torch, p.precision)
        self._call = torch.compile(self._module) if p.compile else self._module
        self.execution = {
            "device": str(device),
            "torch": torch.__version__,
            "threads": str(torch.get_num_threads()),
            "precision": p.precision,
        }

    def run(self, inputs: dict[str, Tensor]) -> list[tuple[str, Tensor]]:
        """Outputs by name or place, in order."""
        given = [torch.from_numpy(value).to(self._device) for value in inputs.values()]
        lower = self._precision != torch.float32
        try:
            with (
                torch.inference_mode(),
                torch.autocast(self._device.type, self._precision if lower else torch.bfloat16, enabled=lower),
                torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True),
            ):
                found = self._call(*given)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            raise OutOfMemory from None
        except (RuntimeError, TypeError, ValueError) as error:
            shapes = ", ".join(f"{name} {tuple(value.shape)}" for name, value in inputs.items())
            raise CellError(f"the network refused {shapes}: {str(error).strip().splitlines()[0][:300]}") from None
        if isinstance(found, Mapping):
            parts = [(str(name), value) for name, value in found.items()]
        else:
            parts = [(str(i), one) for i, one in enumerate(found if isinstance(found, tuple | list) else [found])]
        return [(name, value.float().cpu().numpy()) for name, value in parts]


def _names(module: torch.nn.Module) -> list[str]:
    """Names of what the network must be given."""
    if isinstance(module, torch.jit.ScriptModule):
        return [one.name for one in module.forward.schema.arguments[1:] if not one.has_default_value()]
    given = inspect.signature(module.forward).parameters.values()
    if any(one.kind == one.VAR_POSITIONAL for one in given):
        return ["sequence"]
    return [one.name for one in given if one.default is one.empty and one.kind != one.VAR_KEYWORD]


def _program(path: Path, device: torch.device) -> torch.nn.Module:
    """A whole program, which its user trusts."""
    try:
        if path.suffix == ".pt2":
            return torch.export.load(path).module()
        return torch.jit.load(path, map_location=device)
    except Exception as error:
        raise CellError(f"{path.name} is no program of torch.export (.pt2) or TorchScript: {_line(error)}") from None


def _with_weights(p: TorchParameters) -> torch.nn.Module:
    assert p.module is not None
    try:
        module = named(p.module, p.code)(**p.arguments)
    except TypeError as error:
        raise CellError(f"'{p.module}' cannot be built: {error}; see 'arguments'") from None
    if not isinstance(module, torch.nn.Module):
        raise CellError(f"'{p.module}' builds {type(module).__name__}, not a torch.nn.Module")
    weights = {name.removeprefix(p.prefix): value for name, value in _weights(p.path).items()}
    own = module.state_dict()
    wrong = [
        *(f"lacks {name}" for name in own if name not in weights),
        *(f"has {name}, which the network lacks" for name in weights if name not in own),
        *(
            f"has {name} of shape {tuple(weights[name].shape)}, not {tuple(value.shape)}"
            for name, value in own.items()
            if name in weights and weights[name].shape != value.shape
        ),
    ]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise CellError(f"{p.path.name} {'; '.join(wrong[:3])}{more}")
    module.load_state_dict(weights)
    return module


def _weights(path: Path) -> dict[str, torch.Tensor]:
    """Tensors by name, and nothing else: a file can hold code, and a tensor can claim to be larger than it is."""
    try:
        if path.suffix == ".safetensors":
            found = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        remedy = "; save module.state_dict(), of tensors alone" if "weights_only" in str(error).lower() else ""
        raise CellError(f"{path.name} holds no weights that can be read safely: {_line(error)}{remedy}") from None
    found = found.get("state_dict", found) if isinstance(found, Mapping) else found
    if not isinstance(found, Mapping) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise CellError(f"{path.name} is no state dict of tensors by name")
    for name, value in found.items():
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise CellError(f"{path.name}: {name} claims {value.numel():,} numbers, more than the file holds")
    return dict(found)


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
