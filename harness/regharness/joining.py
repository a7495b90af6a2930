"""Lay what was scored task by task into one dataset. Scores nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from regharness import dims
from regharness.scoring import N_DROPPED, N_VALID

FILLS: dict[str, Any] = {dims.STATUS: np.int8(dims.ABSENT), N_VALID: np.int64(0), N_DROPPED: np.int64(0)}
"""What stands where a task has nothing, other than NaN."""


def join(parts: Sequence[xr.Dataset], order: Mapping[str, Sequence[Any]]) -> xr.Dataset:
    """Join datasets along ``task``.

    Parameters
    ----------
    parts
        One a task, in the order of the tasks.
    order
        Dimension to all its labels, ``task`` first. Dimensions that are not named, such as those of curves, are as long
        as in the part that is longest, and equal ones have equal labels.

    Returns
    -------
    xarray.Dataset
        What a task does not have is NaN, its status absent. ``shift`` has the coordinates ``shift_operator`` and
        ``severity``.
    """
    places = {dim: {label: i for i, label in enumerate(labels)} for dim, labels in order.items()}
    coords: dict[str, Any] = {name: text_labels(labels) for name, labels in order.items()}
    variables: dict[str, xr.Variable] = {}
    for name in dict.fromkeys(str(name) for part in parts for name in part.data_vars):
        owners = [(index, part[name]) for index, part in enumerate(parts) if name in part]
        first = owners[0][1]
        names = [str(dim) for dim in first.dims]
        shape = [len(order[dim]) if dim in order else max(part.sizes[dim] for _, part in owners) for dim in names]
        fill = FILLS.get(name, np.nan)
        values = np.full((len(parts), *shape), fill, dtype=np.asarray(fill).dtype)
        for index, part in owners:
            held = [
                [places[dim][label] for label in part[dim].values.tolist()]
                if dim in order
                else list(range(part.sizes[dim]))
                for dim in names
            ]
            values[index][np.ix_(*held)] = part.variable.transpose(*names).values
        coords.update({dim: first[dim].variable for dim in names if dim not in order and dim in first.coords})
        variables[name] = xr.Variable((dims.TASK, *names), values, first.attrs)
    return xr.Dataset(variables, {**coords, **shift_coordinates(order[dims.SHIFT])})


def shift_coordinates(shifts: Sequence[str]) -> dict[str, Any]:
    """Operator and severity of each label along ``shift``, as coordinates."""
    operators, _, severities = zip(*(label.rpartition("@") for label in shifts), strict=True)
    return {
        dims.SHIFT_OPERATOR: (dims.SHIFT, text_labels([o or dims.IDENTITY for o in operators])),
        dims.SEVERITY: (dims.SHIFT, [int(s) if s.isdigit() else 0 for s in severities]),
    }


def text_labels(labels: Sequence[Any]) -> Any:
    """Labels as a store takes them: fixed-length text has no zarr v3 specification, so it is of variable length."""
    return np.array(labels, dtype=np.dtypes.StringDType()) if isinstance(labels[0], str) else np.array(labels)
