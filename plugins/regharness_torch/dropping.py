"""Own dropout that can be frozen, in networks of ours and of others: the same units left out for every example."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Dropout in training, and outside of it whatever `frozen` says of units along the last axis.

    Parameters
    ----------
    rate, units
        Share that is dropped, and length of the last axis.
    """

    def __init__(self, rate: float, units: int) -> None:
        super().__init__()
        self.rate, self.units = rate, units
        self.frozen: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(..., unit)`` to the same shape."""
        if self.training:
            return nn.functional.dropout(x, self.rate)
        return x if self.frozen is None else x * self.frozen


@contextmanager
def dropped(network: nn.Module, rng: np.random.Generator) -> Iterator[None]:
    """Within, units of all dropout layers of `network` are left out as `rng` draws them."""
    layers = [module for module in network.modules() if isinstance(module, Dropout)]
    device = next(network.parameters()).device
    for layer in layers:
        kept = (rng.random(layer.units) >= layer.rate) / (1.0 - layer.rate)
        layer.frozen = torch.from_numpy(kept.astype(np.float32)).to(device)
    try:
        yield
    finally:
        for layer in layers:
            layer.frozen = None


def dropout_layers(network: nn.Module) -> list[nn.Module]:
    """PyTorch's own dropout layers of a network, of single units or of whole channels, that drop any."""
    kinds = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
    return [part for part in network.modules() if isinstance(part, kinds) and part.p > 0]


@contextmanager
def units_left_out(layers: Sequence[nn.Module], rng: np.random.Generator) -> Iterator[None]:
    """Within, `layers` leave out units, or channels, as `rng` draws them when each is first asked."""
    with ExitStack() as stack:
        for layer in layers:
            handle = layer.register_forward_hook(_LeftOut(rng))
            stack.callback(handle.remove)
        yield


class _LeftOut:
    """A hook that multiplies what a layer was given by 0 or by more than 1, alike for every example."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng, self._kept = rng, torch.empty(0)

    def __call__(self, layer: Any, given: tuple[Tensor, ...], made: Tensor) -> Tensor:
        x = given[0]
        size = x.shape[1:] if isinstance(layer, nn.Dropout) else (*x.shape[1:2], *[1] * (x.ndim - 2))
        if self._kept.shape != (1, *size):
            kept = (self._rng.random((1, *size)) >= layer.p) / max(1.0 - layer.p, np.finfo(np.float32).tiny)
            self._kept = torch.from_numpy(kept.astype(np.float32)).to(x.device)
        return x * self._kept.to(x.dtype)
