"""Own the network: sequence and prior features in, mean and log variance out. Trains nothing."""

from __future__ import annotations

import torch
from torch import Tensor, nn

LOG_VARIANCE_BOUND = 8.0
"""Log variances, of standardised targets, stay within plus and minus this, softly, so that none overflows."""
POOL = 8
"""Positions that share one maximum of the first convolution; about a motif, so little of its place is lost."""


class GaussianCNN(nn.Module):
    """Two convolutions, pooled by maximum and mean, and a head that gives a Gaussian for each output.

    Convolutions are two-dimensional with a height of one, since PyTorch can then keep the channels of a
    position together in memory, which halves the time of a training step on a CPU core.

    Parameters
    ----------
    filters, outputs, features
        Filters of each convolution, outputs, and prior features.
    dropout
        Before the head.
    """

    def __init__(self, filters: int, outputs: int, features: int, dropout: float) -> None:
        super().__init__()
        self.motifs = nn.Conv2d(4, filters, (1, 15), padding=(0, 7))
        self.pool = nn.MaxPool2d((1, POOL), ceil_mode=True)
        self.grammar = nn.Conv2d(filters, filters, (1, 7), padding=(0, 3))
        self.to(memory_format=torch.channels_last)
        self.hidden = nn.Linear(3 * filters, 2 * filters)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * filters, 2 * outputs)
        self.prior = nn.Sequential(nn.Linear(features, 64), nn.ReLU()) if features else None
        if features:
            self.hidden = nn.Linear(3 * filters + 64, 2 * filters)
            self.skip = nn.Linear(features, outputs, bias=False)

    def forward(self, one_hot: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Map ``(example, base, position)`` and ``(example, feature)`` to mean and log variance."""
        rows = one_hot[:, :, None].contiguous(memory_format=torch.channels_last)
        first = torch.relu(self.pool(self.motifs(rows)))
        second = torch.relu(self.grammar(first))
        pooled = [first.amax(dim=(2, 3)), second.amax(dim=(2, 3)), second.mean(dim=(2, 3))]
        if self.prior is not None:
            pooled.append(self.prior(features))
        hidden = self.dropout(torch.relu(self.hidden(torch.cat(pooled, dim=1))))
        mean, raw = self.head(hidden).chunk(2, dim=1)
        if self.prior is not None:
            mean = mean + self.skip(features)
        return mean, LOG_VARIANCE_BOUND * torch.tanh(raw / LOG_VARIANCE_BOUND)


def one_hot(sequence: Tensor) -> Tensor:
    """Encode ``(example, position)`` codes as ``(example, base, position)`` float32; N is all zero."""
    return nn.functional.one_hot(sequence.long(), 5)[:, :, :4].transpose(1, 2).float()
