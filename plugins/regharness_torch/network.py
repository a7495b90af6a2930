"""Own the network: sequence and prior features in, mean and log variance out. Trains nothing."""

from __future__ import annotations

import torch
from torch import Tensor, nn

LOG_VARIANCE_BOUND = 8.0
"""Log variances, of standardised targets, stay within plus and minus this, softly, so that none overflows."""


class GaussianCNN(nn.Module):
    """Two convolutions, pooled by maximum and mean, and a head that gives a Gaussian for each output.

    Parameters
    ----------
    filters, outputs, features
        Filters of each convolution, outputs, and prior features.
    dropout
        Before the head.
    """

    def __init__(self, filters: int, outputs: int, features: int, dropout: float) -> None:
        super().__init__()
        self.motifs = nn.Conv1d(4, filters, 15, padding=7)
        self.pool = nn.MaxPool1d(4, ceil_mode=True)
        self.grammar = nn.Conv1d(filters, filters, 7, padding=3)
        self.hidden = nn.Linear(3 * filters, 2 * filters)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * filters, 2 * outputs)
        self.prior = nn.Sequential(nn.Linear(features, 64), nn.ReLU()) if features else None
        if features:
            self.hidden = nn.Linear(3 * filters + 64, 2 * filters)
            self.skip = nn.Linear(features, outputs, bias=False)

    def forward(self, one_hot: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Map ``(example, base, position)`` and ``(example, feature)`` to mean and log variance."""
        first = torch.relu(self.motifs(one_hot))
        second = torch.relu(self.grammar(self.pool(first)))
        pooled = [first.amax(dim=2), second.amax(dim=2), second.mean(dim=2)]
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
