"""Own how units of a network's dropout layers are left out, the same ones for every example. Trains nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


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
