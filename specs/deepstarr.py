"""The network of DeepSTARR (de Almeida et al., Nature Genetics 54:613, 2022), for weights as a state dict."""

from torch import Tensor, nn

BLOCKS = ((256, 7), (60, 3), (60, 5), (120, 3))
"""Filters and width of each convolution."""


class DeepSTARR(nn.Module):
    """Developmental and housekeeping enhancer activity of 249 bp in Drosophila S2 cells."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 4
        for filters, width in BLOCKS:
            layers += [
                nn.Conv1d(channels, filters, width, padding="same"),
                nn.BatchNorm1d(filters, eps=1e-3),
                nn.ReLU(),
                nn.MaxPool1d(2),
            ]
            channels = filters
        self.body = nn.Sequential(*layers)
        dense: list[nn.Module] = []
        for inputs in (15 * channels, 256):
            dense += [nn.Linear(inputs, 256), nn.BatchNorm1d(256, eps=1e-3), nn.ReLU()]
        self.fc = nn.Sequential(*dense)
        self.out = nn.Linear(256, 2)

    def forward(self, sequence: Tensor) -> Tensor:
        """``(example, base, position)`` to ``(example, output)``."""
        out: Tensor = self.out(self.fc(self.body(sequence).transpose(1, 2).flatten(1)))
        return out
