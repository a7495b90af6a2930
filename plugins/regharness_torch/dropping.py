"""Own dropout that can be frozen: the same units left out for every example. Trains nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
