"""Fit a network to Gaussian targets. Knows no file and no adapter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from regharness.errors import CellError
from regharness_torch.network import GaussianCNN, one_hot
from regharness_torch.parameters import CNNParameters

INFERENCE_BATCH = 256
"""Fastest for small networks on a CPU core, and the same for every caller, so that bits do not depend on it."""


@dataclass(frozen=True)
class Examples:
    """Tensors on one device: ``sequence (example, position)``, ``features``, standardised ``target``."""

    sequence: Tensor
    features: Tensor
    target: Tensor


def beta_nll(mean: Tensor, log_variance: Tensor, target: Tensor, beta: float) -> Tensor:
    """Gaussian negative log likelihood, each term weighed by its variance to the power of `beta`.

    The weight carries no gradient (Seitzer et al., ICLR 2022, equation 5); constants are left out.
    """
    terms = 0.5 * (log_variance + (target - mean) ** 2 * torch.exp(-log_variance))
    return (torch.exp(beta * log_variance).detach() * terms).mean()


def fit_network(
    network: GaussianCNN,
    data: Examples,
    calibration: Examples,
    parameters: CNNParameters,
    generator: torch.Generator,
    progress: Callable[[float], None],
) -> None:
    """Train with AdamW on a one-cycle schedule; keep the weights of the epoch best on `calibration`.

    Sequences are shown on a random strand, since reporter activity depends little on it.

    Raises
    ------
    CellError
        When the loss is no longer a number.
    """
    n = len(data.target)
    steps = -(-n // parameters.batch_size)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=parameters.learning_rate, weight_decay=parameters.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, parameters.learning_rate, total_steps=parameters.epochs * steps, pct_start=0.2
    )
    best, kept = float("inf"), {}
    for epoch in range(parameters.epochs):
        network.train()
        order = torch.randperm(n, generator=generator).to(data.sequence.device)
        flips = torch.rand(steps, generator=generator) < 0.5
        for step in range(steps):
            rows = order[step * parameters.batch_size : (step + 1) * parameters.batch_size]
            encoded = one_hot(data.sequence[rows])
            if flips[step]:
                encoded = encoded.flip(1, 2)
            mean, log_variance = network(encoded, data.features[rows])
            loss = beta_nll(mean, log_variance, data.target[rows], parameters.beta)
            if not torch.isfinite(loss):
                raise CellError(f"the loss became {loss.item()} in epoch {epoch + 1}; try a lower learning_rate")
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            progress((epoch * steps + step + 1) / (parameters.epochs * steps))
        mean, log_variance = predict(network, calibration.sequence, calibration.features)
        likelihood = float(beta_nll(mean, log_variance, calibration.target, 0.0))
        if likelihood < best:
            best = likelihood
            kept = {name: value.detach().clone() for name, value in network.state_dict().items()}
    network.load_state_dict(kept)


def predict(network: GaussianCNN, sequence: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log variance ``(example, output)`` of standardised targets."""
    network.eval()
    means, log_variances = [], []
    with torch.inference_mode():
        for start in range(0, len(sequence), INFERENCE_BATCH):
            rows = slice(start, start + INFERENCE_BATCH)
            mean, log_variance = network(one_hot(sequence[rows]), features[rows])
            means.append(mean)
            log_variances.append(log_variance)
    return torch.cat(means), torch.cat(log_variances)
