"""Own a whole reference network: a body, the prior's features, and a head. Trains nothing."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from regharness_reference.heads import Head

LOG_VARIANCE_BOUND = 8.0
"""Log variances, of standardised targets, stay within plus and minus this, softly, so that none overflows."""
LEAST_EVIDENCE = 1e-3
"""What nu and beta, and alpha above 1, of an evidential head are at least, so that no variance is infinite."""
PRIOR_UNITS = 64


class ReferenceNetwork(nn.Module):
    """A body, a hidden layer, and a head for each output.

    Parameters
    ----------
    body
        Maps ``(example, base, position)`` to ``(example, body.width)``.
    outputs, features
        Outputs, and features of the prior.
    head, values
        What the head gives, and how many values for each output.
    dropout
        Before the head.
    """

    def __init__(self, body: Any, outputs: int, features: int, head: Head, values: int, dropout: float) -> None:
        super().__init__()
        self.body, self.outputs, self.kind = body, outputs, head
        self.prior = nn.Sequential(nn.Linear(features, PRIOR_UNITS), nn.ReLU()) if features else None
        units = max(2 * body.width // 3, 8)
        self.dense = nn.Linear(body.width + (PRIOR_UNITS if features else 0), units)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(units, values * outputs)
        self.skip = nn.Linear(features, outputs, bias=False) if features else None

    def hidden(self, one_hot: Tensor, features: Tensor) -> Tensor:
        """Units of the last hidden layer, ``(example, unit)``, before dropout."""
        described = self.body(one_hot)
        if self.prior is not None:
            described = torch.cat([described, self.prior(features)], dim=1)
        return torch.relu(self.dense(described))

    def forward(self, one_hot: Tensor, features: Tensor) -> Tensor:
        """Map ``(example, base, position)`` and ``(example, feature)`` to ``(example, output, value)``."""
        raw = self.head(self.drop(self.hidden(one_hot, features)))
        raw = raw.view(one_hot.shape[0], -1, self.outputs).transpose(1, 2)
        first, rest = raw[..., :1], raw[..., 1:]
        if self.skip is not None:
            first = first + self.skip(features)[..., None]
        if self.kind == "gaussian":
            return torch.cat([first, LOG_VARIANCE_BOUND * torch.tanh(rest / LOG_VARIANCE_BOUND)], dim=2)
        positive = nn.functional.softplus(rest)
        if self.kind == "quantile":
            # The first value is the middle quantile, and the others are steps away from it: half of them down.
            down, up = positive.tensor_split([rest.shape[2] // 2], dim=2)
            return torch.cat([first - torch.cumsum(down, dim=2).flip(2), first, first + torch.cumsum(up, dim=2)], dim=2)
        above = torch.tensor([0.0, 1.0, 0.0], device=raw.device)
        return torch.cat([first, positive + LEAST_EVIDENCE + above], dim=2)
