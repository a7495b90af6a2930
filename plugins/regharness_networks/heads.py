"""Turn what a network gives into a prediction: which values, heads, units. Knows no framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from regharness import Prediction
from regharness.errors import CellError, unknown_name
from regharness_networks.parameters import NetworkParameters

Values = NDArray[np.float64]


def joined(tensors: Sequence[tuple[str, NDArray[np.generic]]], n: int, p: NetworkParameters) -> Values:
    """The values of each example, ``(example, value)``: those of the chosen output tensors, one after the other.

    Raises
    ------
    CellError
        For a tensor that is not there, or that has not one row an example.
    """
    names = [name for name, _ in tensors]
    chosen = []
    for wanted in p.tensors if p.tensors is not None else range(len(tensors)):
        if isinstance(wanted, str) and wanted not in names:
            message, choices = unknown_name("output tensor", wanted, names, listed="it has")
            raise CellError(f"{message} ({choices})")
        place = names.index(wanted) if isinstance(wanted, str) else wanted
        if not 0 <= place < len(tensors):
            raise CellError(f"there is no output tensor {place}; it has {len(tensors)}: {', '.join(names)}")
        name, value = tensors[place]
        if value.ndim == 0 or len(value) != n:
            raise CellError(
                f"the output tensor {name} has the shape {value.shape}, not one row for each of {n} examples"
            )
        chosen.append(value.reshape(n, -1).astype(np.float64))
    return np.concatenate(chosen, axis=1)


def predicted(values: Values, outputs: Sequence[str], p: NetworkParameters) -> Prediction:
    """A prediction of the task's outputs, in its order and unit.

    Parameters
    ----------
    values
        ``(example, value)``, as of `joined`.
    outputs
        The task's.

    Raises
    ------
    CellError
        When there are more or fewer values than the description says, an output is not among them, or a logarithm
        is not defined.
    """
    names = list(p.outputs or outputs)
    each = {"mean": 1, "quantiles": len(p.quantiles), "evidential": 4}.get(p.head, 2)
    if values.shape[1] != each * len(names):
        raise CellError(
            f"the network gives {values.shape[1]} values an example, and {len(names)} outputs ({', '.join(names)}) "
            f"with head '{p.head}' are {each * len(names)}; see 'outputs', 'tensors' and 'head'"
        )
    mean, variance, epistemic, quantiles = _read(values, len(names), p)
    places = []
    for name in outputs:
        if name not in names:
            message, choices = unknown_name("output", name, names, listed="the network gives")
            raise CellError(f"{message} ({choices})")
        places.append(names.index(name))
    mean = mean[:, places]
    scale, offset = (np.array([_of(value, name) for name in outputs]) for value in (p.scale, p.offset))
    mean = mean * scale + offset
    variance = None if variance is None else variance[:, places] * scale**2
    epistemic = None if epistemic is None else epistemic[:, places] * scale**2
    if quantiles is not None:
        # Sorted, quantiles that cross are nearer to the true ones (Chernozhukov et al., Econometrica 78:1093, 2010).
        quantiles = np.sort(quantiles[:, places] * scale[:, None] + offset[:, None], axis=2)
    if p.log2_pseudocount is not None:
        raised = _positive(mean + p.log2_pseudocount, "prediction")
        variance = None if variance is None else variance / (raised * np.log(2.0)) ** 2
        epistemic = None if epistemic is None else epistemic / (raised * np.log(2.0)) ** 2
        mean = np.log2(raised)
        quantiles = None if quantiles is None else np.log2(_positive(quantiles + p.log2_pseudocount, "quantile"))
    return Prediction(
        mean.astype(np.float32),
        aleatoric_variance=None if variance is None else variance.astype(np.float32),
        epistemic_variance=None if epistemic is None else epistemic.astype(np.float32),
        quantiles=None if quantiles is None else quantiles.astype(np.float32),
        quantile_levels=tuple(p.quantiles),
    )


def average(one: Prediction, two: Prediction) -> Prediction:
    """The mean of two predictions of the same examples, of their variances, and of their quantiles level by level."""
    parts: dict[str, NDArray[np.float32] | None] = {}
    for name in ("aleatoric_variance", "epistemic_variance", "quantiles"):
        first, second = getattr(one, name), getattr(two, name)
        parts[name] = None if first is None or second is None else (first + second) / np.float32(2.0)
    return replace(one, mean=(one.mean + two.mean) / np.float32(2.0), **parts)


def _positive(raised: Values, what: str) -> Values:
    if not (raised > 0).all():
        raise CellError(f"log2 of a {what} of {raised.min():g}; give a larger 'log2_pseudocount'")
    return raised


def _read(
    values: Values, outputs: int, p: NetworkParameters
) -> tuple[Values, Values | None, Values | None, Values | None]:
    """Mean, aleatoric and epistemic variance ``(example, output)``, and quantiles ``(example, output, quantile)``.

    In the network's unit.
    """
    if p.head == "mean":
        return values, None, None, None
    if p.head == "quantiles":
        quantiles = values.reshape(len(values), outputs, -1)
        mean, variance = normal_of_quantiles(quantiles, np.array(p.quantiles))
        return mean, variance, None, quantiles
    if p.head == "evidential":
        return *_of_evidence(*np.split(values, 4, axis=1)), None
    mean, spread = values[:, :outputs], values[:, outputs:]
    if p.head == "mean_log_variance":
        return mean, np.exp(spread), None, None
    if (spread < 0).any():
        raise CellError(f"head '{p.head}': the network gives {spread.min():g}, below zero; is it a log variance?")
    return mean, spread**2 if p.head == "mean_sd" else spread, None, None


def _of_evidence(gamma: Values, nu: Values, alpha: Values, beta: Values) -> tuple[Values, Values, Values]:
    """Mean, expected variance and variance of the mean under a normal-inverse-gamma distribution.

    Amini et al., NeurIPS 2020, arXiv 1910.02600, equation 5.
    """
    for name, value, least in (("nu", nu, 0.0), ("alpha", alpha, 1.0), ("beta", beta, 0.0)):
        if (value <= least).any():
            raise CellError(
                f"head 'evidential': the network gives {name} = {value.min():g}, and it must be above {least:g}; is it "
                "as it was before its softplus?"
            )
    variance = beta / (alpha - 1.0)
    return gamma, variance, variance / nu


def normal_of_quantiles(values: Values, levels: Values) -> tuple[Values, Values]:
    """Median and variance of the normal distribution that is nearest to the quantiles in least squares.

    A normal quantile is ``mean + sd z``: a line in z, whose slope is taken as zero where quantiles cross so much
    that it is negative.
    """
    z = norm.ppf(levels)
    slope = ((values - values.mean(axis=2, keepdims=True)) * (z - z.mean())).sum(axis=2) / ((z - z.mean()) ** 2).sum()
    return values.mean(axis=2) - slope * z.mean(), np.maximum(slope, 0.0) ** 2


def _of(value: float | Mapping[str, float], output: str) -> float:
    if not isinstance(value, Mapping):
        return value
    if output not in value:
        raise CellError(f"'scale' and 'offset' say nothing of the output '{output}'; they know {', '.join(value)}")
    return value[output]
