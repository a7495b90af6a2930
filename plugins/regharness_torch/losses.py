"""Own what training minimises: a loss of each example and output, and how groups of them count. Owns no network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from regharness_reference.parameters import GroupDRO, VREx


def gaussian(values: Tensor, target: Tensor, beta: float, weight: Tensor | None = None) -> Tensor:
    """Gaussian negative log likelihood, each term weighed by its variance to the power of `beta`.

    The weight carries no gradient (Seitzer et al., ICLR 2022, equation 5); constants are left out. With `weight`,
    an error counts so much more for the mean, and as ever for the variance, which is to describe every example.

    Parameters
    ----------
    values
        ``(example, output, 2)``: mean, log variance.
    target, weight
        ``(example, output)``.

    Returns
    -------
    Tensor
        ``(example, output)``.
    """
    mean, log_variance = values.unbind(dim=2)
    precision = torch.exp(-log_variance)
    if weight is None:
        terms = log_variance + (target - mean) ** 2 * precision
    else:
        of_variance = log_variance + (target - mean.detach()) ** 2 * precision
        of_mean = weight * (target - mean) ** 2 * precision.detach()
        # Its value is that of the likelihood; its gradient that of the two parts.
        terms = of_variance + of_mean - of_mean.detach()
    return torch.exp(beta * log_variance).detach() * 0.5 * terms


def pinball(values: Tensor, target: Tensor, levels: Sequence[float]) -> Tensor:
    """Pinball loss ``(example, output)`` of quantiles ``(example, output, level)``, over levels the mean."""
    error = target[..., None] - values
    level = values.new_tensor(list(levels))
    return torch.maximum(level * error, (level - 1.0) * error).mean(dim=2)


def evidential(values: Tensor, target: Tensor, penalty: float) -> Tensor:
    """Student's t likelihood of a normal-inverse-gamma distribution, and a penalty on evidence where it errs.

    Amini et al. (NeurIPS 2020), equations 8 to 10; the constant ``ln(pi) / 2`` is left out.

    Parameters
    ----------
    values
        ``(example, output, 4)``: gamma, nu, alpha, beta.
    """
    gamma, nu, alpha, beta = values.unbind(dim=2)
    omega = 2.0 * beta * (1.0 + nu)
    error = target - gamma
    likelihood = (
        -0.5 * torch.log(nu)
        - alpha * torch.log(omega)
        + (alpha + 0.5) * torch.log(error**2 * nu + omega)
        + torch.lgamma(alpha)
        - torch.lgamma(alpha + 0.5)
    )
    return likelihood + penalty * error.abs() * (2.0 * nu + alpha)


class Reduction:
    """Reduce the losses of a batch to one, by their mean or by groups.

    Groups are those of the examples, or without any the outputs; one that a batch lacks does not count in it.

    Parameters
    ----------
    robust
        How groups count; None for the mean.
    groups
        How many there are.
    device
        Where the losses are.
    """

    def __init__(self, robust: GroupDRO | VREx | None, groups: int, device: torch.device) -> None:
        self._robust = robust
        self.share = torch.full((groups,), 1.0 / groups, device=device)

    def __call__(self, terms: Tensor, group: Tensor | None) -> Tensor:
        """The loss of ``(example, output)`` terms and the ``(example,)`` groups of their examples."""
        if self._robust is None:
            return terms.mean()
        risk, there = self._risks(terms, group)
        if isinstance(self._robust, VREx):
            return terms.mean() + self._robust.penalty * risk[there].var(correction=0)
        # Sagawa et al. (2020), algorithm 1: exponentiated gradient ascent on the groups' shares.
        self.share = self.share * torch.exp(self._robust.step * torch.where(there, risk, 0.0).detach())
        self.share = self.share / self.share.sum()
        return (self.share * torch.where(there, risk, 0.0)).sum()

    def _risks(self, terms: Tensor, group: Tensor | None) -> tuple[Tensor, Tensor]:
        """Mean loss of each group, and whether it has an example."""
        if group is None:
            risk = terms.mean(dim=0)
            return risk, torch.ones_like(risk, dtype=torch.bool)
        member = torch.nn.functional.one_hot(group, len(self.share)).to(terms.dtype)
        count = member.sum(dim=0)
        return member.T @ terms.mean(dim=1) / count.clamp(min=1.0), count > 0
