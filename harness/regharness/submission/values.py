"""Refuse predictions that are no predictions: not finite, absurd, or made to break a score. Computes no score."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from regharness import dims
from regharness.submission.archive import Archive
from regharness.submission.cube_slice import Layout
from regharness.submission.manifest import SliceInfo
from regharness.submission.package import iterate_numbers
from regharness.submission.refusal import Refused

LARGEST = 1e9
"""Of a mean, a quantile or a standard deviation, in the unit of the target."""
LEAST_SD = 1e-6
"""Of a standard deviation: below it a likelihood says more of the number format than of the model."""

_TINY = np.finfo(np.float32).tiny
_VARIANCES = (dims.VARIANCE, dims.ALEATORIC, dims.EPISTEMIC)


def check_values(archive: Archive, info: SliceInfo) -> None:
    """Go through every number of a task's predictions, chunk by chunk.

    Raises
    ------
    Refused
        Naming the variable, the cell and the example of the first that is not finite, is too large or too small, has
        fewer digits than its format (denormal), is a negative variance, or a quantile below one of a lower level; and
        of the first example whose total variance is none.
    """
    for name in info.variables:
        for key, values in iterate_numbers(archive, info, name):
            _check_chunk(info, name, key, values)
    parts = [name for name in _VARIANCES if name in info.variables]
    if parts:
        for chunks in zip(*(iterate_numbers(archive, info, name) for name in parts), strict=True):
            total = np.sum([np.asarray(values.data, np.float64) for _, values in chunks], axis=0)
            key, first = chunks[0]
            wrong = (total < LEAST_SD**2) & ~first.mask
            _refuse(info, parts[0], key, wrong, total, f"a standard deviation below {LEAST_SD:g}")


def _check_chunk(info: SliceInfo, name: str, key: tuple[int, ...], values: Any) -> None:
    numbers, padding = values.data, np.ma.getmaskarray(values)
    # What nobody reads could hold anything.
    _refuse(info, name, key, padding & ~np.isnan(numbers), numbers, "something where there is no example")
    size = np.abs(numbers)
    with np.errstate(invalid="ignore"):
        _refuse(info, name, key, ~padding & ~np.isfinite(numbers), numbers, "a number that is not finite")
        _refuse(info, name, key, (size > 0) & (size < _TINY), numbers, "a number too small for its format (denormal)")
        limit = LARGEST**2 if name in _VARIANCES else LARGEST
        _refuse(info, name, key, size > limit, numbers, f"a number beyond {limit:g}")
        if name in _VARIANCES:
            _refuse(info, name, key, numbers < 0, numbers, "a negative variance")
        if name == dims.QUANTILES:
            falling = np.diff(numbers, axis=-1) < 0
            _refuse(info, name, key, falling, numbers[..., 1:], "a quantile below that of a lower level")


def _refuse(
    info: SliceInfo, name: str, key: tuple[int, ...], wrong: NDArray[np.bool_], numbers: NDArray[Any], what: str
) -> None:
    if not wrong.any():
        return
    variable = Layout(info).variables[name]
    places = np.argwhere(wrong)
    first = dict(zip(variable.names, (places[0] + np.array(key) * variable.chunks).tolist(), strict=True))
    where = f"{info.shifts[first[dims.SHIFT]]}, seed {info.seeds[first[dims.SEED]]}, example {first[dims.EXAMPLE]}"
    value = numbers[tuple(places[0])]
    more = f", and {len(places) - 1:,} more beside it" if len(places) > 1 else ""
    raise Refused("values", f"task '{info.task}', {where}: {name} is {value:g}, {what}{more}")
