"""Refuse a model's answer that cannot be stored or scored. Stores nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regharness.errors import CellError
from regharness.interfaces import Prediction, SequenceBatch
from regharness.quantiles import level_problem


def check(prediction: Prediction, batch: SequenceBatch, levels: tuple[float, ...] = ()) -> None:
    """Refuse an answer that cannot be stored or scored.

    Parameters
    ----------
    prediction, batch
        The answer, and what was asked.
    levels
        Of the quantiles that the model declared.

    Raises
    ------
    CellError
        No `Prediction`, a wrong shape or dtype, NaN or infinity, a negative variance; quantiles that fall, or that
        are others than declared.
    """
    if not isinstance(prediction, Prediction):
        raise CellError(f"predict gave {type(prediction).__name__}, not a Prediction")
    shape = (len(batch), len(batch.outputs))
    for name in ("mean", "aleatoric_variance", "epistemic_variance"):
        value = getattr(prediction, name)
        if value is None and name != "mean":
            continue
        _check_array(name, value, shape, "(example, output)")
        if name != "mean" and (value < 0).any():
            raise CellError(f"{name} is negative for {_examples(value < 0)}")
    _check_levels(prediction, levels)
    if prediction.quantiles is None:
        return
    _check_array("quantiles", prediction.quantiles, (*shape, len(levels)), "(example, output, quantile)")
    falls = np.diff(prediction.quantiles, axis=2) < 0
    if falls.any():
        raise CellError(f"quantiles fall along their levels for {_examples(falls)}")


def _check_levels(prediction: Prediction, levels: tuple[float, ...]) -> None:
    wrong = level_problem(levels)
    if wrong:
        raise CellError(f"the model declares its quantile_levels wrongly: {wrong}")
    given = tuple(float(level) for level in prediction.quantile_levels)
    if given != levels:
        raise CellError(f"quantile_levels are {_listed(given)}, and the model declares {_listed(levels)}")
    if (prediction.quantiles is None) == bool(levels):
        raise CellError("predict gave quantiles without levels" if not levels else "predict gave no quantiles")


def _check_array(name: str, value: object, shape: tuple[int, ...], axes: str) -> None:
    if not isinstance(value, np.ndarray):
        raise CellError(f"{name} is {type(value).__name__}, not a numpy array")
    if value.shape != shape:
        raise CellError(f"{name} has shape {value.shape}, not {axes} = {shape}")
    if value.dtype != np.float32:
        raise CellError(f"{name} is {value.dtype}, not float32")
    if not np.isfinite(value).all():
        raise CellError(f"{name} is NaN or infinite for {_examples(~np.isfinite(value))}")


def _examples(bad: NDArray[np.bool_]) -> str:
    return f"{int(bad.reshape(len(bad), -1).any(axis=1).sum())} of {len(bad)} examples"


def _listed(levels: tuple[float, ...]) -> str:
    return ", ".join(f"{level:g}" for level in levels) or "none"
