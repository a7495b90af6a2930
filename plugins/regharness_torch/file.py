"""Run a user's PyTorch network from a file of weights. Encodes nothing, trains nothing."""

from __future__ import annotations

import inspect
import os
import pickle
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from regharness import Prediction, RunContext, SequenceBatch
from regharness.errors import CellError, unknown_name
from regharness_networks.adapter import FileModel, Network, Tensor
from regharness_networks.batches import OutOfMemory, is_out_of_memory
from regharness_networks.building import named, randomness_kept
from regharness_networks.floors import check_floor
from regharness_networks.inputs import InputTensor
from regharness_networks.outputs import named_outputs
from regharness_torch.devices import chosen_device, free_memory, release_memory
from regharness_torch.dropping import dropout_layers, units_left_out
from regharness_torch.file_parameters import TorchParameters
from regharness_torch.state import evaluating, undisturbed


class TorchModel(FileModel):
    """A PyTorch network that comes fitted.

    State dicts are loaded with ``weights_only``, so that they hold nothing but tensors. The network computes on
    one thread of a CPU, and unless told otherwise only with algorithms that give the same bits twice. PyTorch's
    flags, threads and random numbers are afterwards as they were.

    Parameters
    ----------
    **parameters
        As of `TorchParameters`.
    """

    layout = "NCL"

    def __init__(self, **parameters: Any) -> None:
        self._given = TorchParameters.model_construct(**parameters)
        super().__init__(self._given)

    def open(self, device: str) -> Network:
        """Build the network and load its weights."""
        return TorchNetwork(self._given, chosen_device(device))

    def samples(self, batch: SequenceBatch, context: RunContext, number: int) -> Iterator[Prediction]:
        """Predict with units of its dropout layers left out; one draw of units a sample, for all examples.

        Raises
        ------
        CellError
            For a network without such a layer, and for a program, whose layers cannot be reached.
        """
        network = self.opened(context)
        assert isinstance(network, TorchNetwork)
        rng = context.rng("samples")
        for _ in range(number):
            with network.dropped(rng):
                found = self.predict(batch, context)
            yield found


class TorchNetwork(Network):
    """A module, and its device.

    Parameters
    ----------
    p, device
        What to load, and where.
    """

    def __init__(self, p: TorchParameters, device: torch.device) -> None:
        check_floor("torch")
        if device.type == "cuda" and p.deterministic:
            # Read by cuBLAS when it is first used; without it, PyTorch refuses to multiply matrices.
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        self._device, self._deterministic, self._precision = device, p.deterministic, getattr(torch, p.precision)
        with undisturbed(device, p.deterministic), randomness_kept():
            self._module = (_program(p.path, device) if p.trust else _with_weights(p)).to(device)
        self.accelerated = device.type != "cpu"
        self.inputs = tuple(InputTensor(name, None, np.dtype(np.float32)) for name in _names(self._module))
        self._call = torch.compile(self._module) if p.compile else self._module
        number = next((one.dtype for one in self._module.parameters() if one.is_floating_point()), torch.float32)
        # Autocast turns float32 into what it computes with.
        self._number = number if self._precision == torch.float32 else torch.float32
        self.execution = {
            "device": _device_name(device),
            "torch": torch.__version__,
            "threads": "1",
            "precision": p.precision,
            "deterministic": str(p.deterministic).lower(),
            "compiled": str(p.compile).lower(),
        }

    def free_memory(self) -> int | None:
        """Bytes that are free on its accelerator."""
        return free_memory(self._device)

    def run(self, inputs: dict[str, Tensor]) -> list[tuple[str, Tensor]]:
        """Outputs by name or place, in order."""
        try:
            return self._run(inputs)
        except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
            short, line = is_out_of_memory(error), _line(error)
        # Only here is what the failed call held let go.
        if short:
            release_memory(self._device)
            raise OutOfMemory
        shapes = ", ".join(f"{name} {tuple(value.shape)}" for name, value in inputs.items())
        remedy = (
            "'deterministic: false' allows it" if "deterministic" in line else "see 'layout', 'length' and 'inputs'"
        )
        raise CellError(f"the network refused {shapes}: {line}; {remedy}")

    @contextmanager
    def dropped(self, rng: np.random.Generator) -> Iterator[None]:
        """Within, its dropout layers leave out the same units for every example."""
        layers = dropout_layers(self._module)
        if not layers:
            raise CellError("the network has no dropout layer (torch.nn.Dropout) with a rate above 0 to sample from")
        compiled, self._call = self._call, self._module
        try:
            with units_left_out(layers, rng):
                yield
        finally:
            self._call = compiled

    def _run(self, inputs: dict[str, Tensor]) -> list[tuple[str, Tensor]]:
        lower = self._precision != torch.float32
        with (
            undisturbed(self._device, self._deterministic),
            evaluating(self._module),
            torch.inference_mode(),
            torch.autocast(self._device.type, self._precision if lower else torch.bfloat16, enabled=lower),
        ):
            given = [torch.from_numpy(value).to(self._device) for value in inputs.values()]
            given = [value.to(self._number) if value.is_floating_point() else value for value in given]
            return [(name, _array(name, value)) for name, value in named_outputs(self._call(*given))]


def _array(name: str, value: Any) -> Tensor:
    if not isinstance(value, torch.Tensor):
        raise CellError(f"the network gives {type(value).__name__} as {name}, not a tensor")
    short = value.dtype in (torch.bfloat16, torch.float16)
    found: Tensor = (value.float() if short else value).cpu().numpy()
    return found


def _device_name(device: torch.device) -> str:
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


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
        with warnings.catch_warnings():
            # That TorchScript is on its way out is no news to who has one.
            warnings.filterwarnings("ignore", "`torch.jit.load`", DeprecationWarning)
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
    weights = {name.removeprefix(p.prefix): value for name, value in _weights(p.path, p.entry).items()}
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
        raise CellError(f"{p.path.name} {'; '.join(wrong[:3])}{more}{_prefix_of(own, weights)}")
    module.load_state_dict(weights)
    return module


def _weights(path: Path, entry: str | None) -> dict[str, torch.Tensor]:
    """Tensors by name, and nothing else: a file can hold code, and a tensor can claim to be larger than it is."""
    try:
        if path.suffix == ".safetensors":
            found = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise CellError(f"{path.name} holds no weights that can be read safely: {_reason(error)}") from None
    if isinstance(found, Mapping) and entry is not None:
        if entry not in found:
            message, choices = unknown_name("entry", entry, [str(key) for key in found], listed="it has")
            raise CellError(f"{path.name}: {message} ({choices})")
        found = found[entry]
    elif isinstance(found, Mapping):
        found = found.get("state_dict", found)
    if not isinstance(found, Mapping) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        held = f"; it holds {', '.join(map(str, [*found][:8]))}: 'entry' names that of the weights"
        raise CellError(f"{path.name} is no state dict of tensors by name{held if isinstance(found, Mapping) else ''}")
    for name, value in found.items():
        if value.layout != torch.strided or value.is_quantized or value.device.type != "cpu":
            kind = "quantized" if value.is_quantized else f"{value.layout} on {value.device.type}"
            raise CellError(f"{path.name}: {name} is {kind}, not a dense tensor of numbers")
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise CellError(f"{path.name}: {name} claims {value.numel():,} numbers, more than the file holds")
    return {str(name): value for name, value in found.items()}


def _prefix_of(own: Mapping[str, Any], weights: Mapping[str, Any]) -> str:
    """The remedy where a wrapper, such as that of data-parallel training, stands before every name."""
    first = next(iter(own), "")
    prefixes = (name.removesuffix(first) for name in weights if name.endswith(first))
    found = next((one for one in prefixes if one and {one + name for name in own} == set(weights)), None)
    return f"; 'prefix: {found}' takes that off its names" if found else ""


def _reason(error: Exception) -> str:
    """Why a file was not read, in our words: PyTorch's would have it read unsafely."""
    code = re.search(r"Unsupported (?:global: GLOBAL|class) (\S+)", str(error))
    if code:
        return f"it holds {code[1]}, which is code; save module.state_dict(), of tensors alone"
    if isinstance(error, pickle.UnpicklingError | EOFError | OSError | RuntimeError):
        return "it is cut off, or is no file of torch.save"
    return _line(error)


def _line(error: Exception) -> str:
    """What an error says first, and one of TorchScript, which begins with the way to it, last."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1 if isinstance(error, torch.jit.Error) else 0][:200]
