"""Own the bodies of the reference networks: one-hot sequences in, a description of each out. Owns no head.

A body maps ``(example, base, position)`` float32, N all zero, to ``(example, width)``, at any length.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

POOL = 8
"""Positions that share one maximum of the first convolution; about a motif, so little of its place is lost."""


class Stem(nn.Module):
    """A convolution that reads motifs, and its maximum over every few positions.

    Convolutions are two-dimensional with a height of one, since PyTorch can then keep the channels of a position
    together in memory, which halves the time of a training step on a CPU core.

    Parameters
    ----------
    filters
        Number of motifs it can read.
    """

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.motifs = nn.Conv2d(4, filters, (1, 15), padding=(0, 7))
        self.pool = nn.MaxPool2d((1, POOL), ceil_mode=True)

    def forward(self, one_hot: Tensor) -> Tensor:
        """Map ``(example, base, position)`` to ``(example, filter, 1, pooled position)``."""
        rows = one_hot[:, :, None].contiguous(memory_format=torch.channels_last)
        return torch.relu(self.pool(self.motifs(rows)))


class CNN(nn.Module):
    """Two convolutions, pooled by maximum and mean.

    Parameters
    ----------
    filters
        Of each convolution.
    """

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.stem = Stem(filters)
        self.grammar = nn.Conv2d(filters, filters, (1, 7), padding=(0, 3))
        self.width = 3 * filters

    def forward(self, one_hot: Tensor) -> Tensor:
        """Describe each sequence."""
        first = self.stem(one_hot)
        second = torch.relu(self.grammar(first))
        return torch.cat([first.amax(dim=(2, 3)), second.amax(dim=(2, 3)), second.mean(dim=(2, 3))], dim=1)


class BiLSTM(nn.Module):
    """A convolution, and an LSTM that reads what it found in both directions.

    Parameters
    ----------
    filters, units
        Of the convolution, and of the LSTM in each direction.
    """

    def __init__(self, filters: int, units: int) -> None:
        super().__init__()
        self.stem = Stem(filters)
        self.lstm = nn.LSTM(filters, units, batch_first=True, bidirectional=True)
        self.width = filters + 4 * units

    def forward(self, one_hot: Tensor) -> Tensor:
        """Describe each sequence."""
        found = self.stem(one_hot)[:, :, 0]
        read, _ = self.lstm(found.transpose(1, 2).contiguous())
        return torch.cat([found.amax(dim=2), read.amax(dim=1), read.mean(dim=1)], dim=1)


class Transformer(nn.Module):
    """A convolution, and self-attention between the places where it found something.

    Encoder layers normalise first (Xiong et al., ICML 2020), and what leaves the last is not normalised, since how
    strong a motif is would be lost; places are told by sines (Vaswani et al., NeurIPS 2017), small beside motifs.

    Parameters
    ----------
    width, heads, layers
        Numbers a position is described by, heads of each attention, and encoder layers.
    """

    def __init__(self, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.stem = Stem(width)
        self.layers = nn.ModuleList([EncoderLayer(width, heads) for _ in range(layers)])
        self.width = 3 * width

    def forward(self, one_hot: Tensor) -> Tensor:
        """Describe each sequence."""
        found = self.stem(one_hot)[:, :, 0]
        x = found.transpose(1, 2)
        x = x + _places(x.shape[1], x.shape[2], x)
        for layer in self.layers:
            x = layer(x)
        return torch.cat([found.amax(dim=2), x.amax(dim=1), x.mean(dim=1)], dim=1)


class EncoderLayer(nn.Module):
    """Attention and a feed-forward network, each added to what it is given; at first, nothing is added."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.asked, self.mixed = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        for last in (self.mixed, self.narrow):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(example, position, number)`` to the same shape."""
        n, length, width = x.shape
        split = self.asked(self.before(x)).view(n, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        seen = nn.functional.scaled_dot_product_attention(query, key, value)
        x = x + self.mixed(seen.transpose(1, 2).reshape(n, length, width))
        return x + self.narrow(torch.relu(self.wide(self.between(x))))


class LegNet(nn.Module):
    """Residual convolutions with squeeze and excitation, small, after LegNet (Penzar et al., Bioinformatics 2023).

    Unlike there, the first convolution is pooled, since most of the time would go into single positions.

    Parameters
    ----------
    filters
        Of the first convolution and of each block; every block halves the positions.
    kernel, expansion
        Positions that a convolution sees, and times that a block widens inside.
    """

    def __init__(self, filters: Sequence[int], kernel: int, expansion: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_convolved(4, filters[0], 15), nn.MaxPool2d((1, POOL // 2), ceil_mode=True))
        self.blocks = nn.ModuleList([Block(given, made, kernel, expansion) for given, made in pairwise(filters)])
        self.width = 2 * filters[-1]

    def forward(self, one_hot: Tensor) -> Tensor:
        """Describe each sequence."""
        x = self.stem(one_hot[:, :, None].contiguous(memory_format=torch.channels_last))
        for block in self.blocks:
            x = block(x)
        return torch.cat([x.amax(dim=(2, 3)), x.mean(dim=(2, 3))], dim=1)


class Block(nn.Module):
    """A depthwise convolution between two of width one, channels weighed, joined to what came in, and pooled."""

    def __init__(self, given: int, made: int, kernel: int, expansion: int) -> None:
        super().__init__()
        wide, narrow = given * expansion, max(given * expansion // 4, 4)
        self.inside = nn.Sequential(*_convolved(given, wide, 1), *_convolved(wide, wide, kernel, groups=wide))
        self.squeeze, self.excite = nn.Linear(wide, narrow), nn.Linear(narrow, wide)
        self.back = nn.Sequential(*_convolved(wide, given, 1))
        self.join = nn.Sequential(*_convolved(2 * given, made, 1))
        self.pool = nn.MaxPool2d((1, 2), ceil_mode=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(example, channel, 1, position)`` to half the positions."""
        inside = self.inside(x)
        gate = torch.sigmoid(self.excite(nn.functional.silu(self.squeeze(inside.mean(dim=(2, 3))))))
        return self.pool(self.join(torch.cat([x, self.back(inside * gate[:, :, None, None])], dim=1)))


def _convolved(given: int, made: int, kernel: int, groups: int = 1) -> list[nn.Module]:
    """A convolution, normalised and bent."""
    convolution = nn.Conv2d(given, made, (1, kernel), padding=(0, kernel // 2), groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(made), nn.SiLU()]


def _places(length: int, width: int, like: Tensor) -> Tensor:
    """Sines and cosines ``(position, number)`` that tell positions."""
    place = torch.arange(length, dtype=like.dtype, device=like.device)[:, None]
    rate = torch.exp(torch.arange(0, width, 2, dtype=like.dtype, device=like.device) * (-math.log(10_000.0) / width))
    return torch.cat([torch.sin(place * rate), torch.cos(place * rate)], dim=1) / math.sqrt(width)
