"""Own what training minimises: a loss of each example and output, and how groups of them count. Owns no network.

To be imported once Keras has its backend, as `regharness_keras.process` sees to.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from regharness_reference.parameters import GroupDRO, VREx


def gaussian(values: Any, target: Any, beta: float, weight: Any = None) -> Any:
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
    tensor
        ``(example, output)``.
    """
    mean, log_variance = values[..., 0], values[..., 1]
    precision = ops.exp(-log_variance)
    if weight is None:
        terms = log_variance + (target - mean) ** 2 * precision
    else:
        of_variance = log_variance + (target - ops.stop_gradient(mean)) ** 2 * precision
        of_mean = weight * (target - mean) ** 2 * ops.stop_gradient(precision)
        # Its value is that of the likelihood; its gradient that of the two parts.
        terms = of_variance + of_mean - ops.stop_gradient(of_mean)
    return ops.stop_gradient(ops.exp(beta * log_variance)) * 0.5 * terms


class Reduction:
    """Reduce the losses of a batch to one, by their mean or by groups.

    Groups are those of the examples, or without any the outputs; one that a batch lacks does not count in it.

    Parameters
    ----------
    robust
        How groups count; None for the mean.
    groups
        How many there are.
    """

    def __init__(self, robust: GroupDRO | VREx | None, groups: int) -> None:
        self._robust, self._groups = robust, groups
        self._share = keras.Variable([1.0 / groups] * groups, trainable=False, dtype="float32", name="share")

    def __call__(self, terms: Any, group: Any = None) -> Any:
        """The loss of ``(example, output)`` terms and the ``(example,)`` groups of their examples."""
        if self._robust is None:
            return ops.mean(terms)
        risk, there = self._risks(terms, group)
        if isinstance(self._robust, VREx):
            share = there / ops.sum(there)
            variance = ops.sum(share * (risk - ops.sum(share * risk)) ** 2)
            return ops.mean(terms) + self._robust.penalty * variance
        # Sagawa et al. (2020), algorithm 1: exponentiated gradient ascent on the groups' shares.
        share = self._share * ops.exp(self._robust.step * ops.stop_gradient(risk))
        share = share / ops.sum(share)
        self._share.assign(share)
        return ops.sum(share * risk)

    def _risks(self, terms: Any, group: Any) -> tuple[Any, Any]:
        """Mean loss of each group, zero for one without examples, and 1 or 0 for whether it has any."""
        if group is None:
            risk = ops.mean(terms, axis=0)
            return risk, ops.ones_like(risk)
        member = ops.one_hot(group, self._groups, dtype="float32")
        count = ops.sum(member, axis=0)
        risk = ops.matmul(ops.mean(terms, axis=1), member) / ops.maximum(count, 1.0)
        return risk, ops.cast(count > 0, "float32")
